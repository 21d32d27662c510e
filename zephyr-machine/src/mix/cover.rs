//! What a mixer adds of its own.
//!
//! What a phase's noise is follows from a seed that is drawn when the round's directory is agreed on: nothing that comes
//! in later has an influence on it. Making it takes long, but may be done before the phase begins, piece by piece and by
//! any number of threads: a piece follows from the seed and its number. What is missing when the phase begins is made
//! then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::{CryptoRng, Rng};
use zephyr_core::{
    Cover, Hedge, Hop, Mailbox, MixerIndex, Next, Parameters, Suite, Wrap, message_digest, wrap,
};
use zeroize::Zeroizing;

use super::{Outline, cores, wipe_stack};
use crate::batch::per_piece;
use crate::loops::{LoopPacket, most_loops};
use crate::noise::Noise;

/// The seed's streams of random numbers: a number each for what is drawn from it, and pieces from here on.
const COUNTS: u64 = 0;
const DECOY: u64 = 1;
const PIECES: u64 = 2;

/// The noise of one phase, made as far as somebody had time. It is used once; dropped, it is gone.
pub struct PhaseNoise(Arc<Shared>);

/// Makes a round's noise ahead, in the order of the phases. It keeps none of it: what is not wanted any more is made
/// no further.
#[derive(Clone, Default)]
pub struct NoiseMaker(Vec<Weak<Shared>>);

struct Shared {
    outline: Arc<Outline>,
    phase: usize,
    seed: Zeroizing<[u8; 64]>,
    /// Where each cover goes.
    mailboxes: Vec<Mailbox>,
    pieces: Mutex<Pieces>,
}

struct Pieces {
    /// How many of them somebody has begun to make.
    begun: usize,
    /// Empty when the phase has begun.
    made: Vec<Option<Piece>>,
}

/// Packets or messages of the mixer's own, as many as a piece of a batch has.
pub(super) struct Piece {
    /// Each in the place of a packet, be it shorter.
    pub(super) bytes: Vec<u8>,
    pub(super) next: Vec<Next>,
    loops: Vec<LoopPacket>,
}

/// All of a phase.
pub(super) struct Own {
    pub(super) pieces: Vec<Piece>,
    /// What is to come back: some of those to the watched mailbox over other mixers.
    pub(super) loops: Vec<LoopPacket>,
    /// A packet that this mixer can peel; `None` if what it mixes is not sent on while it is being peeled.
    pub(super) decoy: Option<Vec<u8>>,
}

impl Own {
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.next.len()).sum()
    }
}

impl PhaseNoise {
    /// Draws how much noise there is in phase `phase` and where it goes. Nothing of it is made yet.
    pub fn draw(
        outline: &Arc<Outline>,
        phase: usize,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Self {
        let seed = hedge.draw::<64>(rng, &[b"noise"]);
        let mailboxes = draw(&outline.parameters, &mut source(&seed, COUNTS).0);
        let pieces = mailboxes.len().div_ceil(outline.per_piece());
        let made = (0..pieces).map(|_| None).collect();
        let pieces = Mutex::new(Pieces { begun: 0, made });
        let outline = outline.clone();
        Self(Arc::new(Shared { outline, phase, seed, mailboxes, pieces }))
    }

    /// The phase.
    pub fn phase(&self) -> usize {
        self.0.phase
    }

    pub(super) fn is_of(&self, outline: &Arc<Outline>) -> bool {
        Arc::ptr_eq(&self.0.outline, outline)
    }

    /// Makes what is missing on so many threads, also what somebody else is just making: nobody is waited for.
    pub(super) fn finish<S: Suite>(self, threads: usize) -> Own {
        let shared = &self.0;
        let made = std::mem::take(&mut shared.pieces().made);
        let missing = made.iter().filter(|piece| piece.is_none()).count();
        let (mut pieces, mut loops) = (Vec::with_capacity(made.len()), Vec::new());
        let make = |(number, piece): (usize, Option<Piece>)| {
            piece.unwrap_or_else(|| shared.make::<S>(number))
        };
        let made = made.into_iter().enumerate();
        cores::in_order(threads.min(missing), made, make, |mut piece| {
            loops.append(&mut piece.loops);
            pieces.push(piece);
        });
        loops.truncate(most_loops(&shared.outline.parameters));
        let decoy = shared.decoy::<S>();
        wipe_stack();
        Own { pieces, loops, decoy }
    }
}

impl NoiseMaker {
    /// Makes these phases' noise.
    pub fn new<'a>(phases: impl IntoIterator<Item = &'a PhaseNoise>) -> Self {
        Self(phases.into_iter().map(|noise| Arc::downgrade(&noise.0)).collect())
    }

