//! Which mixers a packet visits, in which order.

use core::convert::Infallible;

use heapless::Vec;
use rand_core::{Rng, TryRng};

use crate::crypto::hash::{Label, hash};
use crate::crypto::secretbox::Keystream;
use crate::geometry::{Geometry, MAX_HOPS};
use crate::ids::{DirectoryHash, MixerIndex};

/// The most mixers that a manifest can list.
pub const MAX_MIXERS: usize = 64;

/// The three kinds of routes that a manifest can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteMode {
    /// One permutation a round: every packet meets every other at every mixer. The default.
    Round = 0,
    /// Each packet takes one of the rotations of the round's permutation: n times the throughput, 1/n of the
    /// anonymity set.
    Rotations = 1,
    /// Each packet takes a permutation of its own, as in the Zephyr paper. For comparison: packets that do not
    /// meet at the honest mixer in the same phase do not hide each other.
    Free = 2,
}

impl RouteMode {
    /// From its number in a manifest.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Round),
            1 => Some(Self::Rotations),
            2 => Some(Self::Free),
            _ => None,
        }
    }
}

/// A packet's route: its mixers in order.
pub type Route = Vec<MixerIndex, MAX_HOPS>;

/// The routes of one round.
///
/// Phases count from 0 to [`len`](Self::len)`- 1`; phase k works on packets at position
/// [`first_position`](Self::first_position)` + k`.
#[derive(Clone, Debug)]
pub struct Routes {
    mode: RouteMode,
    order: Vec<MixerIndex, MAX_MIXERS>,
    len: usize,
    first_position: usize,
}

impl Routes {
    /// The routes over `mixers`, those of the directory in its order. With more mixers than hops a route is a
    /// sample of them, with fewer it has fewer hops.
    ///
    /// The round's permutation is one Fisher-Yates shuffle of `mixers` (see [`shuffle`]) with the XSalsa20
    /// keystream under key `hash(ROUTE, directory)` and a zero nonce, read as 32-bit big-endian numbers.
    /// `None` without mixers or with more than [`MAX_MIXERS`].
    pub fn new(
        mode: RouteMode,
        geometry: Geometry,
        directory: &DirectoryHash,
        mixers: impl IntoIterator<Item = MixerIndex>,
    ) -> Option<Self> {
        let mut order = Vec::new();
        for mixer in mixers {
            order.push(mixer).ok()?;
        }
        if order.is_empty() {
            return None;
        }
        shuffle(&mut order, &mut KeystreamRng::new(directory));
        let len = order.len().min(geometry.hops());
        Some(Self { mode, order, len, first_position: geometry.hops() - len })
    }

    /// How many mixers a route has.
    #[allow(clippy::len_without_is_empty)] // a route is never empty
    pub fn len(&self) -> usize {
        self.len
    }

    /// The packet's position at the first mixer of a route.
    pub fn first_position(&self) -> usize {
        self.first_position
    }

    /// A packet's route. Only `rotations` and `free` draw from `rng`.
    pub fn pick(&self, rng: &mut impl Rng) -> Route {
        match self.mode {
            RouteMode::Round => self.rotation(0),
            RouteMode::Rotations => self.rotation(below(self.order.len(), rng)),
            RouteMode::Free => {
                let mut order = self.order.clone();
                shuffle(&mut order, rng);
                order.into_iter().take(self.len).collect()
            }
        }
    }

    /// A route from `mixer` in phase `phase` onwards, without `mixer` itself: for the noise that it adds.
    pub fn pick_after(&self, phase: usize, mixer: MixerIndex, rng: &mut impl Rng) -> Route {
        match self.mode {
            RouteMode::Free => {
                let mut others: Vec<_, MAX_MIXERS> =
                    self.order.iter().copied().filter(|&m| m != mixer).collect();
                shuffle(&mut others, rng);
                others.into_iter().take(self.len.saturating_sub(1 + phase)).collect()
            }
            _ => {
                let place = self.place(mixer).unwrap_or(0);
                (phase + 1..self.len).map(|k| self.at(place + k - phase)).collect()
            }
        }
    }

    /// Whether `mixer` works in phase `phase`.
    pub fn works(&self, phase: usize, mixer: MixerIndex) -> bool {
        phase < self.len
            && match self.mode {
                RouteMode::Round => self.order[phase] == mixer,
                _ => self.place(mixer).is_some(),
            }
    }

