//! A home in memory for the tests of this level.

use std::path::Path;

use ::zephyr_client::{Network, Store};
use zephyr_core::Address;

use crate::abi::Failure;

/// Alice's, in a network whose servers don't exist.
pub(super) async fn home() -> Result<Store, Failure> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/network.toml");
    let network = Network::load(file)?;
    let address = Address::parse("alice@example.org").expect("an address");
    Ok(Store::in_memory(&address, &network).await?)
}
