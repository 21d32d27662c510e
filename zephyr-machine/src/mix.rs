//! The work of one mix phase: peel, drop, add noise, shuffle.

use std::collections::{BTreeMap, HashSet};

use rand_core::CryptoRng;
use zephyr_core::{
    Cover, DirectoryHash, Geometry, Hedge, Hop, Mailbox, Mixer, MixerIndex, Next, Parameters,
    PeelError, Routes, Suite, Wrap, message_digest, shuffle, wrap,
};

use super::batch::{Batch, Gathered};
use super::loops::{LoopPacket, most_loops};
use super::noise::Noise;

/// Below so many packets one thread does it all.
const PARALLEL_FROM: usize = 64;

type Peeled = Result<Next, PeelError>;

/// What a mixer knows of its round while it mixes.
pub struct Work<S: Suite> {
    /// Peels with the round's secret key.
    pub mixer: Mixer<S>,
    /// This mixer.
    pub me: MixerIndex,
    /// The round.
    pub directory: DirectoryHash,
    /// The routes of the round.
    pub routes: Routes,
    /// All mixers of the round with their keys.
    pub hops: Vec<Hop>,
    /// The network's parameters.
    pub parameters: Parameters,
    /// The mailbox to which the mixer's noise serves as [loop packets](super::loops). Nobody else knows which.
    pub watched: Mailbox,
    /// Last, since fields are dropped in order: wipes behind the key, whoever drops the work.
    pub wipe: WipeOnDrop,
}

/// Wipes the stack when it is dropped, see [`wipe_stack`].
#[derive(Debug, Default)]
pub struct WipeOnDrop;

impl Drop for WipeOnDrop {
    fn drop(&mut self) {
        wipe_stack();
    }
}

/// The result of a phase.
#[derive(Debug, Default)]
pub struct Mixed {
    /// What goes to which mixer.
    pub packets: BTreeMap<MixerIndex, Batch>,
    /// What goes to which mailbox.
    pub messages: BTreeMap<Mailbox, Batch>,
    /// The packets that were dropped, by who sent them: `None` for clients. Whoever sent none of them is missing.
    pub bad: BTreeMap<Option<MixerIndex>, BadPackets>,
    /// How many packets or messages of its own the mixer added.
    pub noise: usize,
    /// Those of them that must come back.
    pub loops: Vec<LoopPacket>,
}

impl Mixed {
    /// How many packets were dropped.
    pub fn dropped(&self) -> usize {
        self.bad.values().map(BadPackets::sum).sum()
    }
}

/// How many packets were dropped, and why.
///
/// They came from a mixer, but need not be its work: who makes a packet can make it fail at any mixer on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BadPackets {
    /// Not authentic for this mixer, round and position.
    pub forged: usize,
    /// Seen before in this round.
    pub replayed: usize,
    /// On a way that the round does not have.
    pub misrouted: usize,
}

impl BadPackets {
    /// All of them.
    pub fn sum(&self) -> usize {
        self.forged + self.replayed + self.misrouted
    }
}

/// A packet or message of the mixer's own.
struct Own {
    next: Next,
    bytes: Vec<u8>,
    /// What is to come back, if it goes to the watched mailbox over other mixers.
    looped: Option<LoopPacket>,
}

