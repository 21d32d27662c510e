//! What a mixer adds of its own.

use rand_core::CryptoRng;
use zephyr_core::{
    Cover, Hedge, Hop, Mailbox, MixerIndex, Next, Suite, Wrap, message_digest, wrap,
};

use super::Work;
use crate::batch::Batch;
use crate::loops::{LoopPacket, most_loops};
use crate::noise::Noise;

/// Packets or messages of the mixer's own.
pub(super) struct Own {
    /// Each in the place of a packet, be it shorter.
    pub(super) packets: Batch,
    pub(super) next: Vec<Next>,
    /// What is to come back: some of those to the watched mailbox over other mixers.
    pub(super) loops: Vec<LoopPacket>,
    /// A packet that this mixer can peel; `None` if what it mixes is not sent on while it is being peeled.
    pub(super) decoy: Option<Vec<u8>>,
    /// The last message and its packet.
    sealed: Vec<u8>,
    packet: Vec<u8>,
}

impl<S: Suite> Work<S> {
    /// Noise for every mailbox, and cover until it is as much as the network's smallest batch.
    pub(super) fn noise(&self, phase: usize, rng: &mut impl CryptoRng, hedge: &mut Hedge) -> Own {
        let noise = Noise::of(&self.parameters);
        let (geometry, mailboxes) = (self.parameters.geometry, self.parameters.mailboxes);
        let mut own = Own {
            packets: Batch::new(geometry.packet_len()),
            next: Vec::new(),
            loops: Vec::new(),
            decoy: None,
            sealed: vec![0; geometry.sealed_len()],
            packet: vec![0; geometry.packet_len()],
        };
        for mailbox in 0..mailboxes {
            for _ in 0..noise.draw(rng) {
                let _ = self.cover(phase, Mailbox(mailbox), &mut own, rng, hedge);
            }
        }
        // Never with what came in: that may all be an adversary's.
        while own.next.len() < self.parameters.min_batch as usize {
            let mailbox = Mailbox((rng.next_u64() % u64::from(mailboxes)) as u32);
            if self.cover(phase, mailbox, &mut own, rng, hedge).is_none() {
                break;
            }
        }
        own.decoy = self.decoy(phase, &mut own.packet, rng, hedge);
        own
    }

    /// A packet as it comes from others. `None` in the last phase.
    fn decoy(
        &self,
        phase: usize,
        packet: &mut [u8],
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Option<Vec<u8>> {
        let route = self.routes.pick_after(phase, self.me, rng);
        if route.is_empty() {
            return None;
        }
        let mut sealed = vec![0; self.parameters.geometry.sealed_len()];
        rng.fill_bytes(&mut sealed);
        let route = std::iter::once(self.me).chain(route);
        self.wrap(route, Mailbox(0), &sealed, packet, rng, hedge)?;
        Some(packet.to_vec())
    }

    fn wrap(
        &self,
        route: impl IntoIterator<Item = MixerIndex>,
        mailbox: Mailbox,
        sealed: &[u8],
        packet: &mut [u8],
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Option<()> {
        let hop = |mixer| self.hops.iter().find(|hop| hop.mixer == mixer).copied();
        let hops: Option<Vec<Hop>> = route.into_iter().map(hop).collect();
        let geometry = self.parameters.geometry;
        let to = Wrap { geometry, directory: &self.directory, route: &hops?, mailbox };
        wrap::<S>(to, sealed, packet, rng, hedge)
    }

    /// Adds a fresh cover message to `mailbox`, wrapped for the hops behind this mixer. `None` only if a mixer of the
    /// round has a key of low order.
    fn cover(
        &self,
        phase: usize,
        mailbox: Mailbox,
        own: &mut Own,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Option<()> {
        Cover::fill::<S::Pairing>(&mut own.sealed, rng);
        let route = self.routes.pick_after(phase, self.me, rng);
        let Some(&first) = route.first() else {
            own.packets.push_zeros()[..own.sealed.len()].copy_from_slice(&own.sealed);
            own.next.push(Next::Mailbox(mailbox));
            return Some(());
        };
        let to = route.iter().copied();
        self.wrap(to, mailbox, &own.sealed, &mut own.packet, rng, hedge)?;
        own.packets.push(&own.packet);
        own.next.push(Next::Mixer(first));
        if mailbox == self.watched && own.loops.len() < most_loops(&self.parameters) {
            own.loops.push(LoopPacket { message: message_digest(&own.sealed), route });
        }
        Some(())
    }
}
