//! One session, driven by hand.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::session::*;
use zephyr_core::*;
use zephyr_testkit::{ClientFacing, Faults, Keyed, Plan, Servers};
use zeroize::Zeroizing;

pub struct Alone {
    pub session: Session<'static, Keyed>,
    pub servers: Servers<Keyed>,
    pub plan: Plan,
    pub now: UnixMs,
    pub rng: ChaCha20Rng,
    pub events: Vec<Event>,
    pub out: Vec<u8>,
}

impl Alone {
    pub fn new(plan: Plan, contacts: usize, last_round: Option<(Round, DirectoryHash)>) -> Self {
        let bytes: &'static [u8] = plan.manifest::<Keyed>().leak();
        let manifest = Manifest::parse(bytes).unwrap();
        let mut servers = Servers::new(plan, Faults::default(), manifest.clone());
        let address = Address::parse("alice@example.org").unwrap();
        for (i, pkg) in manifest.servers(Role::Pkg).enumerate() {
            servers.register(i, address.clone(), client_key::<Keyed>(&[7; 32], &pkg.id));
        }
        let tags = vec![TagEntry::default(); Storage::<Keyed>::tags_len(&manifest, contacts)];
        let storage = Storage {
            packets: vec![0; Storage::<Keyed>::packets_len(&manifest)].leak(),
            contacts: (0..contacts).map(|_| None).collect::<Vec<_>>().leak(),
            tags: tags.leak(),
            held: vec![0; Storage::<Keyed>::held_len(&manifest, HELD_MESSAGES)].leak(),
            hops: vec![Hop::EMPTY; Storage::<Keyed>::hops_len(&manifest)].leak(),
            exchanges: vec![None; plan.connections].leak(),
        };
        let seed = Zeroizing::new([7; 32]);
        let settings =
            Settings { address, seed, contacts_only: false, verify_proofs: true, last_round };
        let now = plan.parameters.genesis.plus(10_000);
        Self {
            session: Session::new(manifest, settings, storage, now),
            servers,
            plan,
            now,
            rng: ChaCha20Rng::seed_from_u64(plan.seed),
            events: Vec::new(),
            out: vec![0; plan.parameters.geometry.packet_len() + 256],
        }
    }

    /// The next action that is not an event.
    pub fn poll(&mut self) -> Option<Action> {
        loop {
            match self.session.poll(self.now, &mut self.rng)? {
                Action::Event(event) => self.events.push(event),
                Action::Continue => {}
                action => return Some(action),
            }
        }
    }

    /// Lets time pass until there is something to do.
    pub fn next(&mut self) -> Action {
        for _ in 0..100 {
            if let Some(action) = self.poll() {
                return action;
            }
            assert!(self.session.poll_timeout() > self.now);
            self.now = self.session.poll_timeout();
        }
        panic!("nothing to do for a hundred wake-ups");
    }

    /// The request that a connection begins with.
    pub fn request(&mut self, exchange: ExchangeId) -> Option<Vec<u8>> {
        match self.session.handle_connected(exchange, &[4; 32], self.now, &mut self.out) {
            Reaction::Send(len) => Some(self.out[..len].to_vec()),
            _ => None,
        }
    }

    pub fn answer(&mut self, server: ServerRef, request: &[u8]) -> Vec<Vec<u8>> {
        self.servers.handle(self.now, server, &[4; 32], request)
    }

    /// Carries a whole connection out at once, as a device with one socket does.
    pub fn carry_out(&mut self, exchange: ExchangeId, server: ServerRef) {
        let Some(mut request) = self.request(exchange) else { return };
        loop {
            let mut again = None;
            for mut frame in self.answer(server, &request) {
                let now = self.now;
                let reaction = loop {
                    let out = &mut self.out;
                    match self.session.handle_frame(exchange, &mut frame, now, out) {
                        Reaction::Again => {}
                        reaction => break reaction,
                    }
                };
                match reaction {
                    Reaction::Send(len) => again = Some(self.out[..len].to_vec()),
                    Reaction::Wait | Reaction::Again => {}
                    Reaction::Close | Reaction::Version { .. } => return,
                }
            }
            match again {
                Some(next) => request = next,
                None => return,
            }
        }
    }

    /// Carries everything out until a slot is to be filled.
    pub fn until_fill(&mut self) -> (Round, u8, Address) {
        loop {
            match self.next() {
                Action::Fill { round, slot, contact } => return (round, slot, contact),
                Action::Connect { exchange, server } => self.carry_out(exchange, server),
                other => panic!("{other:?}"),
            }
        }
    }
}

pub fn draft(body: &[u8]) -> Draft<'_> {
    Draft {
        content: Content::Text,
        message: 1,
        stream: 1,
        sequence: 1,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
        body,
    }
}
