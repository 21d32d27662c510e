//! Both directions with a contact.

use crate::ids::{Round, UnixMs};
use crate::seal::{Content, PayloadHeader};
use crate::session::Draft;

use super::slots::Slots;
use super::{Acked, Arrival, Receiving, Sending, stream_at};

/// What is under way to one contact, what has come from it, and what is in its slots. 280 bytes.
///
/// It holds no contents, only numbers: its keeper has the fragments, those that are sent until they are acknowledged,
/// and those that came until their message is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    sending: Sending,
    receiving: Receiving,
    slots: Slots,
}

impl Conversation {
    /// With somebody who becomes a contact at `now`.
    pub fn new(now: UnixMs) -> Self {
        Self::from_parts(Sending::new(stream_at(now)), Receiving::new())
    }

    /// With nothing in slots.
    pub fn from_parts(sending: Sending, receiving: Receiving) -> Self {
        Self { sending, receiving, slots: Slots::new(None) }
    }

    /// What is under way.
    pub fn sending(&self) -> &Sending {
        &self.sending
    }

    /// What has arrived.
    pub fn receiving(&self) -> &Receiving {
        &self.receiving
    }

    /// The newest round's slots of which it is not known what became of them, with the numbers in them; `None` is
    /// an acknowledgement alone.
    pub fn slots(&self) -> Option<(Round, impl Iterator<Item = (u8, Option<u32>)>)> {
        let number =
            |(slot, place): (u8, Option<usize>)| (slot, place.and_then(|p| self.sending.at(p)));
        self.slots.round().map(|round| (round, self.slots.taken().map(number)))
    }

    /// Gives `fragments` fragments their numbers, and returns the first. If nothing is under way they begin a new
    /// stream: whoever went back to an older memory must not give other fragments the numbers that it has forgotten.
    ///
    /// `None` if the stream's numbers have ended: wait until all is acknowledged.
    pub fn push(&mut self, fragments: u32, now: UnixMs) -> Option<u32> {
        let next = self.sending.next();
        // With the last stream of all, its numbers go on.
        if self.sending.acked() + 1 == next
            && next > 1
            && let Some(stream) = self.sending.stream().checked_add(1)
        {
            self.restart(stream.max(stream_at(now)), 0);
        }
        let first = self.sending.next();
        first.checked_add(fragments)?;
        (0..fragments).try_for_each(|_| self.sending.push().map(drop))?;
        Some(first)
    }

