//! One request to one server, and its answer.

use zephyr_core::{NetworkId, ServerEntry};
use zeroize::Zeroizing;

use crate::transport::{ConnectError, Connection, ConnectionError, Timeouts};

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

pub(crate) async fn connect(
    entry: &ServerEntry<'_>,
    network: &NetworkId,
    timeouts: Timeouts,
) -> Result<Connection, RequestError> {
    Connection::connect(entry.client_address, &entry.link_key, network, timeouts)
        .await
        .map_err(|error| RequestError::Connect { name: entry.name.into(), error })
}

/// Sends a request, and gives the answer.
pub(crate) async fn exchange(
    connection: &mut Connection,
    request: &[u8],
) -> Result<Zeroizing<Vec<u8>>, RequestError> {
    connection.send(request).await?;
    Ok(Zeroizing::new(connection.recv().await?.to_vec()))
}
