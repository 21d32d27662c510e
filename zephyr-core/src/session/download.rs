//! Reading a mailbox.

use crate::crypto::suite::Suite;
use crate::directory::Role;
use crate::ids::Round;
use crate::mailbox::ListPart;
use crate::seal::{Opened, Opener, OwnMessage, Sealed};
use crate::wire::{DownloadRefusal, MailboxReply, decode};

use super::Session;
use super::contact::Hit;
use super::event::{Event, Reaction};
use super::incoming::{Download, List};

impl<S: Suite> Session<'_, S> {
    pub(super) fn incoming_place(&self, round: Round) -> Option<usize> {
        self.incoming.iter().position(|i| i.as_ref().is_some_and(|i| i.round() == round))
    }

    #[inline(never)]
    pub(super) fn handle_download<'f>(
        &mut self,
        round: Round,
        frame: &'f mut [u8],
    ) -> Option<Reaction<'f>> {
        let place = self.incoming_place(round)?;
        let incoming = self.incoming[place].as_mut()?;
        let Download { list, own, .. } = &incoming.download;
        if own.is_some() || list.as_ref().is_some_and(|list| list.left > 0) {
            return self.handle_message(place, frame);
        }
        self.handle_reply(place, frame)
    }

    /// Handles what comes between the messages.
    #[inline(never)]
    fn handle_reply<'f>(&mut self, place: usize, frame: &[u8]) -> Option<Reaction<'f>> {
        self.end_list(place)?;
        let incoming = self.incoming[place].as_mut()?;
        let (round, download) = (incoming.round(), &mut incoming.download);
        match decode(frame).ok()? {
            MailboxReply::Start { .. } if !download.started => download.started = true,
            MailboxReply::List { mixer, messages, signature } if download.started => {
                // Whoever opens messages of contacts only sees by their authenticators whether the rest is genuine.
                let hashes =
                    if self.contacts_only { ListPart::heads() } else { ListPart::digests() };
                download.list =
                    Some(List { mixer, left: messages, hashes, signature: signature.0 });
            }
            MailboxReply::End if download.started => {
                let complete = download.lists.includes(incoming.exits);
                if download.altered || !complete {
                    // Another server may show the mailbox as it is.
                    self.event(Event::MailboxAltered { round });
                    return None;
                }
                incoming.done = true;
                let (messages, opened) = (download.messages, incoming.opened);
                self.event(Event::Scanned { round, messages, opened });
                self.report_loops(place, round);
                return Some(Reaction::Close);
            }
            MailboxReply::Refused(why) => {
                incoming.gone |= why == DownloadRefusal::Gone;
                return None;
            }
            _ => return None,
        }
        Some(Reaction::Wait)
    }

    /// The mailbox is what the mixers delivered: what is not in it they have lost.
    fn report_loops(&mut self, place: usize, round: Round) {
        let Some(incoming) = &mut self.incoming[place] else { return };
        let loops = core::mem::take(&mut incoming.loops);
        let (sent, returned) = (loops.len(), incoming.download.returned);
        if sent == 0 {
            return;
        }
        self.event(Event::Loops { round, sent, returned: returned.count_ones() as u8 });
        for route in loops.lost(returned) {
            self.event(Event::LoopLost { round, route });
        }
    }

    /// Checks the signature of the list that has been received whole.
    #[inline(never)]
    fn end_list(&mut self, place: usize) -> Option<()> {
        let incoming = self.incoming[place].as_mut()?;
        let Some(list) = incoming.download.list.take() else { return Some(()) };
        let server = self.manifest.server(Role::Mixer, list.mixer.0.into());
        let directory = incoming.id.directory();
        let genuine = incoming.exits.contains(list.mixer)
            && !incoming.download.lists.contains(list.mixer)
            && server.is_some_and(|server| {
                let (mixer, signature) = (list.mixer, &list.signature);
                list.hashes.verify::<S>(&server.id, directory, mixer, self.mailbox, signature)
            });
        if genuine {
            incoming.download.lists.insert(list.mixer);
        } else {
            incoming.download.altered = true;
        }
        Some(())
    }

    fn handle_message<'f>(&mut self, place: usize, message: &'f mut [u8]) -> Option<Reaction<'f>> {
        if message.len() != self.manifest.parameters().geometry.sealed_len() {
            return None;
        }
        let own = self.incoming[place].as_mut()?.download.own.take();
        let opened = match own {
            Some(own) => self.open_own(place, &own, message),
            None if self.count_message(place, message)? => None,
            None => match self.open(place, message)? {
                Tried::Done(opened) => opened,
                Tried::Own(own) => {
                    self.incoming[place].as_mut()?.download.own = Some(own);
                    return Some(Reaction::Again);
                }
            },
        };
        let Some(Opened { payload }) = opened else { return Some(Reaction::Wait) };
        let incoming = self.incoming[place].as_mut()?;
        incoming.opened = incoming.opened.saturating_add(1);
        Some(Reaction::Received { round: incoming.round(), payload })
    }

    /// Adds the message to those of its list. Whether it is one of the client's loop packets.
    fn count_message(&mut self, place: usize, message: &[u8]) -> Option<bool> {
        let incoming = self.incoming[place].as_mut()?;
        let download = &mut incoming.download;
        let list = download.list.as_mut()?;
        list.left -= 1;
        list.hashes.push(message);
        download.messages = download.messages.saturating_add(1);
        let bit = incoming.loops.find(message);
        download.returned |= bit.unwrap_or(0);
        Some(bit.is_some())
    }

    /// Looks the tag up, else tries the user's key: one pairing, if any.
    #[inline(never)]
    fn open<'m>(&mut self, place: usize, message: &'m mut [u8]) -> Option<Tried<'m>> {
        let incoming = self.incoming[place].as_ref()?;
        let Some(key) = &incoming.key else { return Some(Tried::Done(None)) };
        let opener = Opener::in_round(&incoming.id, self.own.address(), key);
        let tag = Sealed::new(message)?.tag();
        Some(match self.contacts.look_up(place, &tag) {
            Some(hit) if hit.used => Tried::Done(None),
            Some(Hit { entry, sender, key, slot, .. }) => {
                let opened = opener.open_from(sender, key, slot, message);
                if opened.is_some() {
                    self.contacts.mark_used(entry);
                }
                Tried::Done(opened)
            }
            None if self.contacts_only || self.strangers.iter().any(|known| *known == tag) => {
                Tried::Done(None)
            }
            None => opener.try_open(message).map_or(Tried::Done(None), Tried::Own),
        })
    }

    /// Opens a message that bears no contact's tag and is the user's.
    #[inline(never)]
    fn open_own<'m>(
        &mut self,
        place: usize,
        own: &OwnMessage,
        message: &'m mut [u8],
    ) -> Option<Opened<'m>> {
        let incoming = self.incoming[place].as_mut()?;
        let opener = Opener::in_round(&incoming.id, self.own.address(), incoming.key.as_ref()?);
        let tag = Sealed::new(message)?.tag();
        let opened = opener.open_own(own, message)?;
        let sender = opened.payload.header.sender.as_ref();
        // If the contact's tags of all slots are in the table, this one is of no slot.
        if sender.is_some_and(|sender| self.contacts.has_tags(place, sender)) {
            return None;
        }
        if self.strangers.is_full() {
            self.strangers.pop_front();
        }
        let _ = self.strangers.push_back(tag);
        Some(opened)
    }
}

/// What came of a message.
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
enum Tried<'m> {
    Done(Option<Opened<'m>>),
    /// It is the user's, from no contact: to be [opened](Session::open_own) in a step of its own.
    Own(OwnMessage),
}
