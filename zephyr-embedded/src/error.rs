//! Why a client can't go on.

use core::fmt;

use zephyr_core::ManifestError;

/// Why a client can't begin, or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The storage can't be read or written.
    Storage(E),
    /// What the storage holds is not what was written.
    Damaged,
    /// The manifest is none.
    Manifest(ManifestError),
    /// The storage belongs to another network than the manifest's.
    OtherNetwork,
    /// [`Resources`](crate::Resources) have too little room for this network.
    TooSmall {
        /// The parameter of `Resources`.
        what: &'static str,
        /// What it must be at least.
        needed: usize,
        /// What it is.
        given: usize,
    },
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => write!(f, "the storage can't be read or written: {error:?}"),
            Self::Damaged => {
                f.write_str("the storage is damaged: erase it, and register the address again")
            }
            Self::Manifest(error) => error.fmt(f),
            Self::OtherNetwork => {
                f.write_str("the storage belongs to another network: erase it or use another one")
            }
            Self::TooSmall { what, needed, given } => write!(
                f,
                "this network needs {what} = {needed} in the client's resources, which have {given}"
            ),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}
