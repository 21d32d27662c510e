//! A session that is brought to where it downloads a mailbox, without sockets.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zephyr_blst::Native;
use zephyr_client::Waiting;
use zephyr_core::session::*;
use zephyr_core::wire::{Bytes, MailboxReply, decode, encode};
use zephyr_core::*;
use zephyr_testkit::{ClientFacing, Faults, Plan, Servers};
use zeroize::Zeroizing;

const SEED: [u8; 32] = [7; 32];
const HANDSHAKE: [u8; 32] = [4; 32];
/// Length in bytes of a message's tag and authenticator.
const HEAD: usize = 32;
/// More than any list of the simple servers.
const MOST_REPLY: usize = 1_024;

pub struct Reader {
    session: Session<'static, Native>,
    servers: Servers<Native>,
    plan: Plan,
    now: UnixMs,
    rng: ChaCha20Rng,
    directory: Option<DirectoryHash>,
    out: Vec<u8>,
}

/// A mailbox as it comes: the signed list's head, and the messages behind it.
pub struct Mailbox {
    pub list: Vec<u8>,
    pub messages: Vec<Vec<u8>>,
}

impl Reader {
    /// In a round whose packets have all been sent, with keys.
    pub fn new(contacts: usize, contacts_only: bool) -> Self {
        let mut plan = Plan::small(1);
        plan.parameters.geometry = Geometry::new(3, 1024).expect("a geometry");
        let bytes: &'static [u8] = plan.manifest::<Native>().leak();
        let manifest = Manifest::parse(bytes).expect("a good plan");
        let mut servers = Servers::new(plan, Faults::default(), manifest.clone());
        let address = Address::parse("alice@example.org").expect("an address");
        for (i, pkg) in manifest.servers(Role::Pkg).enumerate() {
            servers.register(i, address.clone(), client_key::<Native>(&SEED, &pkg.id));
        }
        let tags = vec![TagEntry::EMPTY; Storage::<Native>::tags_len(&manifest, contacts)];
        let storage = Storage {
            packets: vec![0; Storage::<Native>::packets_len(&manifest)].leak(),
            contacts: (0..contacts).map(|_| None).collect::<Vec<_>>().leak(),
            tags: tags.leak(),
            held: vec![0; Storage::<Native>::held_len(&manifest, HELD_MESSAGES)].leak(),
            hops: vec![Hop::EMPTY; Storage::<Native>::hops_len(&manifest)].leak(),
            exchanges: vec![None; plan.connections].leak(),
        };
        let seed = Zeroizing::new(SEED);
        let settings =
            Settings { address, seed, contacts_only, verify_proofs: false, last_round: None };
        let now = plan.parameters.genesis.plus(10_000);
        let out = vec![0; plan.parameters.geometry.packet_len() + 256];
        let session = Session::new(manifest, settings, storage, now);
        let rng = ChaCha20Rng::seed_from_u64(1);
        let mut this = Self { session, servers, plan, now, rng, directory: None, out };
        for i in 0..contacts {
            let contact = Address::parse(&format!("contact-{i}@example.org")).expect("an address");
            assert!(this.session.add_contact(contact));
        }
        this.submit();
        this
    }

    /// Goes through a round until its packets are sent.
    fn submit(&mut self) {
        let mut sent = 0;
        while sent < self.plan.parameters.packets_per_round {
            match self.session.poll(self.now, &mut self.rng) {
                Some(Action::Event(Event::Opened { directory, .. })) => {
                    self.directory = Some(directory);
                }
                Some(Action::Event(Event::SlotSent { .. })) => sent += 1,
                Some(Action::Fill { round, slot, .. }) => {
                    let _ = self.session.fill(round, slot, None, &mut self.rng);
                }
                Some(Action::Connect { exchange, server }) => self.carry_out(exchange, server),
                Some(_) => {}
                None => self.now = self.session.poll_timeout(),
            }
        }
    }

    /// Carries a connection out.
    fn carry_out(&mut self, exchange: ExchangeId, server: ServerRef) {
        let Some(mut request) = self.request(exchange) else { return };
        loop {
            let frames = self.servers.handle(self.now, server, &HANDSHAKE, &request);
            let mut next = None;
            for mut frame in frames {
                if let Some(len) = self.handle(exchange, &mut frame) {
                    next = Some(self.out[..len].to_vec());
                }
            }
            match next {
                Some(next) => request = next,
                None => return,
            }
        }
    }

