//! How much is kept, so that the storage is never full.

use crate::error::Error;
use crate::storage::Storage;

use super::ROUND_SIZE;
use super::keys::{INBOX, OUTBOX, PIECES, REGISTRATIONS, STRANGERS};
use super::part::PART_HEADER;
use super::registrations::REGISTRATION_SIZE;
use super::state::STATE_SIZE;
use super::strangers::SEEN_SIZE;
use super::versions::PIECE;

/// The address and the seed.
const ACCOUNT_SIZE: usize = 32 + zephyr_core::MAX_ADDRESS;
/// What a payload has before sender and fragment.
const PAYLOAD_HEADER: usize = zephyr_core::MAX_PAYLOAD_HEADER - zephyr_core::MAX_ADDRESS;
/// The fewest fragments for which a contact must have room, both ways together.
const FEWEST: usize = 8;

/// How much each contact can make the client keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// How many fragments that are to be sent.
    pub(super) outbox: u32,
    /// How many fragments that wait for the user, or for those before them.
    pub(super) inbox: u32,
    /// How many bytes of a fragment of one's own.
    pub(super) fragment: usize,
}

impl Limits {
    /// What is in a storage for `contacts` contacts in a network with this `payload_len`.
    pub(super) fn new<S: Storage>(
        storage: &S,
        payload_len: usize,
        contacts: usize,
    ) -> Result<Self, Error<S::Error>> {
        let part = PART_HEADER + payload_len.saturating_sub(PAYLOAD_HEADER);
        let longest = part.max(ACCOUNT_SIZE).max(STATE_SIZE).max(PIECE);
        if longest > storage.longest() {
            let (needed, given) = (longest, storage.longest());
            return Err(Error::TooSmall { what: "longest item of the storage", needed, given });
        }
        let cost = |len| storage.cost(len);
        let own =
            [ACCOUNT_SIZE, 32, ROUND_SIZE, SEEN_SIZE, 16, 16].into_iter().map(cost).sum::<usize>()
                + usize::from(REGISTRATIONS) * cost(REGISTRATION_SIZE)
                + 2 * usize::from(PIECES) * cost(PIECE)
                + usize::from(STRANGERS) * cost(part);
        let numbers =
            cost(STATE_SIZE) + cost(zephyr_core::MAX_ADDRESS) + (OUTBOX + INBOX) as usize * cost(0);
        let needed = own + contacts * (numbers + FEWEST * cost(part));
        let given = storage.capacity();
        if given < needed {
            return Err(Error::TooSmall { what: "bytes of the storage", needed, given });
        }
        let each = ((given - own) / contacts.max(1) - numbers) / cost(part);
        let each = u32::try_from(each).unwrap_or(u32::MAX);
        let outbox = OUTBOX.min(each / 2);
        Ok(Self {
            outbox,
            inbox: INBOX.min(each - outbox),
            fragment: storage.longest() - PART_HEADER,
        })
    }
}
