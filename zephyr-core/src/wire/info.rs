//! Client and info-node.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Round, UnixMs};

/// What clients ask an info-node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InfoRequest {
    /// The node's time.
    Clock,
    /// The signed directory of a round.
    Directory(Round),
    /// The signed manifest of a version.
    Manifest(u32),
}

/// What an info-node answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InfoReply<'a> {
    /// The node's time.
    Clock(UnixMs),
    /// The directory with its signatures, as raw bytes.
    Directory(&'a [u8]),
    /// There is none, or not yet.
    NoDirectory(NoDirectory),
    /// The manifest of the version with its signatures, as raw bytes.
    Manifest(&'a [u8]),
    /// The version is not known, or the first, which has no signatures.
    NoManifest,
}

/// Why there is no directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NoDirectory {
    /// The mixers have not agreed yet: ask again.
    NotYet,
    /// The round is over, or its directory was never agreed on.
    Gone,
}

impl fmt::Display for NoDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYet => "the round's directory is not agreed on yet",
            Self::Gone => "the info-node has no directory of this round",
        })
    }
}
