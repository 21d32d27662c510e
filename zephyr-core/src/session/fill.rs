//! Packing what the outbox has, or cover, into a slot's packet: the contact's key, sealing, wrapping, each a step.

use rand_core::CryptoRng;

use crate::crypto::suite::Suite;
use crate::geometry::MAX_HOPS;
use crate::identity::Address;
use crate::ids::{Mailbox, Round, UnixMs};
use crate::onion::{SEALED_OFFSET, Wrap, wrap_in_place};
use crate::seal::{Cover, Payload, PayloadHeader, SEAL_OVERHEAD, Sealer, SenderTag};

use super::Session;
use super::event::{Action, Draft};
use super::outgoing::{Slot, Unwrapped};

impl<S: Suite> Session<'_, S> {
    /// Asks for what goes into the next slot, whose contact's key is there; or fills it with cover. With the
    /// [computations](Session::compute) the same number of steps whatever the caller has for the slots.
    #[inline(never)]
    pub(super) fn next_fill(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        let (round, slot) = self.slot_to_fill(now)?;
        let outgoing = self.outgoing.as_mut()?;
        let holder = self.contacts.holder(round, slot).filter(|_| outgoing.may_write());
        outgoing.slots[usize::from(slot)] = Slot::Asked(holder.map(|(id, _)| id));
        let Some((_, contact)) = holder else {
            self.fill(round, slot, None, rng);
            return Some(Action::Continue);
        };
        Some(Action::Fill { round, slot, contact: contact.clone() })
    }

    /// The next slot that is empty, once it is time.
    fn slot_to_fill(&mut self, now: UnixMs) -> Option<(Round, u8)> {
        let outgoing = self.outgoing.as_mut()?;
        if outgoing.agreed.is_none() || now < outgoing.fill_at() {
            return None;
        }
        let slot = outgoing.slots.iter().position(|s| *s == Slot::Empty)?;
        outgoing.fills(now);
        Some((outgoing.round(), slot as u8))
    }

    /// Computes the key to the contact that holds the next slot. `false` if it is there, or none is needed.
    #[inline(never)]
    pub(super) fn compute_slot_key(&mut self, now: UnixMs) -> bool {
        let Some((round, slot)) = self.slot_to_fill(now) else { return false };
        let Some(outgoing) = self.outgoing.as_ref().filter(|o| o.may_write()) else { return false };
        let holder = self.contacts.holder(round, slot).map(|(id, _)| id);
        let Some((id, key)) = holder.zip(outgoing.extraction.key()) else { return false };
        self.contacts.compute_own_key(id, self.own.address(), key)
    }

    /// Packs the slot of an [`Action::Fill`], at once: with the fragment or acknowledgement in `draft` (one pairing
    /// and two multiplications), or with cover if there is none (one multiplication). `false` if the slot isn't
    /// waiting for it any more, the fragment does not fit or the contact is gone: the slot then carries cover, and an
    /// [`Event::SlotFailed`](super::Event::SlotFailed) does not follow.
    #[inline(never)]
    pub fn fill(
        &mut self,
        round: Round,
        slot: u8,
        draft: Option<Draft<'_>>,
        rng: &mut impl CryptoRng,
    ) -> bool {
        // Of a caller that was asked for several slots before it filled one.
        self.wrap_sealed(rng);
        let parameters = *self.manifest.parameters();
        let geometry = parameters.geometry;
        let index = usize::from(slot);
        let Some(outgoing) = self.outgoing.as_mut().filter(|o| o.round() == round) else {
            return false;
        };
        let (Some(agreed), Some(Slot::Asked(holder))) =
            (&outgoing.agreed, outgoing.slots.get(index))
        else {
            return false;
        };
        let packet = &mut self.packets[index * geometry.packet_len()..][..geometry.packet_len()];
        let sealed = &mut packet[SEALED_OFFSET..SEALED_OFFSET + geometry.sealed_len()];

        // The contact that the caller was asked for: by now the slot may be somebody else's.
        let recipient = holder.and_then(|contact| self.contacts.recipient(contact));
        // Before anything is drawn that depends on what the slot carries.
        let route = agreed.routes.pick(rng);
        let recipient = recipient.filter(|_| outgoing.may_write());
        let message = draft.zip(recipient).and_then(|(draft, (to, key))| {
            draft.write(self.own.address(), slot, &mut sealed[SEAL_OVERHEAD..])?;
            let tag = SenderTag::Slot(key, slot.into());
            Sealer::new(&agreed.context).seal(to, tag, sealed, rng, &mut self.hedge);
            Some(to.address().mailbox(self.manifest.network(), parameters.mailboxes))
        });
        let mailbox = message.unwrap_or_else(|| {
            Cover::fill::<S::Pairing>(sealed, rng);
            let mailbox = Mailbox((rng.next_u64() % u64::from(parameters.mailboxes)) as u32);
            if mailbox == self.mailbox {
                outgoing.loops.add(slot, sealed, &route);
            }
            mailbox
        });
        outgoing.slots[index] = Slot::Sealed;
        outgoing.unwrapped = Some(Unwrapped { slot, route, mailbox });
        message.is_some() || draft.is_none()
    }

    /// Wraps the message that was sealed last (two X25519 a hop). `false` if there is none.
    #[inline(never)]
    pub(super) fn wrap_sealed(&mut self, rng: &mut impl CryptoRng) -> bool {
        let Some(outgoing) = &mut self.outgoing else { return false };
        let Some(Unwrapped { slot, route, mailbox }) = outgoing.unwrapped.take() else {
            return false;
        };
        let Some(agreed) = &outgoing.agreed else { return false };
        let mixers = &self.hops[..agreed.hops];
        let mut hops = heapless::Vec::<_, MAX_HOPS>::new();
        for mixer in &route {
            let hop = mixers.iter().find(|hop| hop.mixer == *mixer).expect("routes are over hops");
            hops.push(*hop).expect("a route has at most as many hops as a packet");
        }
        let geometry = self.manifest.parameters().geometry;
        let index = usize::from(slot);
        let packet = &mut self.packets[index * geometry.packet_len()..][..geometry.packet_len()];
        let directory = agreed.context.directory();
        let to = Wrap { geometry, directory, route: &hops, mailbox };
        // Fails only for a mixer whose key is of low order; its round can carry nothing.
        outgoing.slots[index] = match wrap_in_place::<S>(to, packet, rng, &mut self.hedge) {
            Some(()) => Slot::Packed(route[0]),
            None => Slot::Refused,
        };
        true
    }
}

impl Draft<'_> {
    /// Writes the payload that it is to be.
    #[inline(never)]
    fn write(&self, sender: &Address, slot: u8, out: &mut [u8]) -> Option<()> {
        let header = PayloadHeader {
            sender: Some(sender.clone()),
            content: self.content,
            slot: slot.into(),
            message: self.message,
            stream: self.stream,
            sequence: self.sequence,
            ack_stream: self.ack_stream,
            ack: self.ack,
            fragment: self.fragment,
            fragments: self.fragments,
        };
        Payload { header, body: self.body }.encode(out).ok()
    }
}
