//! A whole network on virtual time: what it is made of, and what happens to it.

use std::slice::IterMut;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use zephyr_core::session::client_key;
use zephyr_core::stream::{resend_after, stream_at};
use zephyr_core::{
    Address, Manifest, Parameters, Payload, Role, Round, ServerId, Signature, Suite, UnixMs,
};
use zephyr_machine::SharedManifest;
use zephyr_machine::pkg::Registration;

use super::Simulation;
use super::checks::Checks;
use super::corrupt::Corruption;
use super::dice::{Dice, dice};
use super::faults::{Faults, Trouble};
use super::figures::{Fault, Figures};
use super::home::Home;
use super::links::Links;
use super::mutation::Mutation;
use super::person::{Person, Slab};
use super::queue::{Happening, Queue};
use super::recovery::Recovery;
use super::server::Server;
use super::setup::Setup;
use super::story::{Story, Violation};

/// Before this many rounds of the network nothing is simulated.
const FIRST_ROUND: u64 = 10;

/// The network, its people, and all that is known about them.
pub(super) struct World<'a, S: Suite> {
    pub(super) setup: Setup,
    pub(super) shared: SharedManifest,
    pub(super) manifest: Manifest<'a>,
    pub(super) now: UnixMs,
    pub(super) queue: Queue<Happening>,
    pub(super) servers: Vec<Server<S>>,
    pub(super) people: Vec<Person<'a, S>>,
    pub(super) links: Links,
    pub(super) faults: Faults,
    /// Whether the last fault is over.
    pub(super) calm: bool,
    /// Whether mixers that lied do so no longer.
    pub(super) repented: bool,
    pub(super) recovery: Option<Recovery>,
    pub(super) mutation: Option<Mutation>,
    pub(super) rng: ChaCha8Rng,
    pub(super) checks: Checks,
    pub(super) story: Story,
    pub(super) figures: Figures,
    /// Memory for clients that start.
    pub(super) slabs: IterMut<'a, Slab<S>>,
    pub(super) calls: u64,
    pub(super) transfers: u64,
    splits: u32,
    messages: u64,
    violation: Option<String>,
}

