//! Batches: a header and any number of items of one size, with an end that makes them complete (`/zephyr/batch/1`, a
//! stream of its own for each batch).
//!
//! | from | bytes |
//! | --- | --- |
//! | sender | length of the header (u32), length of an item (u32), header |
//! | receiver | `1`: go on. A receiver with too many batches closes the stream instead; the sender tries again |
//! | sender | any number of blocks, each a count (u16, at least 1) and so many items; then a count of 0, the end |
//! | receiver | length of the acknowledgement (u16), acknowledgement |
//!
//! Numbers are big-endian. That nothing was changed, and who sent it, is known from the connection, which
//! authenticates every byte; what it means is for the caller to check. A stream that is cut short lacks the end.

mod reader;
mod writer;

use std::future::Future;
use std::io;
use std::time::Duration;

use futures::AsyncReadExt;
use libp2p::{Stream, StreamProtocol};

pub use reader::BatchReader;
pub use writer::BatchWriter;

/// The longest header of a batch, in bytes.
pub const MAX_HEADER_LEN: usize = 4 * 1024;
/// The longest item of a batch, in bytes.
pub const MAX_ITEM_LEN: usize = 64 * 1024;
/// The longest acknowledgement, in bytes.
pub const MAX_ACK_LEN: usize = 1024;

pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/zephyr/batch/1");
/// A sender's blocks have about so many bytes, or one item.
const BLOCK_BYTES: usize = 64 * 1024;
const GO: u8 = 1;

/// Why a batch did not get through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A header, item size or acknowledgement is out of its bounds, or an item has another size than announced.
    #[error(
        "The batch does not have the form announced: header at most 4 KiB, items of one size of 1 byte to 64 KiB, acknowledgement at most 1 KiB."
    )]
    Form,
    /// The server is not in the list, or is this one.
    #[error("The server is not one of the other servers of this network.")]
    UnknownPeer,
    /// No connection came about, or the receiver took no batch in time.
    #[error("The server could not be reached, or took no batch, in time.")]
    Unreachable,
    /// The other side made no progress for the time set in the configuration.
    #[error("The other server stalled in the middle of a batch.")]
    Stalled,
    /// The stream ended early: cut off, refused by the receiver, or shut down.
    #[error("The stream of the batch broke off.")]
    Lost(#[source] io::Error),
    /// It was acknowledged before its end was reached.
    #[error("The batch cannot be acknowledged before all of it has been read.")]
    Unfinished,
    /// This server's network has been shut down.
    #[error("This server's network has been shut down.")]
    Stopped,
}

fn preamble(header_len: usize, item_len: usize) -> Option<[u8; 8]> {
    if header_len > MAX_HEADER_LEN || !(1..=MAX_ITEM_LEN).contains(&item_len) {
        return None;
    }
    let mut preamble = [0; 8];
    preamble[..4].copy_from_slice(&(header_len as u32).to_be_bytes());
    preamble[4..].copy_from_slice(&(item_len as u32).to_be_bytes());
    Some(preamble)
}

/// Bounds one step of a batch: its failure or its taking too long becomes a [`BatchError`].
async fn step<T>(
    stall: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, BatchError> {
    match tokio::time::timeout(stall, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(BatchError::Lost(error)),
        Err(_) => Err(BatchError::Stalled),
    }
}

/// What an incoming batch says of itself before its items.
pub(super) struct Opening {
    pub(super) header: Vec<u8>,
    pub(super) item_len: usize,
    pub(super) reader: BatchReader,
}

/// Reads the opening of an incoming batch. `guard` is kept until the batch is done with.
pub(super) async fn open(
    mut stream: Stream,
    stall: Duration,
    guard: impl Send + Sync + 'static,
) -> Result<Opening, BatchError> {
    let mut lengths = [0; 8];
    step(stall, stream.read_exact(&mut lengths)).await?;
    let number = |at: usize| {
        u32::from_be_bytes([lengths[at], lengths[at + 1], lengths[at + 2], lengths[at + 3]])
            as usize
    };
    let (header_len, item_len) = (number(0), number(4));
    preamble(header_len, item_len).ok_or(BatchError::Form)?;
    let mut header = vec![0; header_len];
    step(stall, stream.read_exact(&mut header)).await?;
    let reader = BatchReader::new(stream, stall, item_len, Box::new(guard));
    Ok(Opening { header, item_len, reader })
}
