//! A client: the session, driven as `zephyr-client` drives it, over a home that survives crashes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use zephyr_core::session::{
    Action, Contact, Event, Exchange, ExchangeId, HELD_MESSAGES, Missed, Session, Settings,
    Storage, TagEntry,
};
use zephyr_core::{Address, DirectoryHash, Hop, Manifest, Round, Suite, UnixMs};
use zeroize::Zeroizing;

use super::dice::Dice;
use super::figures::Fault;
use super::home::{Fragment, Home, Received};
use super::mutation::Mutation;
use super::queue::Happening;
use super::world::World;

/// Memory for one start of a client.
pub(super) struct Slab<S: Suite> {
    packets: Vec<u8>,
    contacts: Vec<Option<Contact<S::Pairing>>>,
    tags: Vec<TagEntry>,
    held: Vec<u8>,
    hops: Vec<Hop>,
    exchanges: Vec<Option<Exchange>>,
}

impl<S: Suite> Slab<S> {
    pub(super) fn new(manifest: &Manifest<'_>, contacts: usize, connections: usize) -> Self {
        Self {
            packets: vec![0; Storage::<S>::packets_len(manifest)],
            contacts: (0..contacts).map(|_| None).collect(),
            tags: vec![TagEntry::default(); Storage::<S>::tags_len(manifest, contacts)],
            held: vec![0; Storage::<S>::held_len(manifest, HELD_MESSAGES)],
            hops: vec![Hop::EMPTY; Storage::<S>::hops_len(manifest)],
            exchanges: vec![None; connections],
        }
    }
}

/// A connection of a client.
pub(super) struct Connection {
    /// The server, by its number in the world.
    pub(super) server: usize,
    pub(super) handshake: [u8; 32],
}

/// A client.
pub(super) struct Person<'a, S: Suite> {
    pub(super) address: Address,
    pub(super) seed: [u8; 32],
    pub(super) clock_ms: i64,
    pub(super) home: Home,
    /// `None` while the program does not run.
    pub(super) session: Option<Session<'a, S>>,
    /// How often the program has been started.
    pub(super) life: u32,
    pub(super) connections: HashMap<ExchangeId, Connection>,
    /// The number of the newest wake-up planned.
    wake: u64,
    opened: BTreeMap<Round, DirectoryHash>,
    /// How many slots were reported in each round that this run of the program opened.
    slots: BTreeMap<Round, usize>,
    /// The packets that went out in each round.
    pub(super) packets: BTreeMap<Round, BTreeSet<[u8; 32]>>,
}

impl<S: Suite> Person<'_, S> {
    pub(super) fn new(address: Address, seed: [u8; 32], clock_ms: i64, home: Home) -> Self {
        Self {
            address,
            seed,
            clock_ms,
            home,
            session: None,
            life: 0,
            connections: HashMap::new(),
            wake: 0,
            opened: BTreeMap::new(),
            slots: BTreeMap::new(),
            packets: BTreeMap::new(),
        }
    }

    /// The time by this client's own clock.
    pub(super) fn local(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add_signed(self.clock_ms))
    }
}

