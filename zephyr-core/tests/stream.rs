//! Two people over rounds that lose, repeat and reorder what is put into them: everything arrives once, in order.

#![allow(missing_docs)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use zephyr_core::Round;
use zephyr_core::stream::{Acked, Arrival, Receiving, Sending};

/// Rounds until what is put into a slot can be read.
const WAY: u64 = 2;
const RESEND_AFTER: u64 = 2 * WAY + 1;

/// What goes wrong in a round.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The packet of one of the two is not taken, and it knows.
    NotTaken(bool),
    /// The round is void, which everybody sees when it closes.
    Void,
    /// One of the two does not get to read what it was sent in this round.
    NotRead(bool),
    /// It reads it so many rounds later than it might.
    Late(bool, u64),
    /// It reads it twice, the second time so many rounds later.
    Twice(bool, u64),
    /// Its program is killed, and does not know what became of its last packet.
    Killed(bool),
    /// It copies its disk.
    Saves(bool),
    /// Its disk is lost; it goes on with the copy.
    GoesBack(bool),
}

fn fault() -> impl Strategy<Value = Fault> {
    let who = any::<bool>();
    let late = (who, 1..12_u64);
    prop_oneof![
        who.prop_map(Fault::NotTaken),
        Just(Fault::Void),
        who.prop_map(Fault::NotRead),
        late.clone().prop_map(|(who, by)| Fault::Late(who, by)),
        late.prop_map(|(who, by)| Fault::Twice(who, by)),
        who.prop_map(Fault::Killed),
    ]
}

/// Also those that no disk survives.
fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => fault(),
        1 => any::<bool>().prop_map(Fault::Saves),
        1 => any::<bool>().prop_map(Fault::GoesBack),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    stream: u32,
    sequence: u32,
    ack_stream: u32,
    ack: u32,
}

/// One side, and what it has on disk.
#[derive(Clone)]
struct Person {
    out: Sending,
    here: Receiving,
    /// Streams and numbers.
    arrived: BTreeSet<(u32, u32)>,
    last: Option<(Round, u32)>,
    slots: u32,
}

impl Person {
    fn new(stream: u32) -> Self {
        let (out, here) = (Sending::new(stream), Receiving::new());
        Self { out, here, arrived: BTreeSet::new(), last: None, slots: 0 }
    }

    fn write(&mut self, fragments: u32) {
        for _ in 0..fragments {
            self.out.push().unwrap();
        }
    }

    /// What the one slot of the round carries: a fragment, an acknowledgement, or cover.
    fn fill(&mut self, round: Round) -> Option<Packet> {
        let due = self.out.due(round, RESEND_AFTER);
        if due.is_none() && !self.here.owed() {
            return None;
        }
        let (ack_stream, ack) = self.here.ack();
        self.here.told();
        self.last = due.map(|sequence| (round, sequence));
        if let Some(sequence) = due {
            self.out.sent_in(sequence, round);
        }
        self.slots += 1;
        let (stream, sequence) = due.map_or((0, 0), |sequence| (self.out.stream(), sequence));
        Some(Packet { stream, sequence, ack_stream, ack })
    }

    /// How many fragments are not acknowledged.
    fn left(&self) -> u32 {
        self.out.next() - 1 - self.out.acked()
    }

    fn read(
        &mut self,
        round: Round,
        packet: Packet,
        may_start_over: bool,
    ) -> Result<(), TestCaseError> {
        let before = if self.here.ack().0 == packet.stream { self.here.ack().1 } else { 0 };
        if self.here.receive(packet.stream, packet.sequence) == Arrival::New {
            let it = (packet.stream, packet.sequence);
            prop_assert!(self.arrived.insert(it), "{it:?} twice");
        }
        let (stream, ack) = self.here.ack();
        for handed_out in before + 1..=ack {
            prop_assert!(
                self.arrived.contains(&(stream, handed_out)),
                "a gap in what is handed out"
            );
        }
        let acked = self.out.acknowledged(round, packet.ack_stream, packet.ack);
        if let Acked::Restart(stream) = acked {
            prop_assert!(may_start_over, "nobody has lost anything");
            self.out.restart(stream, self.left());
            self.last = None;
        }
        Ok(())
    }

    /// Everything but what was written down is lost.
    fn restart(&mut self) {
        let out = &self.out;
        let sent = (out.acked() + 1..out.next()).filter_map(|n| Some((n, out.last_sent(n)?)));
        let parts = (out.stream(), out.acked(), out.next(), out.acked_in());
        self.out = Sending::from_parts(parts.0, parts.1, parts.2, parts.3, sent).unwrap();
        let (stream, ack) = self.here.ack();
        let (early, owed) = (self.here.early(), self.here.owed());
        self.here = Receiving::from_parts(stream, ack, early, owed).unwrap();
        if let Some((_, sequence)) = self.last.take() {
            self.out.failed(sequence);
        }
    }
}

struct Pair {
    people: [Person; 2],
    copies: [Person; 2],
    /// Somebody has lost a disk.
    went_back: bool,
    round: u64,
    /// What can be read from a round on: by whom, of which round.
    under_way: Vec<(u64, usize, Round, Packet)>,
    void: Vec<Round>,
}

impl Pair {
    fn new() -> Self {
        Self {
            people: [Person::new(100), Person::new(50)],
            copies: [Person::new(100), Person::new(50)],
            went_back: false,
            round: 1_000,
            under_way: Vec::new(),
            void: Vec::new(),
        }
    }

