//! The protocol's building blocks, without a client: what `docs/vectors` checks.

mod directory;
mod identity;
mod onion;
mod seal;

pub use directory::{
    DirectoryInfo, ManifestInfo, verify_delivery_list, verify_directory, verify_manifest,
    verify_mixer_announcement, verify_pkg_announcement, verify_signed_manifest,
};
pub use identity::{
    IdentityPoints, address_mailbox, canonical_address, identity_points, is_canonical_address,
};
pub use onion::{Peeled, mixer_order, peel_packet};
pub use seal::{RoundKeys, incoming_tag, open_sealed, open_sealed_from, outgoing_tag};

use std::fmt::{Debug, Display};

use zephyr_core::{Address, NetworkId};

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// An argument can't be one: it has a wrong length, or is out of range.
    #[error("{argument} is wrong: {wanted}")]
    Argument {
        /// Which.
        argument: String,
        /// What it should be.
        wanted: String,
    },
    /// The bytes are refused.
    #[error("{reason}")]
    Refused {
        /// The name of the reason in `docs/vectors`, such as `Malformed`.
        problem: String,
        /// A sentence about it.
        reason: String,
    },
}

#[uniffi::export]
impl ProtocolError {
    /// A sentence for people, in English.
    pub fn sentence(&self) -> String {
        self.to_string()
    }
}

fn refused(error: impl Debug + Display) -> ProtocolError {
    ProtocolError::Refused { problem: format!("{error:?}"), reason: error.to_string() }
}

fn wrong(argument: &str, wanted: impl Into<String>) -> ProtocolError {
    ProtocolError::Argument { argument: argument.to_owned(), wanted: wanted.into() }
}

fn array<const N: usize>(argument: &str, bytes: &[u8]) -> Result<[u8; N], ProtocolError> {
    bytes.try_into().map_err(|_| wrong(argument, format!("it must have {N} bytes")))
}

fn address(argument: &str, text: &str) -> Result<Address, ProtocolError> {
    Address::from_canonical(text).ok_or_else(|| wrong(argument, "it must be a canonical address"))
}

fn network(bytes: &[u8]) -> Result<NetworkId, ProtocolError> {
    Ok(NetworkId::from_bytes(array("the network's id", bytes)?))
}

#[cfg(test)]
mod tests;