impl<S: Suite + Sync> World<'_, S> {
    /// The program of `who` starts, if it is not running.
    pub(super) fn start_person(&mut self, who: usize) {
        if self.people[who].session.is_some() {
            return;
        }
        let Some(slab) = self.slabs.next() else { return };
        let person = &mut self.people[who];
        person.home.start();
        let settings = Settings {
            address: person.address.clone(),
            seed: Zeroizing::new(person.seed),
            contacts_only: false,
            verify_proofs: true,
            last_round: person.home.last_round(),
        };
        let Slab { packets, contacts, tags, held, hops, exchanges } = slab;
        let storage = Storage { packets, contacts, tags, held, hops, exchanges };
        let local = person.local(self.now);
        let mut session = Session::new(self.manifest.clone(), settings, storage, local);
        let contacts: Vec<usize> = self.people[who].home.contacts().collect();
        for contact in contacts {
            session.add_contact(self.people[contact].address.clone());
        }
        let person = &mut self.people[who];
        person.session = Some(session);
        person.life += 1;
        self.story.tell(self.now, || format!("client {who} starts"));
        self.drive_person(who);
    }

    /// The program of `who` ends without a word, and starts again later.
    pub(super) fn crash_person(&mut self, who: usize, for_ms: u64) {
        let spare = self.slabs.len() > self.people.len();
        let person = &mut self.people[who];
        if person.session.is_none() || !spare {
            return;
        }
        person.session = None;
        person.connections.clear();
        person.opened.clear();
        person.slots.clear();
        self.figures.count(Fault::ClientCrash);
        self.story.tell(self.now, || format!("client {who} crashes for {for_ms} ms"));
        self.queue.plan(self.now.plus(for_ms), Happening::StartPerson { person: who });
    }

    /// Whether the client crashes just now, between two transactions.
    fn dies(&mut self, who: usize) -> bool {
        let rate = if self.calm { 0 } else { self.faults.transaction_crash };
        if rate > 0 && self.rng.below(1_000_000) < rate {
            // Often it is back in the same round.
            let round_ms = u64::from(self.parameters().round_ms);
            let longest = self.rng.one_of(&[500, 3 * round_ms]);
            let for_ms = self.rng.between(10, longest);
            self.crash_person(who, for_ms);
        }
        self.people[who].session.is_none()
    }

    /// The client's alarm goes off.
    pub(super) fn wake_person(&mut self, who: usize, number: u64) {
        if self.people[who].wake == number {
            self.drive_person(who);
        }
    }

    /// Polls until nothing is to be done, and plans when to poll again.
    pub(super) fn drive_person(&mut self, who: usize) {
        loop {
            let person = &mut self.people[who];
            let local = person.local(self.now);
            let Some(session) = &mut person.session else { return };
            match session.poll(local, &mut self.rng) {
                None => break,
                Some(Action::Continue) => {}
                Some(Action::Open) => {
                    let opened = session.open().map(|(round, payload)| {
                        (round, payload.header.sender.clone(), Fragment::of(&payload))
                    });
                    if let Some((round, sender, fragment)) = opened {
                        self.receive(who, round, sender, fragment);
                    }
                }
                Some(Action::Event(event)) => self.note(who, event),
                Some(Action::Fill { round, slot, contact }) => {
                    self.fill(who, round, slot, &contact);
                }
                Some(Action::Connect { exchange, server }) => {
                    let server = self.server_number(server.role, server.index);
                    self.connect(who, exchange, server);
                }
            }
        }
        let person = &mut self.people[who];
        let Some(session) = &person.session else { return };
        let wait = session.poll_timeout().since(person.local(self.now));
        person.wake += 1;
        let wake = Happening::WakePerson { person: who, number: person.wake };
        self.queue.plan(self.now.plus(wait.max(1)), wake);
    }

    fn fill(&mut self, who: usize, round: Round, slot: u8, contact: &Address) {
        if self.dies(who) {
            return;
        }
        let to = self.people.iter().position(|p| p.address == *contact).expect("a person");
        let person = &mut self.people[who];
        let fragment = match person.opened.get(&round) {
            Some(directory) => person.home.assign(round, directory, slot, to),
            None => None,
        };
        if self.dies(who) {
            return;
        }
        if let Some(f) = &fragment {
            self.story.tell(self.now, || {
                let what = format!("number {}, acknowledging {}", f.sequence, f.ack);
                format!("client {who} puts {what} into slot {slot} of round {round} to {to}")
            });
        }
        if fragment.is_none() && self.is_mutated(Mutation::SendsOnlyWhenItWrites) {
            return;
        }
        let draft = fragment.as_ref().map(Fragment::draft);
        let person = &mut self.people[who];
        let Some(session) = &mut person.session else { return };
        if !session.fill(round, slot, draft, &mut self.rng) {
            person.home.slot_failed(round, slot);
        }
    }

    fn note(&mut self, who: usize, event: Event) {
        if self.dies(who) {
            return;
        }
        self.story.tell(self.now, || format!("client {who}: {event:?}"));
        let person = &mut self.people[who];
        match event {
            Event::Opened { round, directory, .. } => {
                person.opened.insert(round, directory);
                person.slots.insert(round, 0);
                self.saw_directory(round, directory, &format_args!("client {who}"));
            }
            Event::Equivocation(two) => self.violate(|| format!("client {who} says: {two}")),
            Event::SlotSent { round, slot } => {
                person.home.slot_sent(round, slot);
                person.slots.entry(round).and_modify(|n| *n += 1);
            }
            Event::SlotFailed { round, slot } => {
                person.home.slot_failed(round, slot);
                person.slots.entry(round).and_modify(|n| *n += 1);
            }
            Event::Missed { round, why: Missed::Void } => {
                person.home.void(round);
                self.check_slots(who, round);
            }
            Event::Missed { round, why: Missed::NoMailbox } => self.check_slots(who, round),
            Event::Scanned { round, opened, .. } => {
                self.arrived_in(round, opened);
                self.check_slots(who, round);
            }
            _ => {}
        }
    }

    /// Whatever there was to say: so many packets, no more and no less. Where nothing goes wrong all of them go out.
    fn check_slots(&mut self, who: usize, round: Round) {
        let slots = self.people[who].slots.remove(&round);
        let packets = self.people[who].packets.get(&round).map_or(0, BTreeSet::len);
        let expected = usize::from(self.parameters().packets_per_round);
        if slots.is_some_and(|slots| slots != expected) {
            self.violate(|| {
                format!("client {who} used {slots:?} slots in round {round}, not {expected}")
            });
        }
        let all_well = self.recovery.as_ref().is_some_and(|recovery| {
            self.parameters().schedule(round).submit_from >= recovery.since()
        });
        if all_well && slots.is_some() && packets != expected {
            self.violate(|| format!("client {who} sends {packets} packets in round {round}"));
        }
    }

    /// A fragment that was opened.
    pub(super) fn receive(
        &mut self,
        who: usize,
        round: Round,
        from: Option<Address>,
        fragment: Fragment,
    ) {
        let from = self.people.iter().position(|p| Some(&p.address) == from.as_ref());
        let Some(from) = from.filter(|&from| from != who) else {
            self.violate(|| format!("client {who} received something of a stranger"));
            return;
        };
        if self.dies(who) {
            return;
        }
        self.story.tell(self.now, || {
            let Fragment { sequence, ack, .. } = fragment;
            format!("client {who} receives number {sequence} of {from} in round {round}, up to {ack} acknowledged")
        });
        let received = self.people[who].home.receive(from, round, fragment);
        let forgotten = self.took_in(who, from, received);
        if self.dies(who) {
            return;
        }
        if let Some(fragment) = forgotten {
            let received = self.people[who].home.store_late(from, fragment);
            self.took_in(who, from, received);
        }
    }

    fn took_in(&mut self, who: usize, from: usize, received: Received) -> Option<Fragment> {
        for (message, body) in received.messages {
            self.put_into_inbox(who, from, message, &body);
        }
        for message in received.delivered {
            self.shown_as_delivered(who, from, message);
        }
        if received.restarted {
            self.violate(|| {
                format!("client {who} is asked to start over, and {from} lost nothing")
            });
        }
        received.forgotten
    }

    pub(super) fn is_mutated(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }
}
