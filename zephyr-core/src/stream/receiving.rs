//! What has arrived.

use super::WINDOW;

/// What a fragment that came is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrival {
    /// It has not been here before: keep it.
    New,
    /// It has been here before.
    Duplicate,
    /// It is of an older stream, or beyond the window, or has no number: drop it.
    Refused,
}

/// What has arrived from one contact. 24 bytes.
///
/// Fragments may come in any order. A message is for the user when all numbers up to its last fragment's have
/// arrived, which is when that is at most [`ack`](Self::ack)'s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiving {
    stream: u32,
    ack: u32,
    early: u64,
    owed: bool,
}

impl Receiving {
    /// Nothing has come, and no stream is known.
    pub const fn new() -> Self {
        Self { stream: 0, ack: 0, early: 0, owed: false }
    }

    /// From what its getters told before; `None` if that doesn't fit together.
    pub fn from_parts(stream: u32, ack: u32, early: u64, owed: bool) -> Option<Self> {
        // All up to `ack` has arrived, so the number behind it has not.
        let unknown = stream == 0 && (ack > 0 || early > 0);
        let beyond = WINDOW - early.leading_zeros() > u32::MAX - ack;
        let fits = !unknown && early & 1 == 0 && !beyond;
        fits.then_some(Self { stream, ack, early, owed })
    }

    /// A fragment of `stream` with the number `sequence` came. A larger stream than the known one takes its place;
    /// what has come of that and was not yet for the user will come again.
    pub fn receive(&mut self, stream: u32, sequence: u32) -> Arrival {
        if stream == 0 || sequence == 0 {
            return Arrival::Refused;
        }
        // Whatever it is: its sender does not know how far we are.
        self.owed = true;
        if stream < self.stream {
            return Arrival::Refused;
        }
        self.begin(stream);
        if sequence <= self.ack {
            return Arrival::Duplicate;
        }
        let ahead = sequence - self.ack - 1;
        if ahead >= WINDOW {
            return Arrival::Refused;
        }
        if self.early & 1 << ahead != 0 {
            return Arrival::Duplicate;
        }
        self.early |= 1 << ahead;
        let together = self.early.trailing_ones();
        self.early = self.early.checked_shr(together).unwrap_or(0);
        self.ack += together;
        Arrival::New
    }

    /// The contact has begun `stream`: if it is larger than the known one, nothing of it has arrived yet. Whether it is.
    pub fn begin(&mut self, stream: u32) -> bool {
        let larger = stream > self.stream;
        if larger {
            *self = Self { stream, owed: true, ..Self::new() };
        }
        larger
    }

    /// What every payload to the contact says: the known stream, or 0, and the number up to which all of it has
    /// arrived.
    pub fn ack(&self) -> (u32, u32) {
        (self.stream, self.ack)
    }

    /// Which of the numbers behind [`ack`](Self::ack)'s have arrived: the lowest bit is the next number's.
    pub fn early(&self) -> u64 {
        self.early
    }

    /// Whether the contact is to be told: its slot then carries a payload without contents rather than cover.
    pub fn owed(&self) -> bool {
        self.owed
    }

    /// A payload with [`ack`](Self::ack) was put into one of the contact's slots.
    pub fn told(&mut self) {
        self.owed = false;
    }

    /// That payload did not get there, or nobody knows: the contact is to be told again.
    pub fn untold(&mut self) {
        self.owed = self.stream > 0;
    }

    /// Forgets what has arrived of the known stream, of which the contact is told: it starts over.
    pub fn forget(&mut self) {
        *self = Self { stream: self.stream, owed: self.stream > 0, ..Self::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_arrive_once_in_any_order() {
        let mut here = Receiving::new();
        assert_eq!(here.ack(), (0, 0));
        assert_eq!(here.receive(7, 2), Arrival::New);
        assert_eq!((here.ack(), here.early()), ((7, 0), 0b10));
        assert_eq!(here.receive(7, 2), Arrival::Duplicate);
        assert_eq!(here.receive(7, 1), Arrival::New);
        assert_eq!((here.ack(), here.early()), ((7, 2), 0));
        assert_eq!(here.receive(7, 1), Arrival::Duplicate);
    }

    #[test]
    fn the_window_moves_as_a_whole_when_it_is_full() {
        let mut here = Receiving::new();
        for sequence in (1..=WINDOW).rev() {
            assert_eq!(here.receive(1, sequence), Arrival::New);
        }
        assert_eq!((here.ack(), here.early()), ((1, WINDOW), 0));
        assert_eq!(here.receive(1, 2 * WINDOW + 1), Arrival::Refused);
        assert_eq!(here.receive(1, 2 * WINDOW), Arrival::New);
    }

    #[test]
    fn a_larger_stream_starts_over_and_a_smaller_one_is_refused() {
        let mut here = Receiving::new();
        assert_eq!(here.receive(7, 1), Arrival::New);
        assert_eq!(here.receive(8, 3), Arrival::New);
        assert_eq!((here.ack(), here.early()), ((8, 0), 0b100));
        here.told();
        assert_eq!(here.receive(7, 2), Arrival::Refused);
        assert!(here.owed(), "its sender is told of the stream that we know");
        assert_eq!(here.ack(), (8, 0));
    }

    #[test]
    fn every_number_is_answered_and_nothing_else() {
        let mut here = Receiving::new();
        assert_eq!(here.receive(0, 0), Arrival::Refused);
        assert_eq!(here.receive(0, 1), Arrival::Refused);
        assert_eq!(here.receive(1, 0), Arrival::Refused);
        assert!(!here.owed());
        // Also what lies beyond the window: its sender believes in a past that we have lost.
        for sequence in [1, 1, 1_000] {
            let _ = here.receive(1, sequence);
            assert!(here.owed());
            here.told();
        }
    }

    #[test]
    fn numbers_end_without_a_fuss() {
        let mut here = Receiving::from_parts(1, u32::MAX - 2, 0, false).unwrap();
        assert_eq!(here.receive(1, u32::MAX), Arrival::New);
        assert_eq!(here.receive(1, u32::MAX - 1), Arrival::New);
        assert_eq!(here.ack(), (1, u32::MAX));
        assert_eq!(here.receive(1, u32::MAX), Arrival::Duplicate);
        assert_eq!(here.receive(1, 5), Arrival::Duplicate);
    }

    #[test]
    fn what_was_not_told_or_is_forgotten_is_told_once_a_stream_is_known() {
        let mut here = Receiving::new();
        here.untold();
        here.forget();
        assert_eq!(here, Receiving::new());
        assert_eq!(here.receive(7, 1), Arrival::New);
        assert_eq!(here.receive(7, 3), Arrival::New);
        here.told();
        here.untold();
        assert!(here.owed());
        here.told();
        here.forget();
        assert_eq!((here.ack(), here.early(), here.owed()), ((7, 0), 0, true));
    }

    #[test]
    fn damaged_parts_are_refused() {
        assert!(Receiving::from_parts(0, 0, 0, true).is_some());
        assert!(Receiving::from_parts(0, 1, 0, false).is_none(), "no stream, and yet a number");
        assert!(Receiving::from_parts(1, 1, 1, false).is_none(), "the next one has not come");
        assert!(Receiving::from_parts(1, u32::MAX - 1, 0b10, false).is_none(), "no such number");
    }
}
