//! One request to one server, and its answer.

use serde::Serialize;
use zephyr_blst::Native;
use zephyr_core::wire::{Bytes, PkgBinding, encode};
use zephyr_core::{Address, NetworkId, ServerEntry, Signature, Suite};
use zeroize::Zeroizing;

use crate::transport::{ConnectError, Connection, ConnectionError, Timeouts};

/// The longest request in bytes: an address, a key and a signature.
const REQUEST: usize = 512;

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no connection to it.
    #[error("no connection to {name}: {error}")]
    Connect {
        /// The server's name.
        name: String,
        /// Why.
        #[source]
        error: ConnectError,
    },
    /// The connection broke.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// It answered something that is no answer to this.
    #[error("the server's answer makes no sense: use the same version as the network")]
    Unexpected,
}

/// Signs requests to one PKG on one connection.
pub(crate) struct Signer<'s> {
    pub(crate) binding: PkgBinding<'s>,
    pub(crate) address: &'s Address,
    pub(crate) seed: &'s Zeroizing<[u8; 32]>,
}

impl Signer<'_> {
    pub(crate) fn sign(&self, digest: [u8; 32]) -> Bytes<64> {
        Bytes(<Native as Suite>::Signature::sign(self.seed, &digest))
    }
}

pub(crate) async fn connect(
    entry: &ServerEntry<'_>,
    network: &NetworkId,
    timeouts: Timeouts,
) -> Result<Connection, RequestError> {
    Connection::connect(entry.client_address, &entry.link_key, network, timeouts)
        .await
        .map_err(|error| RequestError::Connect { name: entry.name.into(), error })
}

/// Sends a request, and gives the answer's bytes.
pub(crate) async fn request(
    connection: &mut Connection,
    message: &impl Serialize,
) -> Result<Zeroizing<Vec<u8>>, RequestError> {
    let mut buffer = Zeroizing::new([0; REQUEST]);
    let bytes = encode(message, &mut *buffer).expect("the longest request fits");
    connection.send(bytes).await?;
    Ok(Zeroizing::new(connection.recv().await?.to_vec()))
}
