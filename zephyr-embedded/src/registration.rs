//! Registration with a PKG: what the application sees of it.

use core::fmt;

use zephyr_core::wire::{Fingerprint, PkgRefusal};
use zephyr_core::{ServerId, UnixMs};

use crate::error::Error;
use crate::event::Failure;

/// How far the registration with a PKG has come, as far as this client knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registration {
    /// Nothing was asked for.
    #[default]
    None,
    /// A code was asked for.
    CodeSent,
    /// The address is registered to this client's key.
    Registered,
    /// This client's key replaces another one later, unless that one vetoes.
    Waiting {
        /// When.
        until: UnixMs,
    },
}

/// A PKG, and the key that this client has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkg {
    /// Its place among the manifest's PKGs.
    pub index: usize,
    /// Its identity.
    pub id: ServerId,
    /// Its name for people: the first 64 bytes of it.
    pub name: heapless::String<64>,
    /// Names the client's key: the PKG's mail must show the same.
    pub fingerprint: Fingerprint,
}

/// Why a PKG did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationError<E> {
    /// The network has no PKG with this index.
    NoSuchPkg,
    /// No answer came.
    Unreachable(Failure),
    /// It refused.
    Refused(PkgRefusal),
    /// The answer could not be written down. Ask again.
    Storage(Error<E>),
}

impl<E: fmt::Debug> fmt::Display for RegistrationError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPkg => f.write_str("the network has no such PKG"),
            Self::Unreachable(why) => write!(f, "the PKG could not be asked: {why}"),
            Self::Refused(why) => why.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for RegistrationError<E> {}