    /// From which mixers `mixer` takes a batch in phase `phase`; nobody in phase 0, when clients submit.
    pub fn predecessors(&self, phase: usize, mixer: MixerIndex) -> Vec<MixerIndex, MAX_MIXERS> {
        if phase == 0 || !self.works(phase, mixer) {
            return Vec::new();
        }
        self.neighbours(mixer, self.order.len() - 1)
    }

    /// To which mixers `mixer` sends a batch at the end of phase `phase`; nobody in the last, when it delivers.
    pub fn successors(&self, phase: usize, mixer: MixerIndex) -> Vec<MixerIndex, MAX_MIXERS> {
        if phase + 1 >= self.len || !self.works(phase, mixer) {
            return Vec::new();
        }
        self.neighbours(mixer, 1)
    }

    /// The mixers that take packets from clients.
    pub fn entries(&self) -> Vec<MixerIndex, MAX_MIXERS> {
        self.order.iter().copied().filter(|&m| self.works(0, m)).collect()
    }

    /// The mixers that deliver to mailboxes.
    pub fn exits(&self) -> Vec<MixerIndex, MAX_MIXERS> {
        self.order.iter().copied().filter(|&m| self.works(self.len - 1, m)).collect()
    }

    fn neighbours(&self, mixer: MixerIndex, distance: usize) -> Vec<MixerIndex, MAX_MIXERS> {
        match (self.mode, self.place(mixer)) {
            (RouteMode::Free, _) => self.order.iter().copied().filter(|&m| m != mixer).collect(),
            (_, Some(place)) => core::iter::once(self.at(place + distance)).collect(),
            (_, None) => Vec::new(),
        }
    }

    fn place(&self, mixer: MixerIndex) -> Option<usize> {
        self.order.iter().position(|&m| m == mixer)
    }

    fn at(&self, place: usize) -> MixerIndex {
        self.order[place % self.order.len()]
    }

    fn rotation(&self, start: usize) -> Route {
        (start..start + self.len).map(|place| self.at(place)).collect()
    }
}

/// How many packets, itself included, a packet hides among on average, if all but one of `mixers` are corrupted,
/// every route visits all of them, and `packets` are sent.
///
/// In `free` routes two packets hide each other only if they come to the honest mixer in the same phase from the
/// same set of mixers: the sum over phases k of 1/n² · 1/C(n-1, k) for each other packet.
pub fn expected_anonymity_set(mode: RouteMode, mixers: usize, packets: u64) -> f64 {
    let (n, others) = (mixers.max(1) as f64, packets.saturating_sub(1) as f64);
    let share = match mode {
        RouteMode::Round => 1.0,
        RouteMode::Rotations => 1.0 / n,
        RouteMode::Free => {
            let mut binomial = 1.0;
            let mut sum = 0.0;
            for k in 0..mixers.max(1) {
                sum += 1.0 / binomial;
                binomial *= (n - 1.0 - k as f64) / (k as f64 + 1.0);
            }
            sum / (n * n)
        }
    };
    1.0 + others * share
}

/// Fisher-Yates: for i from the last index down to 1, swaps i with a uniform index in 0..=i.
pub fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    shuffle_with(items.len(), rng, |i, j| items.swap(i, j));
}

/// The same for `len` items that `swap` swaps by their indices.
pub fn shuffle_with(len: usize, rng: &mut impl Rng, mut swap: impl FnMut(usize, usize)) {
    for i in (1..len).rev() {
        swap(i, below(i + 1, rng));
    }
}

/// A uniform number below `bound` (at least 1): 32-bit draws, those in the last incomplete range rejected.
fn below(bound: usize, rng: &mut impl Rng) -> usize {
    let bound = bound as u32;
    let limit = u32::MAX - (u32::MAX % bound + 1) % bound;
    loop {
        let draw = rng.next_u32();
        if draw <= limit {
            return (draw % bound) as usize;
        }
    }
}

/// A keystream read as random numbers, the same for everybody in the round.
struct KeystreamRng(Keystream);

impl KeystreamRng {
    fn new(directory: &DirectoryHash) -> Self {
        Self(Keystream::new(&hash(Label::ROUTE, &[directory.as_bytes()]), &[0; 24]))
    }
}

impl TryRng for KeystreamRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.apply(&mut bytes);
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.apply(&mut bytes);
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(0);
        self.0.apply(out);
        Ok(())
    }
}
