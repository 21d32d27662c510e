//! A conversation as bytes.
//!
//! ```text
//! version u8
//! sending    stream u32 ‖ acked u32 ‖ next u32 ‖ acked in: 0 or round + 1, u64
//!            for each of the 64 numbers from acked + 1 on: 0, or the round in which it was last sent + 1, u64
//! receiving  stream u32 ‖ ack u32 ‖ early u64 ‖ owed u8
//! slots      round: 0 or round + 1, u64 ‖ taken u64 ‖ 64 numbers u32
//! ```
//! Integers are big-endian.

use zephyr_core::Round;
use zephyr_core::stream::{Conversation, Receiving, SLOTS, Sending, WINDOW};

/// Length in bytes of what zephyr_conversation_save writes.
pub const ZEPHYR_CONVERSATION_SAVED_LEN: usize = 822;

const VERSION: u8 = 1;
const SENDING: usize = 4 + 4 + 4 + 8 + WINDOW as usize * 8;
const RECEIVING: usize = 4 + 4 + 8 + 1;
const IN_SLOTS: usize = 8 + 8 + SLOTS * 4;
const _: () = assert!(ZEPHYR_CONVERSATION_SAVED_LEN == 1 + SENDING + RECEIVING + IN_SLOTS);

struct Writer {
    bytes: [u8; ZEPHYR_CONVERSATION_SAVED_LEN],
    len: usize,
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn round(&mut self, round: Option<Round>) {
        self.put(&round.map_or(0, |round| round.0.saturating_add(1)).to_be_bytes());
    }
}

pub(super) fn write(conversation: &Conversation) -> [u8; ZEPHYR_CONVERSATION_SAVED_LEN] {
    let (sending, receiving) = (conversation.sending(), conversation.receiving());
    let mut w = Writer { bytes: [0; _], len: 0 };
    w.put(&[VERSION]);
    for number in [sending.stream(), sending.acked(), sending.next()] {
        w.put(&number.to_be_bytes());
    }
    w.round(sending.acked_in());
    for place in 1..=WINDOW {
        w.round(sending.acked().checked_add(place).and_then(|n| sending.last_sent(n)));
    }
    let (stream, ack) = receiving.ack();
    w.put(&stream.to_be_bytes());
    w.put(&ack.to_be_bytes());
    w.put(&receiving.early().to_be_bytes());
    w.put(&[receiving.owed().into()]);
    let (mut taken, mut numbers) = (0u64, [0; SLOTS]);
    let slots = conversation.slots();
    w.round(slots.as_ref().map(|(round, _)| *round));
    for (slot, sequence) in slots.into_iter().flat_map(|(_, slots)| slots) {
        taken |= 1 << slot;
        numbers[usize::from(slot)] = sequence.unwrap_or(0);
    }
    w.put(&taken.to_be_bytes());
    numbers.iter().for_each(|number| w.put(&number.to_be_bytes()));
    w.bytes
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn round(&mut self) -> Option<Option<Round>> {
        Some(self.u64()?.checked_sub(1).map(Round))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

/// What was saved, with what was in slots due again; `None` if it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Conversation> {
    if bytes.len() != ZEPHYR_CONVERSATION_SAVED_LEN {
        return None;
    }
    let mut r = Reader(bytes);
    if r.take()? != [VERSION] {
        return None;
    }
    let (stream, acked, next, acked_in) = (r.u32()?, r.u32()?, r.u32()?, r.round()?);
    let mut sent = heapless::Vec::<_, { WINDOW as usize }>::new();
    for place in 1..=WINDOW {
        if let Some(round) = r.round()? {
            sent.push((acked.checked_add(place)?, round)).ok()?;
        }
    }
    let sending = Sending::from_parts(stream, acked, next, acked_in, sent)?;
    let receiving = Receiving::from_parts(r.u32()?, r.u32()?, r.u64()?, r.flag()?)?;
    let mut conversation = Conversation::from_parts(sending, receiving);
    let (round, taken) = (r.round()?, r.u64()?);
    let mut in_slots = heapless::Vec::<_, SLOTS>::new();
    for slot in 0..SLOTS {
        let sequence = r.u32()?;
        if taken & 1 << slot != 0 {
            in_slots.push(Some(sequence).filter(|&n| n > 0)).ok()?;
        }
    }
    if let Some(round) = round {
        conversation.resume(round, in_slots);
    }
    Some(conversation)
}
