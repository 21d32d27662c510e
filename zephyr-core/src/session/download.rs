//! Reading a mailbox.

use crate::crypto::suite::Suite;
use crate::directory::Role;
use crate::ids::Round;
use crate::mailbox::ListPart;
use crate::seal::{Opener, OwnMessage, Payload, Sealed};
use crate::wire::{DownloadRefusal, MailboxReply, decode};

use super::Session;
use super::event::{Event, Reaction};
use super::held::Entry;
use super::incoming::{Download, List};
use super::trial::Tried;

impl<S: Suite> Session<'_, S> {
    pub(super) fn incoming_place(&self, round: Round) -> Option<usize> {
        self.incoming.iter().position(|i| i.as_ref().is_some_and(|i| i.round() == round))
    }

    #[inline(never)]
    pub(super) fn handle_download<'f>(
        &mut self,
        round: Round,
        frame: &[u8],
        tried: Tried,
    ) -> Option<Reaction<'f>> {
        let place = self.incoming_place(round)?;
        let incoming = self.incoming[place].as_mut()?;
        if incoming.download.list.as_ref().is_some_and(|list| list.left > 0) {
            return self.handle_message(place, frame, tried);
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

    /// The mailbox is what the mixers delivered, and all that is the user's has been opened: what is not in it they have
    /// lost.
    pub(super) fn report_mailbox(&mut self, place: usize) {
        let Some(incoming) = &mut self.incoming[place] else { return };
        let (round, opened) = (incoming.round(), incoming.opened);
        let Download { messages, returned, .. } = incoming.download;
        let loops = core::mem::take(&mut incoming.loops);
        self.event(Event::Scanned { round, messages, opened });
        let sent = loops.len();
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

    /// Whether the message is the user's has been found out in the same time as for any other: the lengths of pauses
    /// would tell the server.
    fn handle_message<'f>(
        &mut self,
        place: usize,
        message: &[u8],
        Tried(own): Tried,
    ) -> Option<Reaction<'f>> {
        if message.len() != self.manifest.parameters().geometry.sealed_len() {
            return None;
        }
        self.count_message(place, message)?;
        if self.incoming[place].as_ref()?.key.is_none() {
            return Some(Reaction::Wait);
        }
        let tag = Sealed::new(message)?.tag();
        match self.contacts.look_up(place, &tag) {
            Some(hit) if hit.used => {}
            Some(_) => self.held.push(place, None, message),
            None => {
                let new = own.filter(|_| self.strangers.iter().all(|known| *known != tag));
                if let Some(own) = new {
                    self.held.push(place, Some(&own), message);
                }
            }
        }
        Some(Reaction::Wait)
    }

    /// Adds the message to those of its list, and looks whether it is one of the client's loop packets.
    fn count_message(&mut self, place: usize, message: &[u8]) -> Option<()> {
        let incoming = self.incoming[place].as_mut()?;
        let download = &mut incoming.download;
        let list = download.list.as_mut()?;
        list.left -= 1;
        list.hashes.push(message);
        download.messages = download.messages.saturating_add(1);
        download.returned |= incoming.loops.find(message).unwrap_or(0);
        Some(())
    }

    /// Carries out an [`Action::Open`](super::Action::Open): opens one of the messages that were set aside, with one
    /// pairing and two multiplications at most. `None` if it is nobody's who it seemed to be from.
    pub fn open(&mut self) -> Option<(Round, Payload<'_>)> {
        let own = self.check_held();
        self.read_held(own)
    }

    /// The digest of the message that is opened next, if it is genuine. What follows on the pairing here has frames of
    /// its own, so that the pairing stands on less of the stack.
    #[inline(never)]
    fn check_held(&self) -> Option<OwnMessage> {
        let Entry { place, own, message } = self.held.last()?;
        let incoming = self.incoming[place].as_ref()?;
        let opener = Opener::in_round(&incoming.id, self.own.address(), incoming.key.as_ref()?);
        let tag = Sealed::new(message)?.tag();
        match own {
            None => {
                let hit = self.contacts.look_up(place, &tag).filter(|hit| !hit.used)?;
                opener.try_open_from(hit.key, hit.slot, message)
            }
            Some(_) if self.strangers.iter().any(|known| *known == tag) => None,
            Some(own) => opener.is_genuine(&own, message).then_some(own),
        }
    }

    /// Takes the message out; reads it with its digest, if it is genuine.
    #[inline(never)]
    fn read_held(&mut self, digest: Option<OwnMessage>) -> Option<(Round, Payload<'_>)> {
        let Entry { place, own, message } = self.held.pop()?;
        let digest = digest?;
        let incoming = self.incoming[place].as_mut()?;
        let opener = Opener::in_round(&incoming.id, self.own.address(), incoming.key.as_ref()?);
        let tag = Sealed::new(message)?.tag();
        let opened = if own.is_none() {
            let hit = self.contacts.look_up(place, &tag)?;
            let opened = opener.open_own_from(&digest, hit.sender, hit.slot, message)?;
            let entry = hit.entry;
            self.contacts.mark_used(entry);
            opened
        } else {
            let opened = opener.open_own(&digest, message)?;
            let sender = opened.payload.header.sender.as_ref();
            // If the contact's tags of all slots are in the table, this one is of no slot.
            if sender.is_some_and(|sender| self.contacts.has_tags(place, sender)) {
                return None;
            }
            if self.strangers.is_full() {
                self.strangers.pop_front();
            }
            let _ = self.strangers.push_back(tag);
            opened
        };
        incoming.opened = incoming.opened.saturating_add(1);
        Some((incoming.round(), opened.payload))
    }
}
