//! Messages on their way out: in fragments, until the recipient has acknowledged them.

use core::fmt;

use zephyr_core::session::Draft;
use zephyr_core::stream::Acked;
use zephyr_core::{Address, Content, PayloadHeader, Round, UnixMs};

use crate::error::Error;
use crate::storage::Storage;

use super::part::{Head, PART_HEADER};
use super::state::State;
use super::{Home, keys};

/// The longest message in bytes.
pub const MAX_TEXT: usize = 4_096;

/// A message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Why a message can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<E> {
    /// The recipient is no contact.
    NoContact,
    /// The message is empty, or longer than [`MAX_TEXT`] or than the storage has room for.
    Length,
    /// Too much waits for this contact already. Wait until something is delivered.
    Full,
    /// The storage can't be written.
    Storage(E),
}

impl<E: fmt::Debug> fmt::Display for SendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoContact => f.write_str("the recipient is no contact: add the address first"),
            Self::Length => f.write_str("the message is empty or too long"),
            Self::Full => f.write_str(
                "too much waits for this contact already: wait until something is delivered",
            ),
            Self::Storage(error) => write!(f, "the storage can't be written: {error:?}"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for SendError<E> {}

impl<S: Storage> Home<'_, S> {
    /// `message` is a random number; `capacity` is how many bytes of the message a fragment takes, `now` the network's
    /// time, if it is known.
    pub(crate) async fn send(
        &mut self,
        to: &Address,
        content: Content,
        text: &[u8],
        message: u64,
        capacity: usize,
        now: Option<UnixMs>,
    ) -> Result<MessageId, SendError<S::Error>> {
        let place = self.place(to).ok_or(SendError::NoContact)?;
        let mut state = self.state(place).ok_or(SendError::NoContact)?.clone();
        let capacity = capacity.min(self.limits.fragment);
        if text.is_empty() || text.len() > MAX_TEXT || capacity == 0 {
            return Err(SendError::Length);
        }
        let fragments = text.len().div_ceil(capacity) as u32;
        if fragments > self.limits.outbox {
            return Err(SendError::Length);
        }
        if state.out_len() + fragments > self.limits.outbox {
            return Err(SendError::Full);
        }
        // Without the time a new stream gets the next number.
        let first = state.push(fragments, now.unwrap_or(UnixMs(0))).ok_or(SendError::Full)?;
        for (i, chunk) in text.chunks(capacity).enumerate() {
            let head = Head { content, message, fragment: i as u16, fragments: fragments as u16 };
            let key = keys::contact(place, keys::out(first.wrapping_add(i as u32)));
            let head = head.write(0);
            self.storage.save(key, &[head.bytes(), chunk]).await.map_err(SendError::Storage)?;
        }
        self.commit(place, &state).await.map_err(SendError::Storage)?;
        Ok(MessageId(message))
    }

    /// What goes into the slot: the fragment that is due, an acknowledgement that is owed, or nothing. `buffer` has room
    /// for a payload.
    ///
    /// Nothing is written: that the round is used was, and after a reset all that is not acknowledged is due again.
    pub(crate) async fn fill<'b>(
        &mut self,
        round: Round,
        slot: u8,
        contact: &Address,
        resend_after: u64,
        buffer: &'b mut [u8],
    ) -> Result<Option<Draft<'b>>, Error<S::Error>> {
        if self.last.is_none_or(|(last, _)| last != round) {
            return Ok(None);
        }
        let Some(place) = self.place(contact) else { return Ok(None) };
        let Some(contact) = &mut self.contacts[place] else { return Ok(None) };
        let draft = contact.state.conversation.fill(round, slot, resend_after);
        let Some(draft) = draft.filter(|draft| draft.sequence > 0) else { return Ok(draft) };
        let index = contact.state.out_index(draft.sequence);
        let (head, len) = self.load_part(place, keys::out(index), buffer).await?;
        let Head { content, message, fragment, fragments } = head;
        Ok(Some(Draft { content, message, fragment, fragments, body: &buffer[..len], ..draft }))
    }

    /// A mixer took the slot's packet.
    pub(crate) fn sent(&mut self, round: Round, slot: u8) {
        self.each(|state| state.conversation.sent(round, slot));
    }

    /// No mixer took the slot's packet, or it carries cover.
    pub(crate) fn failed(&mut self, round: Round, slot: u8) {
        self.each(|state| state.conversation.failed(round, slot));
    }

    /// The round was void.
    pub(crate) fn void(&mut self, round: Round) {
        self.each(|state| state.conversation.void(round));
    }

    fn each(&mut self, change: impl FnMut(&mut State)) {
        self.contacts.iter_mut().flatten().map(|contact| &mut contact.state).for_each(change);
    }

    /// The contact says what it has: `delivered` gets the messages that it has to their end, which are erased.
    pub(super) async fn acknowledged(
        &mut self,
        place: usize,
        round: Round,
        header: &PayloadHeader,
        mut delivered: impl FnMut(MessageId),
    ) -> Result<(), Error<S::Error>> {
        let Some(mut state) = self.state(place).cloned() else { return Ok(()) };
        let head = state.out_head();
        match state.conversation.acknowledged(round, header) {
            Acked::Nothing => {
                // The newest round is remembered; it is written down with what it changes.
                self.keep(place, &state);
                return Ok(());
            }
            Acked::Progress(_) => {
                while state.out_acked() > 0 {
                    let first = self.load_head(place, state.out_head()).await?;
                    let fragments = u32::from(first.fragments);
                    if fragments > state.out_acked() {
                        break;
                    }
                    state.delivered(fragments);
                }
            }
            Acked::Restart(stream) => state.restart(stream),
        }
        let gone = state.out_head().wrapping_sub(head);
        self.commit(place, &state).await.map_err(Error::Storage)?;
        for index in (0..gone).map(|i| head.wrapping_add(i)) {
            let part = self.load_head(place, index).await?;
            let key = keys::contact(place, keys::out(index));
            self.storage.remove(key).await.map_err(Error::Storage)?;
            if part.fragment + 1 == part.fragments {
                delivered(MessageId(part.message));
            }
        }
        Ok(())
    }

    async fn load_head(&mut self, place: usize, index: u32) -> Result<Head, Error<S::Error>> {
        let mut item = [0; PART_HEADER];
        let key = keys::contact(place, keys::out(index));
        let there = self.storage.load(key, &mut item).await.map_err(Error::Storage)?;
        let head = there.and_then(|_| Head::read(&item)).ok_or(Error::Damaged)?;
        Ok(head.0)
    }

    /// A contact's part, whose bytes come to the start of `buffer`, and how many these are.
    pub(super) async fn load_part(
        &mut self,
        place: usize,
        index: u16,
        buffer: &mut [u8],
    ) -> Result<(Head, usize), Error<S::Error>> {
        let key = keys::contact(place, index);
        let len = self.storage.load(key, buffer).await.map_err(Error::Storage)?;
        let len = len.ok_or(Error::Damaged)?;
        if len > buffer.len() {
            let (needed, given) = (len, buffer.len());
            return Err(Error::TooSmall { what: "buffer for a part", needed, given });
        }
        let (head, _, len) = Head::take_out(buffer, len).ok_or(Error::Damaged)?;
        Ok((head, len))
    }
}