    fn request(&mut self, exchange: ExchangeId) -> Option<Vec<u8>> {
        match self.session.handle_connected(exchange, &HANDSHAKE, self.now, &mut self.out) {
            Reaction::Send(len) => Some(self.out[..len].to_vec()),
            _ => None,
        }
    }

    fn handle(&mut self, exchange: ExchangeId, frame: &mut [u8]) -> Option<usize> {
        loop {
            match self.session.handle_frame(exchange, frame, self.now, &mut self.out) {
                Reaction::Again => {}
                Reaction::Send(len) => return Some(len),
                _ => return None,
            }
        }
    }

    /// Computes the contacts' keys and tags.
    pub fn prepare(&mut self) {
        while self.session.poll(self.now, &mut self.rng).is_some() {}
    }

    /// Asks for the mailbox; gives the connection, and `messages` of somebody else's as they come over it.
    pub fn download(&mut self, messages: usize) -> (ExchangeId, Mailbox) {
        let (exchange, server) = loop {
            match self.session.poll(self.now, &mut self.rng) {
                Some(Action::Connect { exchange, server }) if server.role == Role::Mailbox => {
                    break (exchange, server);
                }
                Some(Action::Connect { exchange, server }) => self.carry_out(exchange, server),
                Some(_) => {}
                None => self.now = self.session.poll_timeout(),
            }
        };
        let request = self.request(exchange).expect("a request");
        let mut frames = self.servers.handle(self.now, server, &HANDSHAKE, &request);
        assert!(
            self.handle(exchange, &mut frames[0]).is_none() && self.session.waits_for(exchange)
        );
        let Ok(MailboxReply::List { mixer, .. }) = decode(&frames[1]) else {
            panic!("a list follows")
        };
        (exchange, self.mailbox(mixer, messages))
    }

    fn mailbox(&mut self, mixer: MixerIndex, messages: usize) -> Mailbox {
        let (mut list, mut all) = (DeliveryList::new(), Vec::with_capacity(messages));
        let mut cover = vec![0; self.plan.parameters.geometry.sealed_len()];
        Cover::fill::<<Native as Suite>::Pairing>(&mut cover, &mut self.rng);
        for _ in 0..messages {
            self.rng.fill_bytes(&mut cover[..HEAD]);
            list.push(&cover);
            all.push(cover.clone());
        }
        let seed = self.plan.server_seed(Role::Mixer, mixer.0.into());
        let directory = self.directory.expect("the round has a directory");
        let signature = list.sign::<Native>(&seed, &directory, mixer, self.session.mailbox());
        let (messages, signature) = (messages as u32, Bytes(signature));
        let mut head = vec![0; MOST_REPLY];
        let list = MailboxReply::List { mixer, messages, signature };
        let len = encode(&list, &mut head).expect("a short reply").len();
        head.truncate(len);
        Mailbox { list: head, messages: all }
    }

    /// Takes the whole mailbox in, and checks the list.
    pub fn scan(&mut self, exchange: ExchangeId, mailbox: &mut Mailbox) {
        self.handle(exchange, &mut mailbox.list);
        for message in &mut mailbox.messages {
            let _ = self.session.handle_frame(exchange, message, self.now, &mut self.out);
        }
        let mut end = [0; 8];
        let len = encode(&MailboxReply::End, &mut end).expect("a short reply").len();
        self.handle(exchange, &mut end[..len]);
    }

    /// Whether the mailbox was taken as the mixers delivered it.
    pub fn has_scanned(&mut self) -> bool {
        loop {
            match self.session.poll(self.now, &mut self.rng) {
                Some(Action::Event(Event::Scanned { .. })) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// The trials of a mailbox's messages.
    pub fn trials<'a>(&'a self, exchange: ExchangeId, mailbox: &'a Mailbox) -> Vec<Waiting<'a>> {
        let waiting = |message: &'a Vec<u8>| Some((self.session.trial(exchange)?, &message[..]));
        mailbox.messages.iter().map(waiting).collect()
    }
}
