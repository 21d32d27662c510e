//! Messages that came: in fragments, until the user has them.

use zephyr_core::stream::Arrival;
use zephyr_core::{Content, Payload, Round};

use crate::error::Error;
use crate::storage::Storage;

use super::part::{Head, Part};
use super::state::{Contact, State};
use super::{Home, MessageId, keys};

/// The part that the user was shown and has not taken.
#[derive(Clone, Copy)]
pub(super) enum Showing {
    Contact { place: usize, index: u32, head: Head },
    Stranger,
}

impl Showing {
    pub(super) fn is_of(&self, contact: usize) -> bool {
        matches!(self, Self::Contact { place, .. } if *place == contact)
    }
}

impl<S: Storage> Home<'_, S> {
    /// Keeps what came; `delivered` gets the messages whose last fragment is acknowledged. Whether it was kept: if
    /// there is no room, it comes again.
    pub(crate) async fn receive(
        &mut self,
        round: Round,
        payload: &Payload<'_>,
        delivered: impl FnMut(MessageId),
    ) -> Result<bool, Error<S::Error>> {
        let header = &payload.header;
        let place = header.sender.as_ref().and_then(|sender| self.place(sender));
        let Some(place) = place else { return self.receive_stranger(payload).await };
        self.acknowledged(place, round, header, delivered).await?;
        if header.content == Content::Empty {
            return Ok(true);
        }
        self.begin(place, payload).await?;
        self.arrive(place, payload).await
    }

    /// If the contact has begun a new stream: what came early of the last one is forgotten, before anything of the new
    /// one takes its place.
    async fn begin(&mut self, place: usize, payload: &Payload<'_>) -> Result<(), Error<S::Error>> {
        let Some(mut state) = self.state(place).cloned() else { return Ok(()) };
        let (before, tail) = (state.keys(), state.in_tail());
        if !state.conversation.begun(&payload.header) {
            return Ok(());
        }
        state.begin(tail);
        let gone = before & !state.keys();
        self.commit(place, &state).await.map_err(Error::Storage)?;
        self.erase(place, gone).await
    }

    async fn arrive(
        &mut self,
        place: usize,
        payload: &Payload<'_>,
    ) -> Result<bool, Error<S::Error>> {
        let header = &payload.header;
        let Some(mut state) = self.state(place).cloned() else { return Ok(true) };
        let head = Head {
            content: header.content,
            message: header.message,
            fragment: header.fragment,
            fragments: header.fragments,
        };
        // Its place, if it is of the known stream and new.
        let index = state.in_index(header.sequence);
        let (stream, ack) = state.conversation.receiving().ack();
        let ahead = header.stream == stream && header.sequence > ack;
        let item = head.write(0);
        let item = [item.bytes(), payload.body];
        let fits = index.wrapping_sub(state.in_head()) < self.limits.inbox
            && item.iter().map(|slice| slice.len()).sum::<usize>() <= self.storage.longest();
        if ahead && !fits {
            return Ok(false);
        }
        match state.conversation.arrived(header) {
            Some(Arrival::New) => {
                let key = keys::contact(place, keys::inbox(index));
                self.storage.save(key, &item).await.map_err(Error::Storage)?;
                self.commit(place, &state).await.map_err(Error::Storage)?;
            }
            // An acknowledgement is owed, which after a reset it is anyway.
            _ => self.keep(place, &state),
        }
        Ok(true)
    }

    /// The first part that waits for the user; `buffer` has room for a payload.
    pub(crate) async fn next_part(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<Option<Part>, Error<S::Error>> {
        for i in 0..self.contacts.len() {
            let place = (self.turn + i) % self.contacts.len();
            if let Some(part) = self.contact_part(place, buffer).await? {
                self.turn = place;
                return Ok(Some(part));
            }
        }
        let part = self.stranger_part(buffer).await?;
        self.showing = part.as_ref().map(|_| Showing::Stranger);
        Ok(part)
    }

    async fn contact_part(
        &mut self,
        place: usize,
        buffer: &mut [u8],
    ) -> Result<Option<Part>, Error<S::Error>> {
        while let Some(index) = self.state(place).filter(|s| s.in_len() > 0).map(State::in_head) {
            let (head, len) = self.load_part(place, keys::inbox(index), buffer).await?;
            let Some(Contact { address, state }) = &self.contacts[place] else { break };
            if state.was_shown(&head) || self.strangers.has_seen(Some(address), &head) {
                self.advance(place, None).await?;
            } else if state.is_ready(&head, self.limits.inbox) {
                self.showing = Some(Showing::Contact { place, index, head });
                return Ok(Some(head.part(Some(address.clone()), len)));
            } else {
                break;
            }
        }
        Ok(None)
    }

    /// The user has the part that was shown: it is erased.
    pub(crate) async fn taken(&mut self) -> Result<(), Error<S::Error>> {
        match self.showing.take() {
            Some(Showing::Contact { place, index, head })
                if self.state(place).is_some_and(|state| state.in_head() == index) =>
            {
                if head.fragment + 1 == head.fragments {
                    self.turn = (place + 1) % self.contacts.len();
                }
                self.advance(place, Some(&head)).await
            }
            Some(Showing::Stranger) => self.stranger_taken().await,
            _ => Ok(()),
        }
    }

    /// The contact's first part is no more, `shown` or left out.
    async fn advance(&mut self, place: usize, shown: Option<&Head>) -> Result<(), Error<S::Error>> {
        let Some(mut state) = self.state(place).cloned() else { return Ok(()) };
        let key = keys::contact(place, keys::inbox(state.in_head()));
        state.advance(shown);
        self.commit(place, &state).await.map_err(Error::Storage)?;
        self.storage.remove(key).await.map_err(Error::Storage)
    }
}