    /// What goes into a slot of `round`; `None`: cover. If the draft has a sequence, it is that fragment's: fill in its
    /// content, message and body.
    ///
    /// `resend_after` comes from [`resend_after`](super::resend_after).
    pub fn fill(&mut self, round: Round, slot: u8, resend_after: u64) -> Option<Draft<'static>> {
        let due = self.sending.due(round, resend_after);
        if due.is_none() && !self.receiving.owed() {
            return None;
        }
        self.receiving.told();
        self.slots.put(round, slot, due);
        let acknowledgement = Draft::acknowledgement(self.receiving.ack());
        let Some(sequence) = due else { return Some(acknowledgement) };
        self.sending.sent_in(sequence, round);
        Some(Draft { stream: self.sending.stream(), sequence, ..acknowledgement })
    }

    /// A mixer took what was in the slot. Of no effect if the slot is another contact's.
    pub fn sent(&mut self, round: Round, slot: u8) {
        self.slots.take(round, slot);
    }

    /// No mixer took what was in the slot, or nobody knows: it is due again. Of no effect if the slot is another
    /// contact's.
    pub fn failed(&mut self, round: Round, slot: u8) {
        let Some(place) = self.slots.take(round, slot) else { return };
        if let Some(sequence) = place.and_then(|place| self.sending.at(place)) {
            self.unsent(sequence, round);
        }
        self.receiving.untold();
    }

    /// The round was void: what was sent in it is due again.
    pub fn void(&mut self, round: Round) {
        self.sending.void(round);
        if self.slots.round() == Some(round) {
            self.receiving.untold();
            self.slots = Slots::new(None);
        }
    }

    /// The program ended while these were in [slots](Self::slots) of `round`: nobody knows what became of them, so they
    /// are due again.
    pub fn resume(&mut self, round: Round, in_slots: impl IntoIterator<Item = Option<u32>>) {
        for sequence in in_slots {
            sequence.into_iter().for_each(|sequence| self.unsent(sequence, round));
            self.receiving.untold();
        }
        self.slots = Slots::new(Some(round));
    }

    /// The contact's payload of `round` came, and is proven: what it acknowledges, which is to be followed first.
    ///
    /// If that says [`Acked::Restart`], call [`restart`](Self::restart).
    pub fn acknowledged(&mut self, round: Round, header: &PayloadHeader) -> Acked {
        let acked = self.sending.acknowledged(round, header.ack_stream, header.ack);
        if let Acked::Progress(arrived) = &acked {
            self.slots.forget(arrived.clone());
        }
        acked
    }

    /// The contact has begun a larger stream than the known one, if it has: early fragments of that one come again.
    pub fn begun(&mut self, header: &PayloadHeader) -> bool {
        let numbered = header.content != Content::Empty && header.sequence > 0;
        numbered && self.receiving.begin(header.stream)
    }

    /// What the fragment is that came; `None` if it is an acknowledgement alone.
    pub fn arrived(&mut self, header: &PayloadHeader) -> Option<Arrival> {
        (header.content != Content::Empty)
            .then(|| self.receiving.receive(header.stream, header.sequence))
    }

    /// Starts over with a larger stream, in which `fragments` fragments have the numbers from 1: those of all
    /// messages that are not acknowledged to their last one. All are due.
    pub fn restart(&mut self, stream: u32, fragments: u32) {
        self.sending.restart(stream, fragments);
        self.slots = Slots::new(None);
    }

    /// What has arrived from the contact is not here any more: it starts over. Forget its early fragments.
    pub fn forget(&mut self) {
        self.receiving.forget();
    }

    fn unsent(&mut self, sequence: u32, round: Round) {
        if self.sending.last_sent(sequence) == Some(round) {
            self.sending.failed(sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::WINDOW;

    const NOW: UnixMs = UnixMs(1_700_000_000_000);

    fn two() -> (Conversation, Conversation) {
        (Conversation::new(NOW), Conversation::new(NOW))
    }

    fn number(conversation: &mut Conversation, round: u64, slot: u8) -> Option<u32> {
        conversation.fill(Round(round), slot, 3).map(|draft| draft.sequence)
    }

    /// What the contact makes of a slot's draft.
    fn pass(
        draft: &Draft<'_>,
        round: u64,
        to: &mut Conversation,
    ) -> (Acked, bool, Option<Arrival>) {
        let header = PayloadHeader {
            sender: None,
            content: if draft.sequence == 0 { Content::Empty } else { Content::Text },
            slot: 0,
            message: 0,
            stream: draft.stream,
            sequence: draft.sequence,
            ack_stream: draft.ack_stream,
            ack: draft.ack,
            fragment: 0,
            fragments: 1,
        };
        (to.acknowledged(Round(round), &header), to.begun(&header), to.arrived(&header))
    }

    #[test]
    fn what_is_sent_is_acknowledged_once() {
        let (mut alice, mut bob) = two();
        assert_eq!(alice.push(2, NOW), Some(1));
        let draft = alice.fill(Round(5), 0, 3).expect("a fragment is due");
        assert_eq!(draft.sequence, 1);
        assert_eq!(pass(&draft, 5, &mut bob), (Acked::Nothing, true, Some(Arrival::New)));
        assert_eq!(pass(&draft, 5, &mut bob), (Acked::Nothing, false, Some(Arrival::Duplicate)));
        let answer = bob.fill(Round(6), 0, 3).expect("an acknowledgement is owed");
        assert_eq!(answer, Draft::acknowledgement(bob.receiving().ack()));
        assert!(bob.fill(Round(6), 1, 3).is_none(), "it is owed once");
        assert_eq!(pass(&answer, 6, &mut alice), (Acked::Progress(1..=1), false, None));
    }

    #[test]
    fn what_no_mixer_took_is_due_at_once_and_what_one_took_is_not() {
        let (mut alice, _) = two();
        alice.push(2, NOW);
        assert_eq!(number(&mut alice, 5, 0), Some(1));
        assert_eq!(number(&mut alice, 5, 1), Some(2));
        alice.sent(Round(5), 0);
        alice.failed(Round(5), 0);
        alice.failed(Round(5), 1);
        assert_eq!((number(&mut alice, 6, 0), number(&mut alice, 6, 1)), (Some(2), None));
        alice.void(Round(5));
        assert_eq!(number(&mut alice, 6, 1), Some(1));
    }

    #[test]
    fn an_acknowledgement_that_did_not_go_out_is_owed_again() {
        let (mut alice, mut bob) = two();
        alice.push(1, NOW);
        let draft = alice.fill(Round(5), 0, 3).expect("due");
        let _ = pass(&draft, 5, &mut bob);
        assert_eq!(number(&mut bob, 6, 3), Some(0));
        bob.failed(Round(6), 3);
        assert_eq!(number(&mut bob, 7, 3), Some(0), "owed again");
        bob.resume(Round(7), [None]);
        assert_eq!(number(&mut bob, 8, 3), Some(0), "owed again after the program's end");
        bob.sent(Round(8), 3);
        bob.void(Round(8));
        assert_eq!(number(&mut bob, 9, 3), Some(0), "nothing of a void round arrived");
    }

    #[test]
    fn a_message_after_all_was_acknowledged_begins_a_new_stream() {
        let (mut alice, mut bob) = two();
        alice.push(1, NOW);
        let draft = alice.fill(Round(5), 0, 3).expect("due");
        let _ = pass(&draft, 5, &mut bob);
        let answer = bob.fill(Round(6), 0, 3).expect("owed");
        let _ = pass(&answer, 6, &mut alice);
        assert_eq!(alice.push(1, NOW.plus(60_000)), Some(1));
        let next = alice.fill(Round(7), 0, 3).expect("due");
        assert!(next.stream > draft.stream);
        assert_eq!(pass(&next, 7, &mut bob), (Acked::Nothing, true, Some(Arrival::New)));
    }

    #[test]
    fn a_slot_whose_number_was_acknowledged_meanwhile_holds_nobody_elses() {
        let (mut alice, mut bob) = two();
        alice.push(WINDOW + 1, NOW);
        let draft = alice.fill(Round(4), 0, 3).expect("due");
        let _ = pass(&draft, 4, &mut bob);
        for slot in 1..WINDOW as u8 {
            assert_eq!(number(&mut alice, 5, slot), Some(u32::from(slot) + 1));
        }
        // The first goes out again, and the acknowledgement of its first copy comes before its fate is known. In its
        // place is now the one behind the window's former end.
        assert_eq!(number(&mut alice, 7, 7), Some(1));
        let answer = bob.fill(Round(5), 0, 3).expect("owed");
        let _ = pass(&answer, 5, &mut alice);
        assert_eq!(number(&mut alice, 7, 8), Some(WINDOW + 1));
        let in_slots = |c: &Conversation| c.slots().map(|(_, slots)| slots.collect());
        let expected: heapless::Vec<_, 4> =
            [(7, None), (8, Some(WINDOW + 1))].into_iter().collect();
        assert_eq!(in_slots(&alice), Some(expected));
        alice.failed(Round(7), 7);
        assert_eq!(alice.sending().last_sent(WINDOW + 1), Some(Round(7)));
        alice.failed(Round(7), 8);
        assert_eq!(alice.sending().last_sent(WINDOW + 1), None);
    }

    #[test]
    fn slots_that_no_network_has_are_of_no_effect() {
        let (mut alice, _) = two();
        alice.push(1, NOW);
        assert_eq!(number(&mut alice, 1, u8::MAX), Some(1));
        alice.failed(Round(1), u8::MAX);
        assert_eq!(alice.slots().map(|(_, slots)| slots.count()), Some(0));
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Conversation>() <= 280, "{}", size_of::<Conversation>());
    }
}