impl<S: Suite> Work<S>
where
    Mixer<S>: Sync,
{
    /// Mixes `batch` in phase `phase`. `seen` keeps the ephemeral keys of the whole round.
    pub fn run(
        &self,
        phase: usize,
        batch: impl Into<Gathered>,
        seen: &mut HashSet<[u8; 32]>,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Mixed {
        let mut batch = batch.into();
        let keys: Vec<_> = batch.packets().iter().map(Mixer::<S>::ephemeral_key).collect();
        let next = self.peel_all(phase, batch.packets_mut());
        let mut mixed = Mixed::default();
        let (mut good, mut own) = (Vec::with_capacity(next.len()), self.noise(phase, rng, hedge));
        for (i, from) in batch.senders().enumerate() {
            let mut drop = |kind: fn(&mut BadPackets) -> &mut usize| {
                *kind(mixed.bad.entry(from).or_default()) += 1;
            };
            match next[i] {
                Err(PeelError::Routing) => drop(|bad| &mut bad.misrouted),
                Err(_) => drop(|bad| &mut bad.forged),
                Ok(next) if !self.allowed(phase, next) => drop(|bad| &mut bad.misrouted),
                // What is not authentic must not enter the replay set: else anybody could have a packet dropped by
                // sending a broken one under its key.
                Ok(_) if !keys[i].is_some_and(|key| seen.insert(key)) => {
                    drop(|bad| &mut bad.replayed)
                }
                Ok(next) => good.push((next, i)),
            }
        }
        mixed.noise = own.len();
        let looped = own.iter_mut().filter_map(|own| own.looped.take());
        mixed.loops = looped.take(most_loops(&self.parameters)).collect();

        // Own packets and others' are shuffled together.
        let packets = batch.packets();
        let others =
            good.iter().map(|&(next, i)| (next, packets.get(i).expect("as many as were peeled")));
        let mut places: Vec<(Next, &[u8])> =
            others.chain(own.iter().map(|own| (own.next, own.bytes.as_slice()))).collect();
        shuffle(&mut places, rng);
        for (next, bytes) in places {
            self.put(&mut mixed, next, bytes);
        }
        // Every successor gets a batch, be it empty: that is what completes its phase.
        for successor in self.routes.successors(phase, self.me) {
            mixed
                .packets
                .entry(successor)
                .or_insert_with(|| Batch::new(self.geometry().packet_len()));
        }
        mixed
    }

    fn geometry(&self) -> Geometry {
        self.parameters.geometry
    }

    fn put(&self, mixed: &mut Mixed, next: Next, bytes: &[u8]) {
        let geometry = self.geometry();
        match next {
            Next::Mixer(mixer) => {
                let batch = mixed.packets.entry(mixer);
                batch.or_insert_with(|| Batch::new(geometry.packet_len())).push(bytes);
            }
            Next::Mailbox(mailbox) => {
                let len = geometry.sealed_len();
                let batch = mixed.messages.entry(mailbox);
                batch.or_insert_with(|| Batch::new(len)).push(&bytes[..len]);
            }
        }
    }

    fn allowed(&self, phase: usize, next: Next) -> bool {
        match next {
            Next::Mixer(mixer) => self.routes.successors(phase, self.me).contains(&mixer),
            Next::Mailbox(mailbox) => mailbox.0 < self.parameters.mailboxes,
        }
    }

    /// Peels every packet in place, on all cores if there are many.
    fn peel_all(&self, phase: usize, batch: &mut Batch) -> Vec<Peeled> {
        let position = self.routes.first_position() + phase;
        let len = batch.item_len();
        let peel = |part: &mut [u8]| -> Vec<Peeled> {
            let peeled = self.peel_part(position, len, part);
            wipe_stack();
            peeled
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        if batch.len() < PARALLEL_FROM || threads == 1 {
            return batch.parts_mut(1).flat_map(peel).collect();
        }
        std::thread::scope(|scope| {
            let peel = &peel;
            let workers: Vec<_> =
                batch.parts_mut(threads).map(|part| scope.spawn(move || peel(part))).collect();
            workers.into_iter().flat_map(|w| w.join().expect("peeling does not panic")).collect()
        })
    }

    #[inline(never)] // so that its frame can be wiped behind it
    fn peel_part(&self, position: usize, len: usize, part: &mut [u8]) -> Vec<Peeled> {
        part.chunks_exact_mut(len).map(|packet| self.mixer.peel(position, packet)).collect()
    }

    /// Noise for every mailbox, and cover until it is as much as the network's smallest batch.
    fn noise(&self, phase: usize, rng: &mut impl CryptoRng, hedge: &mut Hedge) -> Vec<Own> {
        let noise = Noise::of(&self.parameters);
        let mailboxes = self.parameters.mailboxes;
        let mut own = Vec::new();
        for mailbox in 0..mailboxes {
            for _ in 0..noise.draw(rng) {
                own.extend(self.cover(phase, Mailbox(mailbox), rng, hedge));
            }
        }
        // Never with what came in: that may all be an adversary's.
        while own.len() < self.parameters.min_batch as usize {
            let mailbox = Mailbox((rng.next_u64() % u64::from(mailboxes)) as u32);
            match self.cover(phase, mailbox, rng, hedge) {
                Some(cover) => own.push(cover),
                None => break,
            }
        }
        own
    }

    /// A fresh cover message to `mailbox`, wrapped for the hops behind this mixer. `None` only if a mixer of the
    /// round has a key of low order.
    fn cover(
        &self,
        phase: usize,
        mailbox: Mailbox,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Option<Own> {
        let geometry = self.geometry();
        let mut sealed = vec![0; geometry.sealed_len()];
        Cover::fill::<S::Pairing>(&mut sealed, rng);
        let route = self.routes.pick_after(phase, self.me, rng);
        let Some(&first) = route.first() else {
            return Some(Own { next: Next::Mailbox(mailbox), bytes: sealed, looped: None });
        };
        let hops: Option<Vec<Hop>> = route
            .iter()
            .map(|mixer| self.hops.iter().find(|hop| hop.mixer == *mixer).copied())
            .collect();
        let mut packet = vec![0; geometry.packet_len()];
        let to = Wrap { geometry, directory: &self.directory, route: &hops?, mailbox };
        wrap::<S>(to, &sealed, &mut packet, rng, hedge)?;
        let message = (mailbox == self.watched).then(|| message_digest(&sealed));
        let looped = message.map(|message| LoopPacket { message, route });
        Some(Own { next: Next::Mixer(first), bytes: packet, looped })
    }
}

/// Overwrites the stack below the caller, where functions that have returned may have left copies of a secret:
/// moving a value copies it, and erasing the value erases only its last place.
#[inline(never)]
pub fn wipe_stack() {
    const DEPTH: usize = 64 * 1024;
    std::hint::black_box(&mut [0u8; DEPTH]);
}
