//! Packing what the outbox has, or cover, into a slot's packet.

use rand_core::CryptoRng;

use crate::crypto::suite::Suite;
use crate::geometry::MAX_HOPS;
use crate::ids::{Mailbox, Round};
use crate::onion::{SEALED_OFFSET, Wrap, wrap_in_place};
use crate::seal::{Cover, Payload, PayloadHeader, SEAL_OVERHEAD, Sealer, SenderKey, SenderTag};

use super::Session;
use super::event::Draft;
use super::outgoing::Slot;

impl<S: Suite> Session<'_, S> {
    /// Packs the slot of an [`Action::Fill`](super::Action::Fill), at once: with the fragment or acknowledgement in
    /// `draft`, or with cover if there is none (two pairings and two X25519 a hop). `false` if the slot isn't waiting for it any more, the fragment
    /// does not fit or the contact is gone: the slot then carries cover, and an
    /// [`Event::SlotFailed`](super::Event::SlotFailed) does not follow.
    pub fn fill(
        &mut self,
        round: Round,
        slot: u8,
        draft: Option<Draft<'_>>,
        rng: &mut impl CryptoRng,
    ) -> bool {
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
        let recipient = holder.and_then(|contact| self.contacts.identity(contact));
        // Before anything is drawn that depends on what the slot carries.
        let route = agreed.routes.pick(rng);
        let key = outgoing.key.as_ref().filter(|_| !outgoing.split);
        let message = draft.zip(recipient).zip(key).and_then(|((draft, to), key)| {
            let payload = draft.payload(self.own.address(), slot);
            payload.encode(&mut sealed[SEAL_OVERHEAD..]).ok()?;
            let sender_key = SenderKey::to(self.own.address(), key, to);
            let tag = SenderTag::Slot(&sender_key, slot.into());
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

        let mut hops = heapless::Vec::<_, MAX_HOPS>::new();
        for mixer in &route {
            let hop =
                agreed.hops.iter().find(|hop| hop.mixer == *mixer).expect("routes are over hops");
            hops.push(*hop).expect("a route has at most as many hops as a packet");
        }
        let directory = agreed.context.directory();
        let to = Wrap { geometry, directory, route: &hops, mailbox };
        // Fails only for a mixer whose key is of low order; its round can carry nothing.
        outgoing.slots[index] = match wrap_in_place::<S>(to, packet, rng, &mut self.hedge) {
            Some(()) => Slot::Packed(route[0]),
            None => Slot::Refused,
        };
        message.is_some() || draft.is_none()
    }
}

impl<'a> Draft<'a> {
    fn payload(&self, sender: &crate::identity::Address, slot: u8) -> Payload<'a> {
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
        Payload { header, body: self.body }
    }
}
