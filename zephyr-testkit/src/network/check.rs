//! What must hold in every network, whatever goes wrong in it.

use std::collections::{HashMap, HashSet};

use zephyr_core::session::Event;
use zephyr_core::{Role, Round, Suite};

use super::person::{Fragment, Person, Receipt};
use super::run::Network;
use super::wire_log::WireKind;

impl<S: Suite> Network<S> {
    /// Checks that nothing was delivered that was not sent, nothing twice, nothing to somebody else or from
    /// somebody else, that conversations are read in order, and that nothing is lost which a mixer took and its
    /// recipient could look for.
    ///
    /// # Panics
    /// If something does not hold, with what it is.
    pub fn check(&self) {
        for (who, person) in self.people.iter().enumerate() {
            self.check_received(who, person);
            self.check_read(who, person);
            self.check_sent(who, person);
            self.check_packets(who, person);
        }
    }

    fn check_received(&self, who: usize, person: &Person<S>) {
        let mut seen = HashSet::new();
        for receipt in &person.received {
            let Receipt { round, from, message, index, body } = receipt;
            let from = from.as_ref().expect("nobody writes anonymously here");
            let sender = self.people.iter().find(|p| p.address == *from).expect("a sender");
            let (_, fragment) = sender
                .attempts
                .iter()
                .find(|(r, f)| r == round && (f.message, f.index) == (*message, *index))
                .unwrap_or_else(|| panic!("{who} got what was never sent: {message}/{index}"));
            assert_eq!(fragment.to, person.address, "{who} got somebody else's message");
            assert_eq!(fragment.body, *body, "{who} got an altered message");
            let new = seen.insert((*round, *message, *index));
            assert!(new, "{who} got {message}/{index} of round {round} twice");
        }
    }

    /// Each sender's messages are seen in the order in which they were written, and each once.
    fn check_read(&self, who: usize, person: &Person<S>) {
        for sender in &self.people {
            let written = sender.written.iter().filter(|f| f.to == person.address && f.index == 0);
            let read = person.read.iter().filter(|(from, _)| *from == sender.address);
            let written: Vec<u64> = written.map(|f| f.message).collect();
            let read: Vec<u64> = read.map(|(_, message)| *message).collect();
            assert!(written.starts_with(&read), "{who} read {read:?} of {written:?}");
        }
    }

    fn check_sent(&self, who: usize, person: &Person<S>) {
        for (round, fragment) in &person.sent {
            let Some(to) = self.people.iter().find(|p| p.address == fragment.to) else { continue };
            let arrived = to.received.iter().any(|r| {
                (r.round, r.message, r.index) == (*round, fragment.message, fragment.index)
            });
            let mixed = !self.servers.is_void(*round) && !self.servers.is_lossy(*round);
            let lost = !arrived && to.looked_into(*round) && mixed;
            assert!(
                !lost,
                "{who}'s {}/{} of round {round} is lost",
                fragment.message, fragment.index
            );
        }
    }

    /// Whoever takes part in a round sends so many packets, and all of one length.
    fn check_packets(&self, who: usize, person: &Person<S>) {
        let parameters = &self.plan.parameters;
        let mut rounds: HashMap<Round, usize> = HashMap::new();
        for (_, event) in &person.events {
            if let Event::SlotSent { round, .. } | Event::SlotFailed { round, .. } = event {
                *rounds.entry(*round).or_default() += 1;
            }
        }
        // Those that may still be on their way, or were cut off by a restart, say nothing.
        rounds.retain(|&round, _| {
            let schedule = parameters.schedule(round);
            let phase = schedule.submit_from..schedule.submit_until.plus(1_000);
            self.now() >= phase.end && !person.restarts.iter().any(|at| phase.contains(at))
        });
        for (round, slots) in rounds {
            let expected = usize::from(parameters.packets_per_round);
            assert_eq!(slots, expected, "{who} reported so many slots in round {round}");
        }
        let lengths: HashSet<_> = person
            .wire
            .iter()
            .filter(|e| e.server.role == Role::Mixer)
            .filter_map(|e| if let WireKind::Up(len) = e.kind { Some(len) } else { None })
            .collect();
        assert!(lengths.len() <= 1, "{who}'s packets differ in length: {lengths:?}");
    }

    /// Whether everybody has read everything that contacts wrote to them.
    pub fn all_read(&self) -> bool {
        self.people.iter().all(|person| {
            let to = |f: &&Fragment| f.to == person.address && f.index == 0;
            let contacts =
                self.people.iter().filter(|p| person.conversations.contains_key(&p.address));
            contacts.flat_map(|p| &p.written).filter(to).count() == person.read.len()
        })
    }

    /// Whether every fragment has arrived.
    pub fn all_arrived(&self) -> bool {
        self.people.iter().flat_map(|p| &p.written).all(|fragment| {
            let mut people = self.people.iter().filter(|p| p.address == fragment.to);
            people.all(|to| {
                let it = (fragment.message, fragment.index);
                to.received.iter().any(|r| (r.message, r.index) == it)
            })
        })
    }
}

impl<S: Suite> Person<S> {
    /// Whether this person had the round's key and saw the mailbox as the mixers delivered it.
    fn looked_into(&self, round: Round) -> bool {
        let scanned = |e: &Event| matches!(e, Event::Scanned { round: r, .. } if *r == round);
        self.saw(&Event::Keyed { round })
            && self.events.iter().any(|(_, e)| scanned(e))
            && !self.saw(&Event::MailboxAltered { round })
    }
}
