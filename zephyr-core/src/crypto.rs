//! The primitives and the traits through which the rest of the crate reaches them.

pub(crate) mod hash;
pub(crate) mod hedge;
pub(crate) mod pairing;
pub(crate) mod portable;
pub(crate) mod secretbox;
pub(crate) mod suite;
