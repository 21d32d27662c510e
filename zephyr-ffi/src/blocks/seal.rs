//! Sealing and opening.

use zephyr_core::{Cover, Opened, Opener, SEAL_OVERHEAD, Sealer, SenderTag};

use super::identity::zephyr_identity;
use super::keys::zephyr_private_key;
use super::payload::{zephyr_opened, zephyr_payload};
use super::round::zephyr_round;
use super::sender::zephyr_sender_key;
use super::sizes::geometry;
use crate::Pairing;
use crate::abi::zephyr_status::{self, *};
use crate::abi::{
    Failure, Out, borrow, boundary, bytes_mut, generator, item, output, zephyr_hedge, zephyr_random,
};

/// Seals a payload for `recipient` in a round (one pairing, two multiplications): nobody else can open it, and nobody at
/// all after the round.
///
/// `sender_key` is the one to `recipient`, or NULL: anonymous. `payload_len` is the network's. `random` gives random
/// numbers; `hedge` may be NULL. `out` is given the sealed message, `needed` (may be NULL) its length,
/// ZEPHYR_SEALED_LEN(payload_len); it must not overlap the payload's body.
/// @return ZEPHYR_ERROR_ARGUMENT if the payload can't be as it is, such as one whose body is too long;
/// ZEPHYR_ERROR_KEY if `sender_key` is of another round, or to somebody else.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_seal(
    round: *const zephyr_round,
    recipient: *const zephyr_identity,
    sender_key: *const zephyr_sender_key,
    payload: *const zephyr_payload,
    payload_len: usize,
    random: *const zephyr_random,
    hedge: *const zephyr_hedge,
    out: *mut u8,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let (context, recipient) = (&borrow(round)?.context, &borrow(recipient)?.0);
        let sender = if sender_key.is_null() { None } else { Some(borrow(sender_key)?) };
        if sender.is_some_and(|key| {
            key.directory != *context.directory() || key.recipient != *recipient.address()
        }) {
            return Err(ZEPHYR_ERROR_KEY.into());
        }
        let payload = item(payload)?.read(sender.map(|key| &key.sender), payload_len)?;
        let tag = match sender {
            None => SenderTag::Anonymous,
            Some(key) => SenderTag::Slot(&key.key, payload.header.slot),
        };
        let len = geometry(1, payload_len)?.sealed_len();
        let (mut rng, mut hedge) = (generator(random)?, crate::abi::hedge(hedge)?);
        let message = output(out, out_len, len, needed)?;
        payload
            .encode(&mut message[SEAL_OVERHEAD..])
            .map_err(|error| Failure::new(ZEPHYR_ERROR_ARGUMENT, error))?;
        Sealer::new(context).seal(recipient, tag, message, &mut rng, &mut hedge);
        Ok(())
    })
}

/// Makes a cover message (one multiplication): to everybody it looks like a message to somebody else.
///
/// `payload_len` is the network's. `out` is given the message, `needed` (may be NULL) its length,
/// ZEPHYR_SEALED_LEN(payload_len).
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_cover(
    payload_len: usize,
    random: *const zephyr_random,
    out: *mut u8,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let len = geometry(1, payload_len)?.sealed_len();
        let mut rng = generator(random)?;
        Cover::fill::<Pairing>(output(out, out_len, len, needed)?, &mut rng);
        Ok(())
    })
}

/// Tries to open a message that bears no known tag, in place (one pairing; if it is the user's and names its sender,
/// another).
///
/// `key` is the user's of this round. What stands in the message afterwards is the payload if it was opened, else
/// nothing that matters.
/// @return ZEPHYR_ERROR_NOT_MINE if it is somebody else's, damaged, or not from whom it says: which is not told.
///
/// # Safety
/// The pointers are as described; `out` is not within the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_open(
    round: *const zephyr_round,
    key: *const zephyr_private_key,
    message: *mut u8,
    message_len: usize,
    out: *mut zephyr_opened,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let (opener, out) = (opener(round, key)?, Out::new(out)?);
        opened(opener.open(bytes_mut(message, message_len)?), out)
    })
}

/// Opens a message, in place, that bears the tag of this slot and sender (one pairing, and none if it was not made by the
/// sender).
///
/// `key` is the user's of this round, `sender_key` the one from the sender. What stands in the message afterwards is the
/// payload if it was opened, else nothing that matters.
/// @return ZEPHYR_ERROR_NOT_MINE if it is not an undamaged message from the sender in that slot.
///
/// # Safety
/// The pointers are as described; `out` is not within the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_open_from(
    round: *const zephyr_round,
    key: *const zephyr_private_key,
    sender_key: *const zephyr_sender_key,
    slot: u16,
    message: *mut u8,
    message_len: usize,
    out: *mut zephyr_opened,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let (opener, out) = (opener(round, key)?, Out::new(out)?);
        let (sender, own) = (borrow(sender_key)?, borrow(key)?);
        if sender.directory != own.directory || sender.recipient != own.owner {
            return Err(ZEPHYR_ERROR_KEY.into());
        }
        let message = bytes_mut(message, message_len)?;
        opened(opener.open_from(&sender.sender, &sender.key, slot, message), out)
    })
}

/// # Safety
/// As for [`borrow`].
unsafe fn opener<'a>(
    round: *const zephyr_round,
    key: *const zephyr_private_key,
) -> Result<Opener<'a, Pairing>, Failure> {
    // SAFETY: as the caller promises.
    let (round, key) = unsafe { (borrow(round)?, borrow(key)?) };
    if key.directory != *round.context.directory() {
        return Err(ZEPHYR_ERROR_KEY.into());
    }
    Ok(Opener::new(&round.context, &key.owner, &key.key))
}

fn opened(opened: Option<Opened<'_>>, out: Out<zephyr_opened>) -> Result<(), Failure> {
    out.set((&opened.ok_or(ZEPHYR_ERROR_NOT_MINE)?.payload).into());
    Ok(())
}
