//! What is in the slots of the newest round, until it is known what became of it.

use crate::ids::Round;

use super::{SLOTS, WINDOW};

/// The place of a slot that carries an acknowledgement alone, or what has been acknowledged meanwhile.
const NO_PLACE: u8 = u8::MAX;

/// The slots of one contact in the newest round in which it was sent something. 88 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    round: Option<Round>,
    /// The slots that something is in, a bit each.
    taken: u64,
    /// Of these, the number's place in the window: [`place`].
    places: [u8; SLOTS],
}

impl Slots {
    pub(super) const fn new(round: Option<Round>) -> Self {
        Self { round, taken: 0, places: [NO_PLACE; SLOTS] }
    }

    pub(super) fn round(&self) -> Option<Round> {
        self.round
    }

    pub(super) fn put(&mut self, round: Round, slot: u8, sequence: Option<u32>) {
        // What became of an earlier round's slots has been told by now.
        if self.round != Some(round) {
            *self = Self::new(Some(round));
        }
        if let Some(at) = self.places.get_mut(usize::from(slot)) {
            self.taken |= bit(slot);
            *at = sequence.map_or(NO_PLACE, |n| place(n) as u8);
        }
    }

    /// Whether something was in the slot, and if it was a number's fragment, the number's place.
    pub(super) fn take(&mut self, round: Round, slot: u8) -> Option<Option<usize>> {
        if self.round != Some(round) || self.taken & bit(slot) == 0 {
            return None;
        }
        self.taken &= !bit(slot);
        Some(self.place(slot))
    }

    /// The numbers of these places have arrived; their places are other numbers' from now on.
    pub(super) fn forget(&mut self, arrived: impl Iterator<Item = u32>) {
        for sequence in arrived.take(WINDOW as usize) {
            let gone = self.places.iter_mut().filter(|p| usize::from(**p) == place(sequence));
            gone.for_each(|p| *p = NO_PLACE);
        }
    }

    /// The slots that something is in, with the places of the numbers.
    pub(super) fn taken(&self) -> impl Iterator<Item = (u8, Option<usize>)> {
        let slots = (0..SLOTS as u8).filter(|&slot| self.taken & bit(slot) != 0);
        slots.map(|slot| (slot, self.place(slot)))
    }

    fn place(&self, slot: u8) -> Option<usize> {
        let place = self.places[usize::from(slot)];
        (place != NO_PLACE).then_some(place.into())
    }
}

/// Where in the window a number is: no two that may be under way at once are in one place.
pub(super) fn place(sequence: u32) -> usize {
    (sequence % WINDOW) as usize
}

/// The slot's bit; none for a slot that no network has.
fn bit(slot: u8) -> u64 {
    1u64.checked_shl(slot.into()).unwrap_or(0)
}
