//! Key agreement by multiplying exponents.

use zephyr_core::{DH_SIZE, Dh, Scalar};
use zeroize::Zeroizing;

use super::{Exponent, Keyed, digest};

impl Dh for Keyed {
    fn public(secret: &[u8; DH_SIZE]) -> [u8; DH_SIZE] {
        exponent(secret).to_bytes()
    }

    /// Refuses 0, which stands for the keys of low order, and what is no exponent.
    fn shared(secret: &[u8; DH_SIZE], public: &[u8; DH_SIZE]) -> Option<Zeroizing<[u8; DH_SIZE]>> {
        let public = Exponent::from_bytes(public).filter(|e| !e.is_zero())?;
        let product = exponent(secret).mul(public).value().to_be_bytes();
        Some(Zeroizing::new(digest("dh", &[&product])))
    }
}

fn exponent(secret: &[u8; DH_SIZE]) -> Exponent {
    let exponent = Exponent::reduce(secret);
    if exponent.is_zero() { Exponent::ONE } else { exponent }
}
