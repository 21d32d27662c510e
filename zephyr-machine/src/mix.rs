//! The work of one mix phase: peel, drop, add noise, shuffle.

use std::collections::{BTreeMap, HashSet};

use rand_core::CryptoRng;
use zephyr_core::{
    Cover, DirectoryHash, Geometry, Hedge, Hop, Mailbox, Mixer, MixerIndex, Next, Parameters,
    Routes, Suite, Wrap, shuffle, wrap,
};

use super::batch::Batch;
use super::noise::Noise;

/// Below so many packets one thread does it all.
const PARALLEL_FROM: usize = 64;

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
    /// How many packets were dropped: not authentic, seen before, or on a way that the round doesn't have.
    pub dropped: usize,
    /// How many packets or messages of its own the mixer added.
    pub noise: usize,
}

impl<S: Suite> Work<S>
where
    Mixer<S>: Sync,
{
    /// Mixes `batch` in phase `phase`. `seen` keeps the ephemeral keys of the whole round.
    pub fn run(
        &self,
        phase: usize,
        mut batch: Batch,
        seen: &mut HashSet<[u8; 32]>,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Mixed {
        let keys: Vec<_> = batch.iter().map(Mixer::<S>::ephemeral_key).collect();
        let next = self.peel_all(phase, &mut batch);
        // What is not authentic must not enter the replay set: else anybody could have a packet dropped by
        // sending a broken one under its key.
        let order: Vec<usize> = (0..batch.len())
            .filter(|&i| next[i].is_some_and(|next| self.allowed(phase, next)))
            .filter(|&i| keys[i].is_some_and(|key| seen.insert(key)))
            .collect();
        let mut mixed = Mixed { dropped: batch.len() - order.len(), ..Mixed::default() };
        let noise = self.noise(phase, rng, hedge);
        mixed.noise = noise.len();

        // Own packets and others' are shuffled together.
        let mut places: Vec<Result<usize, usize>> =
            order.into_iter().map(Ok).chain((0..noise.len()).map(Err)).collect();
        shuffle(&mut places, rng);
        for place in places {
            let (next, bytes): (Next, &[u8]) = match place {
                Ok(i) => (next[i].expect("only what was peeled"), batch.get(i).expect("an item")),
                Err(i) => (noise[i].0, &noise[i].1),
            };
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
    fn peel_all(&self, phase: usize, batch: &mut Batch) -> Vec<Option<Next>> {
        let position = self.routes.first_position() + phase;
        let len = batch.item_len();
        let peel = |part: &mut [u8]| -> Vec<Option<Next>> {
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
    fn peel_part(&self, position: usize, len: usize, part: &mut [u8]) -> Vec<Option<Next>> {
        part.chunks_exact_mut(len).map(|packet| self.mixer.peel(position, packet).ok()).collect()
    }

    /// Noise for every mailbox, and cover until it is as much as the network's smallest batch.
    fn noise(
        &self,
        phase: usize,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Vec<(Next, Vec<u8>)> {
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
    ) -> Option<(Next, Vec<u8>)> {
        let geometry = self.geometry();
        let mut sealed = vec![0; geometry.sealed_len()];
        Cover::fill::<S::Pairing>(&mut sealed, rng);
        let route = self.routes.pick_after(phase, self.me, rng);
        let Some(&first) = route.first() else { return Some((Next::Mailbox(mailbox), sealed)) };
        let hops: Option<Vec<Hop>> = route
            .iter()
            .map(|mixer| self.hops.iter().find(|hop| hop.mixer == *mixer).copied())
            .collect();
        let mut packet = vec![0; geometry.packet_len()];
        let to = Wrap { geometry, directory: &self.directory, route: &hops?, mailbox };
        wrap::<S>(to, &sealed, &mut packet, rng, hedge)?;
        Some((Next::Mixer(first), packet))
    }
}

/// Overwrites the stack below the caller, where functions that have returned may have left copies of a secret:
/// moving a value copies it, and erasing the value erases only its last place.
#[inline(never)]
pub fn wipe_stack() {
    const DEPTH: usize = 64 * 1024;
    std::hint::black_box(&mut [0u8; DEPTH]);
}