impl<'a, S: Suite + Sync> World<'a, S> {
    pub(super) fn new(
        setup: Setup,
        faults: Faults,
        (shared, manifest): (SharedManifest, Manifest<'a>),
        slabs: &'a mut [Slab<S>],
        Simulation { story, aloud, mutation }: Simulation,
    ) -> Self {
        let plan = setup.plan;
        let start = plan.parameters.schedule(Round(FIRST_ROUND)).opens;
        let mut world = Self {
            shared,
            manifest,
            now: start,
            queue: Queue::new(),
            servers: Vec::new(),
            people: Vec::new(),
            links: Links::new(0),
            faults,
            calm: false,
            repented: false,
            recovery: None,
            mutation,
            rng: dice(plan.seed, "world"),
            checks: Checks::default(),
            story: Story::new(start, story, aloud),
            figures: Figures { seeds: 1, ..Figures::default() },
            slabs: slabs.iter_mut(),
            calls: 0,
            transfers: 0,
            splits: 0,
            messages: 0,
            violation: None,
            setup,
        };
        world.make_servers();
        world.make_people();
        world.links = Links::new(world.servers.len() + world.people.len());
        world.links.weather = world.faults.weather;
        world
    }

    fn make_servers(&mut self) {
        for role in Role::ALL {
            for index in 0..self.setup.plan.count(role) {
                let seed = self.setup.plan.server_seed(role, index);
                let id = ServerId::from_bytes(S::Signature::public(&seed));
                let mut server = Server::new(id, role, index, seed);
                if role == Role::Mixer {
                    server.corrupt = match self.mutation {
                        Some(Mutation::TooManyCorrupt) => Corruption::Equivocates,
                        Some(Mutation::SignsTwice) if index == 0 => Corruption::Equivocates,
                        _ => self.faults.mixers[index],
                    };
                }
                self.servers.push(server);
            }
        }
    }

    fn make_people(&mut self) {
        let count = self.setup.people;
        let resend_after = match self.mutation {
            Some(Mutation::NeverSendsAgain) => u64::MAX,
            _ => resend_after(self.parameters(), count - 1),
        };
        for who in 0..count {
            let mut seed = [0; 32];
            self.rng.fill_bytes(&mut seed);
            let address = Address::parse(&format!("{who}@example.org")).expect("a good address");
            for pkg in self.servers.iter_mut().filter(|s| s.role == Role::Pkg) {
                let registration = Registration::new(client_key::<S>(&seed, &pkg.id), self.now);
                pkg.disk.registrations.insert(address.clone(), registration);
            }
            let contacts = (0..count).filter(|&other| other != who);
            let home = Home::new(contacts, stream_at(self.now), resend_after, self.mutation);
            let clock_ms = self.faults.client_clocks[who];
            self.people.push(Person::new(address, seed, clock_ms, home));
        }
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.setup.plan.parameters
    }

    pub(super) fn server_by_id(&self, id: &ServerId) -> usize {
        let found = self.servers.iter().position(|server| server.id == *id);
        found.expect("machines name servers of the manifest")
    }

    /// Something is wrong that must never be. Only the first such thing counts.
    pub(super) fn violate(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    /// Runs to the end: until everything has arrived, or something is wrong.
    pub(super) fn run(mut self) -> Result<Figures, Violation> {
        self.story.tell(self.now, || {
            let Setup { plan, people } = &self.setup;
            format!("{people} people, mixers {:?}, {:?}", self.faults.mixers, plan.parameters)
        });
        self.plan();
        for server in 0..self.servers.len() {
            self.start_server(server);
        }
        for person in 0..self.people.len() {
            self.start_person(person);
        }
        while self.violation.is_none() && !self.has_recovered() {
            let end = UnixMs(u64::MAX);
            let (at, happening) =
                self.queue.next(end).expect("servers always look at their clocks");
            self.now = at;
            self.figures.steps += 1;
            self.happen(happening);
        }
        match self.violation.take() {
            None => Ok(self.sum_up()),
            Some(what) => Err(Violation {
                seed: self.setup.plan.seed,
                round: self.parameters().opened_by(self.now).unwrap_or(Round(0)),
                at_ms: self.now.since(self.story.start()),
                what,
                story: self.story.take(),
            }),
        }
    }

    /// Plans what goes wrong, what people write, and when all is well.
    fn plan(&mut self) {
        let round_ms = u64::from(self.parameters().round_ms);
        let busy = self.faults.rounds * round_ms;
        for (at, trouble) in std::mem::take(&mut self.faults.troubles) {
            self.queue.plan(self.now.plus(at), Happening::Trouble(trouble));
        }
        self.queue.plan(self.now.plus(busy), Happening::Calm);
        let people = self.people.len() as u64;
        for _ in 0..self.rng.between(2, 4 * people) {
            let from = self.rng.below(people) as usize;
            let to = (from + 1 + self.rng.below(people - 1) as usize) % people as usize;
            let at = self.now.plus(self.rng.below(busy));
            self.queue.plan(at, Happening::Write { from, to });
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake { server, number } => self.wake_server(server, number),
            Happening::Start { server } => self.start_server(server),
            Happening::Letter { from, to, letter } => self.letter(from, to, letter),
            Happening::Reconnect { from, to } => self.reconnected(from, to),
            Happening::Whole { server, life, parcel } => self.batch_came(server, life, parcel),
            Happening::Again { server, life, number } => {
                if self.servers[server].life == life {
                    self.send_transfer(server, number);
                }
            }
            Happening::Unanswered { server, life, number } => {
                if self.servers[server].life == life {
                    self.replied(server, number, None);
                    self.drive_server(server);
                }
            }
            Happening::Plot { server, round } => self.equivocate(server, round),
            Happening::Written { server, life, stored } => self.written(server, life, stored),
            Happening::Worked { server, life, round, phase, mixed, seen } => {
                self.worked(server, life, round, phase, mixed, seen);
            }
            Happening::WakePerson { person, number } => self.wake_person(person, number),
            Happening::StartPerson { person } => self.start_person(person),
            Happening::Connected { line } => self.connected(line),
            Happening::Broken { line } => self.broken(line),
            Happening::Request { line, request } => self.requested(line, &request),
            Happening::Answer { line, frames } => self.answered_client(line, frames),
            Happening::Write { from, to } => self.write(from, to),
            Happening::Trouble(trouble) => self.trouble(trouble),
            Happening::Heal { split } => self.links.heal(split),
            Happening::Fast { server } => self.links.slow[server] = 0,
            Happening::ClockRight { server } => {
                self.servers[server].clock_ms = 0;
                self.drive_server(server);
            }
            Happening::Calm => self.calm_down(),
        }
    }

    /// Somebody writes a message: its number, whom it is of and to, and as much more as makes it one to three
    /// fragments long.
    fn write(&mut self, from: usize, to: usize) {
        self.messages += 1;
        let message = self.messages;
        let len = self.parameters().geometry.payload_len();
        let capacity = Payload::capacity(len, Some(&self.people[from].address));
        let mut body = format!("message {message} from {from} to {to} ").into_bytes();
        body.resize(body.len().max(self.rng.below(3 * capacity as u64) as usize), b'.');
        self.people[from].home.write(to, message, &body, capacity);
        self.checks.written.entry((from, to)).or_default().messages.push((message, body));
        self.story.tell(self.now, || format!("{from} writes message {message} to {to}"));
    }

    fn trouble(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Crash { server, for_ms } => self.crash_server(server, for_ms),
            Trouble::Restart { server, for_ms } => self.stop_server(server, for_ms),
            Trouble::ClientCrash { person, for_ms } => self.crash_person(person, for_ms),
            Trouble::Split { group, one_way, for_ms } => {
                self.splits += 1;
                let split = self.splits;
                self.figures.count(Fault::Split);
                self.story.tell(self.now, || {
                    let way = if one_way { ", one way only" } else { "" };
                    format!("parties {group:#b} are cut off for {for_ms} ms{way}")
                });
                self.links.cut(split, group, one_way);
                self.queue.plan(self.now.plus(for_ms), Happening::Heal { split });
            }
            Trouble::Slow { server, by_ms, for_ms } => {
                self.figures.count(Fault::Slow);
                self.story.tell(self.now, || {
                    format!("{} is {by_ms} ms slow for {for_ms} ms", self.servers[server].name())
                });
                self.links.slow[server] = by_ms;
                self.queue.plan(self.now.plus(for_ms), Happening::Fast { server });
            }
            Trouble::Clock { server, by_ms, for_ms } => {
                self.figures.count(Fault::Clock);
                self.story.tell(self.now, || {
                    format!(
                        "{}'s clock is {by_ms} ms off for {for_ms} ms",
                        self.servers[server].name()
                    )
                });
                self.servers[server].clock_ms = by_ms;
                self.queue.plan(self.now.plus(for_ms), Happening::ClockRight { server });
                self.drive_server(server);
            }
        }
    }

    /// The last fault is over: everything heals, everybody starts, nobody is corrupt any more but those mixers that
    /// the network can do without.
    fn calm_down(&mut self) {
        self.story.tell(self.now, || "From now on nothing goes wrong any more".into());
        self.calm = true;
        self.links.calm();
        for number in 0..self.servers.len() {
            let server = &mut self.servers[number];
            server.clock_ms = 0;
            let repents = server.corrupt != Corruption::Honest && !self.faults.for_good;
            let anew = repents || server.stopping.is_some();
            if repents {
                self.repented |= server.corrupt.lies();
                server.corrupt = Corruption::Honest;
            }
            if anew {
                self.crash_server(number, 0);
            }
            self.start_server(number);
            self.drive_server(number);
        }
        for person in 0..self.people.len() {
            self.start_person(person);
        }
        // Whoever lost somebody for a moment has found them again.
        for from in 0..self.servers.len() {
            for to in (0..self.servers.len()).filter(|&to| to != from) {
                self.reconnect_later(from, to);
            }
        }
        self.recovery = Some(self.recovery_from_now());
    }
}
