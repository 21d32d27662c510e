//! Chance, all of it from one seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A generator for `what` of the seed: what one part draws does not change what another one does.
pub(super) fn dice(seed: u64, what: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(what);
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// What can be asked of a generator.
pub(super) trait Dice {
    /// A number below `bound`, 0 if that is 0.
    fn below(&mut self, bound: u64) -> u64;
    /// A number from `from` up to and with `to`.
    fn between(&mut self, from: u64, to: u64) -> u64;
    /// Whether something happens that does so in `permille` of a thousand cases.
    fn happens(&mut self, permille: u32) -> bool;
    /// One of several.
    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T;
}

impl<R: Rng> Dice for R {
    fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    fn happens(&mut self, permille: u32) -> bool {
        permille > 0 && self.below(1_000) < permille.into()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
