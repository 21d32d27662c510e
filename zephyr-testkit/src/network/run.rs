//! The network's clock: what happens next, to whom.

use std::collections::BTreeMap;

use rand_core::Rng;
use zephyr_core::session::*;
use zephyr_core::wire::MAX_FRAME;
use zephyr_core::*;
use zeroize::Zeroizing;

use super::chance::Chance;
use super::conversation::{Conversation, Letter};
use super::faults::Faults;
use super::person::{Connection, Fragment, Person};
use super::plan::Plan;
use super::servers::{ClientFacing, Servers};
use super::wire_log::WireKind;
use crate::keyed::Effort;

/// Where a sealed message's U is: behind its tag and its authenticator.
const U: usize = 32;
/// A session that asks to be polled so often without time passing is in a loop.
const MAX_STREAK: u32 = 2_000;

enum Happening {
    WakeUp { person: usize, number: u64 },
    Connected { person: usize, exchange: ExchangeId },
    Broken { person: usize, exchange: ExchangeId },
    Frame { person: usize, exchange: ExchangeId, frame: Vec<u8> },
}

/// Does something with a session, which takes no longer than a microcontroller's other tasks can wait.
pub(super) fn step<T>(work: impl FnOnce() -> T) -> T {
    let (effort, result) = Effort::of(work);
    assert!(effort.is_a_step(), "a step of a session takes {effort:?}");
    result
}

/// Whether a sealed message's U is a point. If not, the message is nobody's, and takes no pairing.
fn has_point<S: Suite>(sealed: &[u8]) -> bool {
    let point = sealed.get(U..U + G1_SIZE);
    point.is_some_and(|point| <S::Pairing as Pairing>::G1::decode_unchecked(point).is_some())
}

/// Servers and people on virtual time.
pub struct Network<S: Suite> {
    /// How large it is.
    pub plan: Plan,
    /// The servers.
    pub servers: Servers<S>,
    /// The people.
    pub people: Vec<Person<S>>,
    pub(super) manifest: Manifest<'static>,
    faults: Faults,
    chance: Chance,
    now: UnixMs,
    queue: BTreeMap<(UnixMs, u64), Happening>,
    count: u64,
    messages: u64,
}

impl<S: Suite> Network<S> {
    /// A network without people, some rounds after its genesis. It leaks the memory that sessions borrow.
    pub fn new(plan: Plan, faults: Faults) -> Self {
        let bytes: &'static [u8] = plan.manifest::<S>().leak();
        let manifest = Manifest::parse(bytes).expect("just encoded");
        let servers = Servers::new(plan, faults, manifest.clone());
        let chance = Chance::new(plan.seed);
        let start = chance.below(u64::from(plan.parameters.round_ms) * 10, "start", &[]);
        Self {
            plan,
            servers,
            people: Vec::new(),
            manifest,
            faults,
            chance,
            now: plan.parameters.genesis.plus(start),
            queue: BTreeMap::new(),
            count: 0,
            messages: 0,
        }
    }

    /// The network's time.
    pub fn now(&self) -> UnixMs {
        self.now
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest<'static> {
        &self.manifest
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.servers.set_faults(faults);
    }

    /// Somebody with room for so many contacts joins, registered with all PKGs.
    pub fn join(&mut self, address: &str, contacts: usize) -> usize {
        let address = Address::parse(address).expect("a test's address");
        let seed = self.chance.bytes("person", &[self.people.len() as u64]);
        for (i, pkg) in self.manifest.servers(Role::Pkg).enumerate() {
            self.servers.register(i, address.clone(), client_key::<S>(&seed, &pkg.id));
        }
        let range = u64::from(self.faults.skew_ms) * 2 + 1;
        let who = self.people.len();
        let skew_ms =
            self.chance.below(range, "skew", &[who as u64]) as i64 - i64::from(self.faults.skew_ms);
        let session = self.session(who, address.clone(), contacts, skew_ms, None);
        self.people.push(Person::new(session, address, skew_ms));
        self.wake_up(who, self.now);
        who
    }