    fn step(&mut self, fault: Option<Fault>) -> Result<(), TestCaseError> {
        let round = Round(self.round);
        let ready = |entry: &(u64, usize, Round, Packet)| entry.0 <= round.0;
        let (now, later) = std::mem::take(&mut self.under_way).into_iter().partition(ready);
        self.under_way = later;
        let now: Vec<(u64, usize, Round, Packet)> = now;
        for (_, who, sent_in, packet) in now {
            self.people[who].read(sent_in, packet, self.went_back)?;
        }
        for who in 0..2 {
            let hit = |f: bool| usize::from(f) == who;
            let packet = self.people[who].fill(round);
            let mut at = Vec::from([self.round + WAY]);
            match fault {
                Some(Fault::NotTaken(side)) if hit(side) => {
                    at.clear();
                    if let Some((_, sequence)) = self.people[who].last.filter(|l| l.0 == round) {
                        self.people[who].out.failed(sequence);
                    }
                }
                Some(Fault::Void) => {
                    at.clear();
                    self.void.push(round);
                }
                Some(Fault::NotRead(side)) if hit(side) => at.clear(),
                Some(Fault::Late(side, by)) if hit(side) => at[0] += by,
                Some(Fault::Twice(side, by)) if hit(side) => at.push(at[0] + by),
                Some(Fault::Killed(side)) if hit(side) => self.people[who].restart(),
                Some(Fault::Saves(side)) if hit(side) => {
                    self.copies[who] = self.people[who].clone();
                }
                Some(Fault::GoesBack(side)) if hit(side) => {
                    self.people[who] = self.copies[who].clone();
                    self.went_back = true;
                }
                _ => {}
            }
            if let Some(packet) = packet {
                self.under_way.extend(at.into_iter().map(|at| (at, 1 - who, round, packet)));
            }
        }
        self.void.retain(|void| {
            let over = void.0 + WAY <= round.0;
            if over {
                self.people.iter_mut().for_each(|p| p.out.void(*void));
            }
            !over
        });
        self.round += 1;
        for who in 0..2 {
            let (acked, other) = (self.people[who].out.acked(), &self.people[1 - who]);
            let there = self.went_back || acked <= other.here.ack().1;
            prop_assert!(there, "acknowledged, and not there");
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.people.iter().all(|p| p.left() == 0)
    }
}

proptest! {
    #[test]
    fn everything_arrives_once_and_in_order_after_the_last_fault(
        steps in prop::collection::vec((prop::option::weighted(0.5, fault()), 0..3_u8, 0..2_u8), 0..150),
    ) {
        let mut pair = Pair::new();
        for (fault, a, b) in steps {
            for (who, fragments) in [a, b].into_iter().enumerate() {
                pair.people[who].write(fragments.into());
            }
            pair.step(fault)?;
        }
        let left = pair.people.iter().map(Person::left).max().unwrap_or(0);
        // Each goes once, lost ones again after a while, and the last acknowledgement has a way to go.
        let bound = u64::from(left) + 3 * RESEND_AFTER;
        for _ in 0..bound {
            pair.step(None)?;
        }
        prop_assert!(pair.is_done(), "{left} were left");
        // Then there is nothing more to say.
        let slots = pair.people.each_ref().map(|p| p.slots);
        for _ in 0..2 * RESEND_AFTER {
            pair.step(None)?;
        }
        prop_assert_eq!(slots, pair.people.each_ref().map(|p| p.slots));
    }

    #[test]
    fn whoever_went_back_to_an_old_copy_can_write_and_be_written_to(
        steps in prop::collection::vec((prop::option::weighted(0.5, any_fault()), 0..3_u8, 0..2_u8), 0..150),
    ) {
        let mut pair = Pair::new();
        for (fault, a, b) in steps {
            for (who, fragments) in [a, b].into_iter().enumerate() {
                pair.people[who].write(fragments.into());
            }
            pair.step(fault)?;
        }
        let left = pair.people.iter().map(Person::left).max().unwrap_or(0);
        for _ in 0..u64::from(left) + 6 * RESEND_AFTER {
            pair.step(None)?;
        }
        prop_assert!(pair.is_done(), "{left} were left");
    }
}

#[test]
fn without_faults_every_slot_carries_something_new() {
    let mut pair = Pair::new();
    pair.people[0].write(200);
    for _ in 0..200 + 2 * WAY {
        pair.step(None).unwrap();
    }
    assert!(pair.is_done());
    assert_eq!(pair.people[0].slots, 200, "nothing is sent in vain");
}

#[test]
fn a_recipient_that_lost_everything_gets_what_was_not_acknowledged() {
    let mut pair = Pair::new();
    pair.people[0].write(10);
    (0..20).for_each(|_| pair.step(None).unwrap());
    assert!(pair.is_done());

    pair.people[1] = Person::new(51);
    pair.people[0].write(3);
    let restarted = (0..20).find_map(|_| {
        let round = Round(pair.round);
        let packet = pair.people[0].fill(round)?;
        let _ = pair.people[1].here.receive(packet.stream, packet.sequence);
        let answer = pair.people[1].fill(round)?;
        pair.round += 1;
        match pair.people[0].out.acknowledged(round, answer.ack_stream, answer.ack) {
            Acked::Restart(stream) => Some(stream),
            _ => None,
        }
    });
    assert_eq!(restarted, Some(101));
    pair.people[0].out.restart(101, 3);
    for _ in 0..20 {
        pair.step(None).unwrap();
    }
    assert!(pair.is_done());
    assert_eq!(pair.people[1].here.ack(), (101, 3));
}
