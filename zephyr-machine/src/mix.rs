//! The work of one mix phase: add noise, shuffle, peel, drop.
//!
//! The order in which packets go on is drawn first, and they are peeled in that order: so the first are on their way
//! while later ones are still being peeled. Nobody learns anything from that: all batches of the phase have come
//! whole before the order is drawn, it does not depend on where packets came from, and every packet takes as long, be
//! it somebody's or the mixer's own. (A packet that is dropped takes less. Who made it knows that anyway.)

mod cores;
mod cover;
mod mixture;
mod peel;
mod pool;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rand_core::CryptoRng;
use zephyr_core::{
    DirectoryHash, Hop, Mailbox, Mixer, MixerIndex, Next, Parameters, PeelError, Routes, Suite,
};

use super::batch::{Gathered, per_piece};
use super::loops::LoopPacket;
pub use cover::{NoiseMaker, PhaseNoise};
pub use mixture::{Broken, Messages, Packets};
use mixture::{Filling, Piece};
use peel::Peeled;
use pool::{Origin, Pool};

/// What a mixer knows of its round besides its key: enough to make packets, not to peel them.
pub struct Outline {
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
}

/// What a mixer knows of its round while it mixes.
pub struct Work<S: Suite> {
    /// Peels with the round's secret key.
    pub mixer: Mixer<S>,
    /// All the rest.
    pub outline: Arc<Outline>,
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
    /// What goes to which mixer: to every successor something, be it nothing, since that is what completes its phase.
    pub packets: BTreeMap<MixerIndex, Packets>,
    /// What goes to which mailbox.
    pub messages: BTreeMap<Mailbox, Messages>,
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

    fn add(&mut self, other: Self) {
        self.forged += other.forged;
        self.replayed += other.replayed;
        self.misrouted += other.misrouted;
    }
}

/// A phase that is shuffled and not yet peeled.
pub struct Mixing {
    phase: usize,
    pool: Pool,
    decoy: Option<Vec<u8>>,
    filling: Filling,
    mixed: Mixed,
}

impl<S: Suite> Work<S>
where
    Mixer<S>: Sync,
{
    /// Mixes `batch` in the phase of `noise`: [`begin`](Self::begin) and [`Mixing::finish`].
    pub fn run(
        &self,
        batch: impl Into<Gathered>,
        noise: PhaseNoise,
        seen: &mut HashSet<[u8; 32]>,
        rng: &mut impl CryptoRng,
    ) -> Mixed {
        self.begin(batch, noise, rng).finish(self, seen)
    }

    /// Adds `noise` to the `batch` of its phase and shuffles it: own packets and others' together. What was not made
    /// of the noise before is made now, on all cores.
    ///
    /// # Panics
    /// If the noise is another round's.
    pub fn begin(
        &self,
        batch: impl Into<Gathered>,
        noise: PhaseNoise,
        rng: &mut impl CryptoRng,
    ) -> Mixing {
        assert!(noise.is_of(&self.outline), "a round is mixed with noise of its own");
        let (mut pool, phase) = (Pool::new(batch.into()), noise.phase());
        let own = noise.finish::<S>(cores::all());
        let mut mixed = Mixed { noise: own.len(), loops: own.loops, ..Mixed::default() };
        for piece in own.pieces {
            pool.add(piece.bytes, piece.next.into_iter().map(Origin::Own));
        }
        pool.shuffle(rng);
        let filling = Filling::new(pool.item_len, pool.pieces.len());
        for successor in self.outline.routes.successors(phase, self.outline.me) {
            mixed.packets.insert(successor, filling.packets(successor));
        }
        Mixing { phase, pool, decoy: own.decoy, filling, mixed }
    }

    fn allowed(&self, phase: usize, next: Next) -> bool {
        let Outline { me, routes, parameters, .. } = &*self.outline;
        match next {
            Next::Mixer(mixer) => routes.successors(phase, *me).contains(&mixer),
            Next::Mailbox(mailbox) => mailbox.0 < parameters.mailboxes,
        }
    }

    /// Where a peeled packet goes; `None` and a note if it is dropped.
    fn judge(
        &self,
        phase: usize,
        peeled: &Peeled,
        seen: &mut HashSet<[u8; 32]>,
        bad: &mut BadPackets,
    ) -> Option<Next> {
        match peeled.next {
            Err(PeelError::Routing) => bad.misrouted += 1,
            Err(_) => bad.forged += 1,
            Ok(next) if !self.allowed(phase, next) => bad.misrouted += 1,
            // What is not authentic must not enter the replay set: else anybody could have a packet dropped by
            // sending a broken one under its key.
            Ok(_) if !seen.insert(peeled.key) => bad.replayed += 1,
            Ok(next) => return Some(next),
        }
        None
    }
}

impl Mixing {
    /// What will go to which mixer: to be sent on as it gets peeled.
    pub fn packets(&self) -> &BTreeMap<MixerIndex, Packets> {
        &self.mixed.packets
    }

    /// Peels everything in its new order. `seen` keeps the ephemeral keys of the whole round.
    pub fn finish<S: Suite>(self, work: &Work<S>, seen: &mut HashSet<[u8; 32]>) -> Mixed
    where
        Mixer<S>: Sync,
    {
        let Self { phase, pool, decoy, mut filling, mut mixed } = self;
        let mut messages: BTreeMap<Mailbox, Vec<u32>> = BTreeMap::new();
        let (mut pieces, stride) = (0, per_piece(pool.item_len) as u32);
        seen.reserve(pool.origins.len());
        work.peel_all(phase, pool, decoy.as_deref(), |bytes, origins, peeled| {
            let mut peeled = peeled.iter();
            let next: Vec<_> = origins
                .iter()
                .map(|origin| match origin {
                    Origin::Own(next) => Some(*next),
                    Origin::Sender(from) => {
                        let (peeled, mut bad) = (peeled.next()?, BadPackets::default());
                        let next = work.judge(phase, peeled, seen, &mut bad);
                        if next.is_none() {
                            mixed.bad.entry(*from).or_default().add(bad);
                        }
                        next
                    }
                })
                .collect();
            for (place, next) in (pieces * stride..).zip(&next) {
                if let Some(Next::Mailbox(mailbox)) = next {
                    messages.entry(*mailbox).or_default().push(place);
                }
            }
            pieces += 1;
            filling.put(Piece { bytes, next });
        });
        let len = work.outline.parameters.geometry.sealed_len();
        let messages = messages.into_iter();
        mixed.messages = messages.map(|(m, places)| (m, filling.messages(places, len))).collect();
        mixed
    }
}

/// Overwrites the stack below the caller, where functions that have returned may have left copies of a secret:
/// moving a value copies it, and erasing the value erases only its last place.
#[inline(never)]
pub fn wipe_stack() {
    const DEPTH: usize = 64 * 1024;
    std::hint::black_box(&mut [0u8; DEPTH]);
}
