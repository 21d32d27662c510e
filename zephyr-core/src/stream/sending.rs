//! What is under way.

use core::ops::{Range, RangeInclusive};

use crate::ids::Round;

use super::WINDOW;
use super::slots::place;

/// The age of a number that is in no slot: it is due.
const NOT_SENT: u16 = u16::MAX;
/// The largest age that is told apart.
const OLDEST: u16 = u16::MAX - 1;

/// What an acknowledgement says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Acked {
    /// These numbers have arrived: forget their fragments.
    Progress(RangeInclusive<u32>),
    /// Nothing new.
    Nothing,
    /// One side does not know the stream's past: number all messages that have not been acknowledged to their
    /// end anew, in this stream. See [`Sending::restart`].
    Restart(u32),
}

/// What is under way to one contact. 160 bytes.
///
/// Numbers up to [`acked`](Self::acked) have arrived; those from there to [`next`](Self::next) wait or are under
/// way; the first [`WINDOW`] of them may be in slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    stream: u32,
    acked: u32,
    next: u32,
    /// The newest round from which an acknowledgement came.
    acked_in: Option<Round>,
    /// The newest round in which something was sent.
    newest: Round,
    /// How many rounds before `newest` each number of the window was last sent, at its number modulo the window.
    ages: [u16; WINDOW as usize],
}

impl Sending {
    /// Nothing is under way. `stream` is [`stream_at`](super::stream_at) the time when the contact was added.
    pub fn new(stream: u32) -> Self {
        let (stream, newest) = (stream.max(1), Round(0));
        let ages = [NOT_SENT; WINDOW as usize];
        Self { stream, acked: 0, next: 1, acked_in: None, newest, ages }
    }

    /// From what its getters told before, and the rounds in which numbers above `acked` were last sent; `None` if
    /// that doesn't fit together.
    pub fn from_parts(
        stream: u32,
        acked: u32,
        next: u32,
        acked_in: Option<Round>,
        sent: impl IntoIterator<Item = (u32, Round)>,
    ) -> Option<Self> {
        if stream == 0 || acked >= next {
            return None;
        }
        let mut parts = Self { acked, next, acked_in, ..Self::new(stream) };
        for (sequence, round) in sent {
            if !parts.window().contains(&sequence) {
                return None;
            }
            parts.sent_in(sequence, round);
        }
        Some(parts)
    }

    /// The stream's number, at least 1.
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// All up to this number is acknowledged.
    pub fn acked(&self) -> u32 {
        self.acked
    }

    /// The next fragment's number.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// The newest round from which an acknowledgement of something in this stream came.
    pub fn acked_in(&self) -> Option<Round> {
        self.acked_in
    }

    /// The round in which `sequence` was last put into a slot; `None` if it is due.
    pub fn last_sent(&self, sequence: u32) -> Option<Round> {
        let age = self.ages[place(sequence)];
        let known = self.window().contains(&sequence) && age != NOT_SENT;
        known.then(|| Round(self.newest.0.saturating_sub(age.into())))
    }

    /// Gives the next fragment its number. `None` if the stream's numbers have ended: when all are acknowledged
    /// [`restart`](Self::restart) with the next stream.
    pub fn push(&mut self) -> Option<u32> {
        let sequence = self.next;
        self.next = sequence.checked_add(1)?;
        Some(sequence)
    }

    /// Which number goes into a slot of `round`: the lowest one that is in no slot, or has been in one for
    /// [`resend_after`](super::resend_after) rounds without an acknowledgement.
    pub fn due(&self, round: Round, resend_after: u64) -> Option<u32> {
        // Ages above are not told apart.
        let patience = resend_after.min(OLDEST.into());
        self.window().find(|&sequence| {
            self.last_sent(sequence)
                .is_none_or(|last| last < round && last.0.saturating_add(patience) <= round.0)
        })
    }

    /// `sequence` was put into a slot of `round`. Write it down before the slot is filled.
    pub fn sent_in(&mut self, sequence: u32, round: Round) {
        if !self.window().contains(&sequence) {
            return;
        }
        if round > self.newest {
            let passed = round.0 - self.newest.0;
            self.ages.iter_mut().filter(|age| **age != NOT_SENT).for_each(|age| {
                *age = to_age(u64::from(*age).saturating_add(passed));
            });
            self.newest = round;
        }
        self.ages[place(sequence)] = to_age(self.newest.0 - round.0);
    }

    /// No mixer took `sequence`, or nobody knows because the program ended: it is due at once.
    pub fn failed(&mut self, sequence: u32) {
        if self.window().contains(&sequence) {
            self.ages[place(sequence)] = NOT_SENT;
        }
    }

