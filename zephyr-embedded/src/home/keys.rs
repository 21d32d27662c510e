//! Which item has which key.

use crate::storage::Key;

/// How many fragments to a contact can wait for its acknowledgement: a power of two.
pub(crate) const OUTBOX: u32 = 32;
/// How many fragments of a contact can wait for the user or for those before them: a power of two, and the window.
pub(crate) const INBOX: u32 = 64;
/// How many fragments of people who are no contacts can wait for the user, and one more.
pub(crate) const STRANGERS: u16 = 16;
/// With how many PKGs there can be registrations.
pub(crate) const REGISTRATIONS: u16 = 16;
/// In how many pieces a signed manifest is kept.
pub(crate) const PIECES: u16 = 16;

/// The address and the seed.
pub(crate) const ACCOUNT: Key = Key::new(0, 0);
/// The network's id.
pub(crate) const NETWORK: Key = Key::new(0, 1);
/// The newest round.
pub(crate) const ROUND: Key = Key::new(0, 2);
/// What of other people's was shown.
pub(crate) const SEEN: Key = Key::new(0, 3);
const VERSION: u16 = 4;
const REGISTRATION: u16 = 16;
const PIECE: u16 = 32;
const STRANGER: u16 = 64;

/// A contact's numbers, without which it is none.
pub(crate) const STATE: u16 = 0;
/// A contact's address.
pub(crate) const ADDRESS: u16 = 1;
const OUT: u16 = 32;
const IN: u16 = 64;

/// What of the signed manifest with this parity is there.
pub(crate) const fn version(parity: u32) -> Key {
    Key::new(0, VERSION + parity as u16 % 2)
}

/// A piece of the signed manifest with this parity.
pub(crate) const fn piece(parity: u32, piece: u16) -> Key {
    Key::new(0, PIECE + parity as u16 % 2 * PIECES + piece)
}

pub(crate) const fn registration(place: u16) -> Key {
    Key::new(0, REGISTRATION + place)
}

/// The first key of the client itself.
pub(crate) const OWN: Key = Key::new(0, 0);

/// A fragment of somebody who is no contact.
pub(crate) const fn stranger(index: u16) -> Key {
    Key::new(0, STRANGER + index % STRANGERS)
}

/// Which of these are in a set of the client's own keys.
pub(crate) const fn strangers(own: u128) -> u16 {
    (own >> STRANGER) as u16
}

/// One of the keys of the contact in `place`.
pub(crate) const fn contact(place: usize, index: u16) -> Key {
    Key::new(place as u16 + 1, index)
}

/// Where a fragment to a contact is.
pub(crate) const fn out(index: u32) -> u16 {
    OUT + (index % OUTBOX) as u16
}

/// Where a fragment from a contact is.
pub(crate) const fn inbox(index: u32) -> u16 {
    IN + (index % INBOX) as u16
}
