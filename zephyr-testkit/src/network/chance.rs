//! What happens by chance: a function of the seed and of what it is about, not of the order in which it is asked.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The source of all chance of one network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// 32 bytes for `what`, number `which`.
    pub(crate) fn bytes(self, what: &str, which: &[u64]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update([what.len() as u8]);
        hash.update(what);
        which.iter().for_each(|n| hash.update(n.to_be_bytes()));
        hash.finalize().into()
    }

    /// A number for `what`.
    pub(crate) fn number(self, what: &str, which: &[u64]) -> u64 {
        let bytes = self.bytes(what, which);
        u64::from_be_bytes(*bytes.first_chunk().expect("32 bytes are more than 8"))
    }

    /// A number below `bound`; 0 if the bound is 0.
    pub(crate) fn below(self, bound: u64, what: &str, which: &[u64]) -> u64 {
        self.number(what, which).checked_rem(bound).unwrap_or(0)
    }

    /// Whether something happens that does so in `permille` of a thousand cases.
    pub(crate) fn happens(self, permille: u32, what: &str, which: &[u64]) -> bool {
        permille > 0 && self.below(1_000, what, which) < permille.into()
    }

    pub(crate) fn rng(self, what: &str, which: &[u64]) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.bytes(what, which))
    }
}