    /// The round was void: everything that was last sent in it is due at once.
    pub fn void(&mut self, round: Round) {
        for sequence in self.window() {
            if self.last_sent(sequence) == Some(round) {
                self.failed(sequence);
            }
        }
    }

    /// A payload of `round` acknowledged all of `ack_stream` up to `ack`. Whoever says so must be proven.
    ///
    /// Payloads may come in another order than their rounds', so what an older one lacks means nothing. If a newer one
    /// lacks what was acknowledged, the contact has lost it; if one has what was never numbered, we have: one of the
    /// two went back to an older memory.
    pub fn acknowledged(&mut self, round: Round, ack_stream: u32, ack: u32) -> Acked {
        // Acknowledgements grow from round to round.
        let shrunk = ack < self.acked && self.acked_in.is_none_or(|newest| newest < round);
        let lost = ack_stream == self.stream && (shrunk || ack >= self.next);
        if ack_stream > self.stream || lost {
            return ack_stream.checked_add(1).map_or(Acked::Nothing, Acked::Restart);
        }
        if ack_stream < self.stream || ack == 0 {
            return Acked::Nothing;
        }
        self.acked_in = self.acked_in.max(Some(round));
        if ack <= self.acked {
            return Acked::Nothing;
        }
        let arrived = self.acked + 1..=ack;
        arrived.clone().take(WINDOW as usize).for_each(|s| self.ages[place(s)] = NOT_SENT);
        self.acked = ack;
        Acked::Progress(arrived)
    }

    /// Starts over with a larger stream, in which `fragments` fragments have the numbers from 1: those of all
    /// messages that are not acknowledged to their last one. All are due.
    pub fn restart(&mut self, stream: u32, fragments: u32) {
        *self = Self { next: fragments.saturating_add(1), ..Self::new(stream) };
    }

    /// The number that has this place in the window.
    pub(super) fn at(&self, at: usize) -> Option<u32> {
        self.window().find(|&sequence| place(sequence) == at)
    }

    /// The numbers that may be in slots.
    fn window(&self) -> Range<u32> {
        self.acked + 1..self.next.min(self.acked.saturating_add(WINDOW + 1))
    }
}