    fn session(
        &self,
        who: usize,
        address: Address,
        contacts: usize,
        skew_ms: i64,
        last_round: Option<(Round, DirectoryHash)>,
    ) -> Session<'static, S> {
        let seed = Zeroizing::new(self.chance.bytes("person", &[who as u64]));
        let packets = vec![0; Storage::<S>::packets_len(&self.manifest)].leak();
        let tags = vec![TagEntry::default(); Storage::<S>::tags_len(&self.manifest, contacts)];
        let contacts: Vec<Option<Contact<S::Pairing>>> = (0..contacts).map(|_| None).collect();
        let held = vec![0; Storage::<S>::held_len(&self.manifest, HELD_MESSAGES)].leak();
        let hops = vec![Hop::EMPTY; Storage::<S>::hops_len(&self.manifest)].leak();
        let exchanges = vec![None; self.plan.connections].leak();
        let (contacts, tags) = (contacts.leak(), tags.leak());
        let storage = Storage { packets, contacts, tags, held, hops, exchanges };
        let settings =
            Settings { address, seed, contacts_only: false, verify_proofs: true, last_round };
        let local = UnixMs(self.now.0.saturating_add_signed(skew_ms));
        Session::new(self.manifest.clone(), settings, storage, local)
    }

    /// `who`'s program is started anew: its session is lost, its conversations are not. What was in a slot is sent
    /// again.
    pub fn restart(
        &mut self,
        who: usize,
        contacts: &[usize],
        last: Option<(Round, DirectoryHash)>,
    ) {
        let (address, skew_ms) = (self.people[who].address.clone(), self.people[who].skew_ms);
        let session = self.session(who, address, contacts.len(), skew_ms, last);
        let person = &mut self.people[who];
        person.session = session;
        person.restarts.push(self.now);
        person.connections.clear();
        person.forget_slots();
        for &contact in contacts {
            self.befriend(who, contact);
        }
        self.wake_up(who, self.now);
    }

    /// `who` takes `other` into its contacts.
    pub fn befriend(&mut self, who: usize, other: usize) {
        let address = self.people[other].address.clone();
        let person = &mut self.people[who];
        assert!(person.session.add_contact(address.clone()), "room for a contact");
        person.conversations.entry(address).or_insert_with(|| Conversation::new(self.now));
    }

    /// `from` writes to `to`; returns the message's number.
    pub fn write(&mut self, from: usize, to: usize, text: &[u8]) -> u64 {
        let capacity = Payload::capacity(
            self.plan.parameters.geometry.payload_len(),
            Some(&self.people[from].address),
        );
        self.messages += 1;
        let to = self.people[to].address.clone();
        let bodies: Vec<_> = text.chunks(capacity).collect();
        for (index, body) in bodies.iter().enumerate() {
            let fragment = Fragment {
                to: to.clone(),
                message: self.messages,
                index: index as u16,
                count: bodies.len() as u16,
                body: body.to_vec(),
            };
            self.people[from].write(self.now, fragment);
        }
        self.messages
    }

    /// Lets `rounds` rounds' time pass.
    pub fn run_rounds(&mut self, rounds: u64) {
        self.run_until(self.now.plus(rounds * u64::from(self.plan.parameters.round_ms)));
    }

    /// Lets time pass.
    pub fn run_until(&mut self, end: UnixMs) {
        while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= end) {
            let ((at, _), happening) = entry.remove_entry();
            self.now = at;
            let person = match happening {
                Happening::WakeUp { person, number } => {
                    if self.people[person].wake_up != number {
                        continue;
                    }
                    person
                }
                Happening::Connected { person, exchange } => {
                    self.connected(person, exchange);
                    person
                }
                Happening::Broken { person, exchange } => {
                    let local = self.people[person].local(at);
                    self.people[person].close(at, exchange, WireKind::Broken);
                    self.people[person].session.handle_failed(exchange, local);
                    person
                }
                Happening::Frame { person, exchange, frame } => {
                    self.frame(person, exchange, frame);
                    person
                }
            };
            self.drive(person);
        }
        self.now = end;
    }

    fn at(&mut self, at: UnixMs, happening: Happening) {
        self.count += 1;
        self.queue.insert((at, self.count), happening);
    }

    fn wake_up(&mut self, person: usize, at: UnixMs) {
        self.people[person].wake_up += 1;
        let number = self.people[person].wake_up;
        self.at(at, Happening::WakeUp { person, number });
    }

    /// Polls until nothing is to be done, and asks to be woken up when something is.
    fn drive(&mut self, who: usize) {
        let local = self.people[who].local(self.now);
        // The same numbers whatever the person has to say: what differs then is the session's doing.
        let mut rng = self.chance.rng("poll", &[who as u64, self.now.0]);
        loop {
            let person = &mut self.people[who];
            person.polls += 1;
            person.streak = match person.streak {
                (at, n) if at == self.now => (at, n + 1),
                _ => (self.now, 0),
            };
            assert!(person.streak.1 < MAX_STREAK, "the session loops at {}", self.now);
            match step(|| person.session.poll(local, &mut rng)) {
                None => break,
                Some(Action::Continue) => {}
                Some(Action::Open) => person.open(),
                Some(Action::Event(event)) => person.note(self.now, event),
                Some(Action::Fill { round, slot, contact }) => {
                    let letter = person.take(round, slot, &contact, &self.plan.parameters);
                    let which = [who as u64, round.0, slot.into()];
                    let mut rng = self.chance.rng("fill", &which);
                    let draft = letter.as_ref().map(Letter::draft);
                    let filled = step(|| person.session.fill(round, slot, draft, &mut rng));
                    assert!(filled, "a slot that was asked for is filled");
                }
                Some(Action::Connect { exchange, server }) => self.connect(who, exchange, server),
            }
        }
        let person = &mut self.people[who];
        let timeout = person.session.poll_timeout();
        assert!(timeout > local, "nothing to do, and yet to be polled at once: {}", self.now);
        let wait = timeout.since(local);
        self.wake_up(who, self.now.plus(wait));
    }

    /// How long something takes on the way.
    fn delay(&self, what: &str, which: &[u64]) -> u64 {
        1 + self.chance.below(u64::from(self.faults.delay_ms) + 1, what, which)
    }

    fn connect(&mut self, who: usize, exchange: ExchangeId, server: ServerRef) {
        let person = &mut self.people[who];
        let number = person.connected;
        person.connected += 1;
        let which = [who as u64, number];
        let handshake = self.chance.bytes("handshake", &which);
        let connection = Connection { server, handshake, number, requests: 0, message: None };
        person.connections.insert(exchange, connection);
        let open = person.connections.keys().filter(|&&id| person.session.waits_for(id)).count();
        assert!(open <= self.plan.connections, "{open} connections are open at once");
        person.log(self.now, server, WireKind::Connect);
        let at = self.now.plus(self.delay("connect", &which));
        let happening = if self.chance.happens(self.faults.refused, "refused", &which) {
            Happening::Broken { person: who, exchange }
        } else {
            Happening::Connected { person: who, exchange }
        };
        self.at(at, happening);
    }

    fn connected(&mut self, who: usize, exchange: ExchangeId) {
        let Some(connection) = self.people[who].connections.get(&exchange) else { return };
        let handshake = connection.handshake;
        let mut out = vec![0; self.plan.parameters.geometry.packet_len() + 256];
        let person = &mut self.people[who];
        let local = person.local(self.now);
        let session = &mut person.session;
        let reaction = step(|| session.handle_connected(exchange, &handshake, local, &mut out));
        match reaction {
            Reaction::Send(len) => self.request(who, exchange, &out[..len]),
            Reaction::Close => self.people[who].close(self.now, exchange, WireKind::Close),
            other => panic!("a connection begins with a request: {other:?}"),
        }
    }

    fn frame(&mut self, who: usize, exchange: ExchangeId, mut frame: Vec<u8>) {
        let person = &mut self.people[who];
        let Some(connection) = person.connections.get(&exchange) else { return };
        let server = connection.server;
        person.log(self.now, server, WireKind::Down(frame.len()));
        let mut out = vec![0; self.plan.parameters.geometry.packet_len() + 256];
        while self.handle(who, exchange, &mut frame, &mut out) {
            // The session is polled between the steps.
            self.drive(who);
        }
    }

    /// Whether the session wants the frame again.
    fn handle(
        &mut self,
        who: usize,
        exchange: ExchangeId,
        frame: &mut [u8],
        out: &mut [u8],
    ) -> bool {
        let person = &mut self.people[who];
        let local = person.local(self.now);
        let is_message =
            frame.len() == self.plan.parameters.geometry.sealed_len() && has_point::<S>(frame);
        let session = &mut person.session;
        let (effort, reaction) =
            Effort::of(|| step(|| session.handle_frame(exchange, frame, local, out)));
        if is_message && matches!(reaction, Reaction::Wait) {
            person.check_pace(exchange, effort);
        }
        match reaction {
            Reaction::Wait => {}
            Reaction::Again => return true,
            Reaction::Send(len) => self.request(who, exchange, &out[..len]),
            Reaction::Close | Reaction::Version { .. } => {
                person.close(self.now, exchange, WireKind::Close);
            }
        }
        false
    }

    /// A request goes to the server, and its answer comes back as the faults have it.
    fn request(&mut self, who: usize, exchange: ExchangeId, request: &[u8]) {
        let (faults, chance, now) = (self.faults, self.chance, self.now);
        let person = &mut self.people[who];
        let connection = person.connections.get_mut(&exchange).expect("it carries a request");
        let (server, handshake) = (connection.server, connection.handshake);
        let which = [who as u64, connection.number, connection.requests];
        connection.requests += 1;
        person.log(now, server, WireKind::Up(request.len()));

        let mut frames = self.servers.handle(now, server, &handshake, request);
        if chance.happens(faults.repeated, "repeated", &which) {
            let _ = self.servers.handle(now, server, &handshake, request);
        }
        if chance.happens(faults.stalled, "stalled", &which) {
            return;
        }
        let pick = chance.number("frame", &which) as usize;
        let place = pick % frames.len();
        let frame = &mut frames[place];
        if chance.happens(faults.garbage, "garbage", &which) {
            chance.rng("garbage", &which).fill_bytes(frame);
            frame[0] = 0xff; // no message begins so
        }
        if chance.happens(faults.truncated, "truncated", &which) {
            frame.truncate(pick / 7 % frame.len());
        }
        if chance.happens(faults.oversized, "oversized", &which) {
            frame.resize(MAX_FRAME, 0x5a);
        }
        let lost = chance.happens(faults.lost, "lost", &which);
        if lost {
            frames.truncate(place);
        }
        let at = now.plus(self.delay("answer", &which));
        for frame in frames {
            self.at(at, Happening::Frame { person: who, exchange, frame });
        }
        if lost {
            self.at(at, Happening::Broken { person: who, exchange });
        }
    }
}
