//! What is in the slots of the newest round, until it is known what became of it.

use zephyr_core::Round;

/// More slots than this no network has.
pub(super) const MAX: u8 = 64;

/// The slots of one contact in the newest round in which it was sent something.
#[derive(Clone)]
pub(super) struct Slots {
    pub(super) round: Option<Round>,
    /// The number in each slot, 0 if none.
    pub(super) sequences: [u32; MAX as usize],
    /// The slots that something is in, a bit each.
    pub(super) taken: u64,
}

impl Slots {
    pub(super) const fn new() -> Self {
        Self { round: None, sequences: [0; MAX as usize], taken: 0 }
    }

    pub(super) fn put(&mut self, round: Round, slot: u8, sequence: u32) {
        if self.round != Some(round) {
            *self = Self { round: Some(round), ..Self::new() };
        }
        self.sequences[usize::from(slot)] = sequence;
        self.taken |= 1 << slot;
    }

    /// What was in the slot: a number, or 0.
    pub(super) fn take(&mut self, round: Round, slot: u8) -> Option<u32> {
        let bit = 1u64 << slot;
        if self.round != Some(round) || self.taken & bit == 0 {
            return None;
        }
        self.taken &= !bit;
        Some(self.sequences[usize::from(slot)])
    }

    /// The first slot that something is in.
    pub(super) fn first(&self) -> Option<(Round, u8)> {
        self.round
            .filter(|_| self.taken != 0)
            .map(|round| (round, self.taken.trailing_zeros() as u8))
    }
}