fn to_age(rounds: u64) -> u16 {
    u16::try_from(rounds).unwrap_or(OLDEST).min(OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stream 7 with so many numbers given.
    fn with(numbers: u32) -> Sending {
        let mut out = Sending::new(7);
        (1..=numbers).for_each(|n| assert_eq!(out.push(), Some(n)));
        out
    }

    #[test]
    fn the_lowest_number_that_is_due_goes_first() {
        let mut out = with(3);
        for (round, expected) in
            [(10, Some(1)), (10, Some(2)), (11, Some(3)), (11, None), (12, None)]
        {
            let due = out.due(Round(round), 3);
            assert_eq!(due, expected);
            due.into_iter().for_each(|n| out.sent_in(n, Round(round)));
        }
        assert_eq!(out.due(Round(13), 3), Some(1));
        out.sent_in(1, Round(13));
        assert_eq!(out.due(Round(13), 3), Some(2));
        out.sent_in(2, Round(13));
        assert_eq!(out.due(Round(13), 3), None);
        assert_eq!(out.due(Round(14), 3), Some(3));
    }

    #[test]
    fn nothing_goes_twice_into_one_round_however_short_the_patience() {
        let mut out = with(1);
        out.sent_in(1, Round(0));
        assert_eq!((out.due(Round(0), 0), out.due(Round(1), 0)), (None, Some(1)));
    }

    #[test]
    fn no_more_than_the_window_is_under_way() {
        let mut out = with(2 * WINDOW);
        for n in 1..=WINDOW {
            assert_eq!(out.due(Round(5), 3), Some(n));
            out.sent_in(n, Round(5));
        }
        assert_eq!(out.due(Round(5), 3), None);
        assert_eq!(out.acknowledged(Round(6), 7, 2), Acked::Progress(1..=2));
        assert_eq!(out.due(Round(6), 3), Some(WINDOW + 1));
        assert_eq!(out.acknowledged(Round(6), 7, WINDOW), Acked::Progress(3..=WINDOW));
        for n in WINDOW + 1..=2 * WINDOW {
            assert_eq!(out.due(Round(6), 3), Some(n));
            out.sent_in(n, Round(6));
        }
    }

    #[test]
    fn what_failed_or_was_void_is_due_at_once() {
        let mut out = with(3);
        out.sent_in(1, Round(4));
        out.sent_in(2, Round(5));
        out.sent_in(3, Round(5));
        assert_eq!(out.due(Round(6), 3), None);
        out.void(Round(5));
        assert_eq!((out.last_sent(1), out.last_sent(2)), (Some(Round(4)), None));
        assert_eq!(out.due(Round(6), 3), Some(2));
        out.failed(1);
        assert_eq!(out.due(Round(6), 3), Some(1));
    }

    #[test]
    fn acknowledgements_only_go_forward() {
        let mut out = with(5);
        assert_eq!(out.acknowledged(Round(9), 0, 0), Acked::Nothing);
        assert_eq!(out.acknowledged(Round(9), 6, 3), Acked::Nothing, "of an older stream");
        assert_eq!(out.acknowledged(Round(9), 7, 3), Acked::Progress(1..=3));
        assert_eq!(out.acknowledged(Round(9), 7, 3), Acked::Nothing);
        assert_eq!(out.acknowledged(Round(8), 7, 2), Acked::Nothing, "of an older round");
        assert_eq!(out.acknowledged(Round(9), 7, 2), Acked::Nothing, "of the same round");
        assert_eq!((out.acked(), out.next()), (3, 6));
    }

    #[test]
    fn a_contact_that_lost_its_past_makes_the_stream_start_over() {
        let mut out = with(5);
        assert_eq!(out.acknowledged(Round(1), 7, 0), Acked::Nothing, "nothing had arrived");
        assert_eq!(out.acknowledged(Round(9), 7, 3), Acked::Progress(1..=3));
        assert_eq!(out.acknowledged(Round(8), 7, 0), Acked::Nothing, "that is an old payload");
        assert_eq!(out.acknowledged(Round(9), 7, 0), Acked::Nothing, "that one too");
        assert_eq!(out.acknowledged(Round(10), 7, 0), Acked::Restart(8));
        out.sent_in(4, Round(10));
        out.restart(8, 2);
        assert_eq!((out.stream(), out.acked(), out.next()), (8, 0, 3));
        assert_eq!(out.due(Round(10), 3), Some(1));
        assert_eq!(out.acknowledged(Round(11), 7, 3), Acked::Nothing);
    }

    #[test]
    fn a_contact_that_went_back_to_an_old_memory_makes_the_stream_start_over() {
        let mut out = with(9);
        assert_eq!(out.acknowledged(Round(9), 7, 5), Acked::Progress(1..=5));
        assert_eq!(out.acknowledged(Round(10), 7, 2), Acked::Restart(8));
    }

    #[test]
    fn whoever_lost_its_own_past_takes_a_larger_stream() {
        let mut out = with(5);
        assert_eq!(out.acknowledged(Round(1), 7, 6), Acked::Restart(8), "there was a sixth");
        assert_eq!(out.acknowledged(Round(1), 7, u32::MAX), Acked::Restart(8));
        assert_eq!(out.acknowledged(Round(1), 20, 5), Acked::Restart(21));
        assert_eq!(out.acknowledged(Round(1), u32::MAX, 5), Acked::Nothing, "there is no larger");
    }

    #[test]
    fn numbers_end_without_a_fuss() {
        let mut out = Sending::from_parts(7, u32::MAX - 3, u32::MAX - 1, None, []).unwrap();
        assert_eq!(out.push(), Some(u32::MAX - 1));
        assert_eq!(out.push(), None);
        assert_eq!(out.due(Round(0), 3), Some(u32::MAX - 2));
        out.sent_in(u32::MAX - 2, Round(0));
        assert_eq!(out.due(Round(0), 3), Some(u32::MAX - 1));
        assert_eq!(
            out.acknowledged(Round(1), 7, u32::MAX - 1),
            Acked::Progress(u32::MAX - 2..=u32::MAX - 1)
        );
        assert_eq!(out.due(Round(9), 3), None);
    }

    #[test]
    fn rounds_far_apart_make_everything_due_and_nothing_overflow() {
        let mut out = with(2);
        out.sent_in(1, Round(1));
        out.sent_in(2, Round(u64::MAX));
        assert_eq!(out.due(Round(u64::MAX), u64::MAX), Some(1));
        out.sent_in(1, Round(3));
        assert_eq!(out.due(Round(u64::MAX), 3), Some(1));
    }

    #[test]
    fn damaged_parts_are_refused() {
        let parts = |stream, acked, next, sent: &[u32]| {
            let sent = sent.iter().map(|&n| (n, Round(1)));
            Sending::from_parts(stream, acked, next, None, sent)
        };
        assert!(parts(1, 0, 1, &[]).is_some() && parts(1, 2, 9, &[3, 8]).is_some());
        assert!(parts(0, 0, 1, &[]).is_none(), "no stream");
        assert!(parts(1, 1, 1, &[]).is_none() && parts(1, 0, 0, &[]).is_none(), "never numbered");
        assert!(parts(1, 2, 9, &[2]).is_none(), "that one is acknowledged");
        assert!(parts(1, 2, 9, &[9]).is_none(), "that one was never given");
        assert!(parts(1, 2, 999, &[3 + WINDOW]).is_none(), "beyond the window");
    }
}
