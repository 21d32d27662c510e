//! Randomness that stays unpredictable when the generator fails.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hash::{Label, kdf};

/// Draws randomness as H(generator ‖ long-term secret ‖ counter ‖ purpose): a generator that repeats itself or
/// is known to an adversary still gives values that differ and that only the secret's owner can compute.
///
/// `counter` must never repeat over the life of `secret`; callers that lose it on a restart start it from the
/// time.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Hedge {
    secret: [u8; 32],
    counter: u64,
}

impl Hedge {
    /// A source around the long-term `secret`, counting from `counter`.
    pub fn new(secret: [u8; 32], counter: u64) -> Self {
        Self { secret, counter }
    }

    /// `N` bytes (at most 8,160), bound to `purpose`.
    pub fn draw<const N: usize>(
        &mut self,
        rng: &mut impl CryptoRng,
        purpose: &[&[u8]],
    ) -> Zeroizing<[u8; N]> {
        let mut input = Zeroizing::new([0; 72]);
        rng.fill_bytes(&mut input[..32]);
        input[32..64].copy_from_slice(&self.secret);
        input[64..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter += 1;
        kdf(Label::HEDGE, input.as_ref(), purpose)
    }
}
