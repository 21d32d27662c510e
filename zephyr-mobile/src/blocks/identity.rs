//! Addresses, their points and mailboxes.

use zephyr_blst::Blst;
use zephyr_core::{Address, Identity};

use super::{ProtocolError, address, network, wrong};
use crate::error::ZephyrError;

/// An address's two points on the curve.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct IdentityPoints {
    /// In G1, compressed: 48 bytes.
    pub q1: Vec<u8>,
    /// In G2, compressed: 96 bytes.
    pub q2: Vec<u8>,
}

/// The one spelling by which an address is known, for a text as people write it.
///
/// # Errors
/// `InvalidAddress`.
#[uniffi::export]
pub fn canonical_address(text: String) -> Result<String, ZephyrError> {
    Ok(Address::parse(&text)?.as_str().to_owned())
}

/// Whether a text is an address in its canonical spelling.
#[uniffi::export]
pub fn is_canonical_address(text: String) -> bool {
    Address::from_canonical(&text).is_some()
}

/// The mailbox of a canonical address, in the network with the id `network_id`, 32 bytes, that has so many `mailboxes`.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn address_mailbox(
    address: String,
    network_id: Vec<u8>,
    mailboxes: u32,
) -> Result<u32, ProtocolError> {
    if mailboxes == 0 {
        return Err(wrong("the number of mailboxes", "there is at least one"));
    }
    Ok(self::address("the address", &address)?.mailbox(&network(&network_id)?, mailboxes).0)
}

/// The points of a canonical address in the network with the id `network_id`, 32 bytes.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn identity_points(
    address: String,
    network_id: Vec<u8>,
) -> Result<IdentityPoints, ProtocolError> {
    let address = self::address("the address", &address)?;
    let (q1, q2) = Identity::<Blst>::new(&network(&network_id)?, address).points();
    Ok(IdentityPoints { q1: q1.to_vec(), q2: q2.to_vec() })
}