    /// Makes a piece, which takes some milliseconds; `false` if there is nothing left to do. Several threads may do so
    /// at a time.
    pub fn step<S: Suite>(&self) -> bool {
        let mut phases = self.0.iter().filter_map(Weak::upgrade);
        let next = phases.find_map(|shared| Some((shared.begin()?, shared)));
        let Some((number, shared)) = next else { return false };
        let piece = shared.make::<S>(number);
        wipe_stack();
        if let Some(slot) = shared.pieces().made.get_mut(number) {
            *slot = Some(piece);
        }
        true
    }
}

/// To which mailboxes covers go: noise for every one, and more until they are as many as the network's smallest batch.
fn draw(parameters: &Parameters, rng: &mut impl Rng) -> Vec<Mailbox> {
    let (noise, all) = (Noise::of(parameters), parameters.mailboxes);
    let mut mailboxes = Vec::new();
    for mailbox in 0..all {
        mailboxes.extend((0..noise.draw(rng)).map(|_| Mailbox(mailbox)));
    }
    // Never with what came in: that may all be an adversary's.
    while mailboxes.len() < parameters.min_batch as usize {
        mailboxes.push(Mailbox((rng.next_u64() % u64::from(all)) as u32));
    }
    mailboxes
}

/// One of the seed's independent streams.
fn source(seed: &[u8; 64], stream: u64) -> (ChaCha20Rng, Hedge) {
    let (mut key, mut secret) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    key.copy_from_slice(&seed[..32]);
    secret.copy_from_slice(&seed[32..]);
    let mut rng = ChaCha20Rng::from_seed(*key);
    rng.set_stream(stream);
    // No stream draws anywhere near so much.
    (rng, Hedge::new(*secret, stream << 32))
}

impl Shared {
    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a piece that nobody has begun yet.
    fn begin(&self) -> Option<usize> {
        let mut pieces = self.pieces();
        let number = pieces.begun;
        pieces.made.get(number)?;
        pieces.begun += 1;
        Some(number)
    }

    #[inline(never)] // so that its frame can be wiped behind it
    fn make<S: Suite>(&self, number: usize) -> Piece {
        let outline = &*self.outline;
        let (mut rng, mut hedge) = source(&self.seed, PIECES + number as u64);
        let (geometry, per_piece) = (outline.parameters.geometry, outline.per_piece());
        let mailboxes = self.mailboxes.iter().skip(number * per_piece).take(per_piece);
        let mut piece = Piece {
            bytes: Vec::with_capacity(mailboxes.len() * geometry.packet_len()),
            next: Vec::with_capacity(mailboxes.len()),
            loops: Vec::new(),
        };
        let mut sealed = vec![0; geometry.sealed_len()];
        for &mailbox in mailboxes {
            Cover::fill::<S::Pairing>(&mut sealed, &mut rng);
            outline.cover::<S>(self.phase, mailbox, &sealed, &mut piece, &mut rng, &mut hedge);
        }
        piece
    }

    /// A packet as it comes from others. `None` in the last phase.
    #[inline(never)]
    fn decoy<S: Suite>(&self) -> Option<Vec<u8>> {
        let outline = &*self.outline;
        let (mut rng, mut hedge) = source(&self.seed, DECOY);
        let route = outline.routes.pick_after(self.phase, outline.me, &mut rng);
        if route.is_empty() {
            return None;
        }
        let geometry = outline.parameters.geometry;
        let (mut sealed, mut packet) =
            (vec![0; geometry.sealed_len()], vec![0; geometry.packet_len()]);
        rng.fill_bytes(&mut sealed);
        let route = std::iter::once(outline.me).chain(route);
        outline.wrap::<S>(route, Mailbox(0), &sealed, &mut packet, &mut rng, &mut hedge)?;
        Some(packet)
    }
}

impl Outline {
    /// How many packets a piece has.
    fn per_piece(&self) -> usize {
        per_piece(self.parameters.geometry.packet_len())
    }

    fn wrap<S: Suite>(
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

    /// Adds the cover `sealed` to the piece, wrapped for the hops behind this mixer. That fails only if a mixer of the
    /// round has a key of low order.
    fn cover<S: Suite>(
        &self,
        phase: usize,
        mailbox: Mailbox,
        sealed: &[u8],
        piece: &mut Piece,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) {
        let start = piece.bytes.len();
        piece.bytes.resize(start + self.parameters.geometry.packet_len(), 0);
        let packet = &mut piece.bytes[start..];
        let route = self.routes.pick_after(phase, self.me, rng);
        let Some(&first) = route.first() else {
            packet[..sealed.len()].copy_from_slice(sealed);
            piece.next.push(Next::Mailbox(mailbox));
            return;
        };
        let to = route.iter().copied();
        if self.wrap::<S>(to, mailbox, sealed, packet, rng, hedge).is_none() {
            piece.bytes.truncate(start);
            return;
        }
        piece.next.push(Next::Mixer(first));
        if mailbox == self.watched {
            piece.loops.push(LoopPacket { message: message_digest(sealed), route });
        }
    }
}
