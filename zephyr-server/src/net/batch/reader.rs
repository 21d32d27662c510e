//! The receiving side of a batch.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use futures::io::BufReader;
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;

use super::{BUFFER, BatchError, GO, HASH_LEN, ITEM, MAX_ACK_LEN, TRAILER, Tally, step};

/// Receives one batch. Dropped before [`BatchReader::acknowledge`], it leaves the sender with an error.
pub struct BatchReader {
    stream: BufReader<Stream>,
    stall: Duration,
    item_len: usize,
    /// Taken when the trailer has been read.
    tally: Option<Tally>,
    verified: bool,
    /// This batch's place among those that its sender may have open at once.
    _guard: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for BatchReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchReader")
            .field("item_len", &self.item_len)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

impl BatchReader {
    pub(super) fn new(
        stream: Stream,
        stall: Duration,
        item_len: usize,
        tally: Tally,
        guard: Box<dyn Any + Send + Sync>,
    ) -> Self {
        let stream = BufReader::with_capacity(BUFFER, stream);
        Self { stream, stall, item_len, tally: Some(tally), verified: false, _guard: guard }
    }

    /// Tells the sender to go on.
    pub(in crate::net) async fn accept(&mut self) -> Result<(), BatchError> {
        let stream = &mut self.stream;
        step(self.stall, async {
            stream.write_all(&[GO]).await?;
            stream.flush().await
        })
        .await
    }

    /// Reads the next item into `item`, which has exactly the announced size. `None` is the end, and comes only when
    /// count and hash of the trailer have been found right: until then nothing of the batch may be used.
    ///
    /// How many items come is up to the sender: stop (drop the reader) when there are more than there may be. After an
    /// error, or when this future is dropped half-way, the batch is lost.
    pub async fn next_item(&mut self, item: &mut [u8]) -> Result<Option<()>, BatchError> {
        if item.len() != self.item_len {
            return Err(BatchError::Form);
        }
        let Some(tally) = self.tally.as_mut() else {
            return if self.verified { Ok(None) } else { Err(BatchError::Trailer) };
        };
        let mut kind = [0];
        step(self.stall, self.stream.read_exact(&mut kind)).await?;
        match kind[0] {
            ITEM => {
                step(self.stall, self.stream.read_exact(item)).await?;
                tally.add(item);
                Ok(Some(()))
            }
            TRAILER => self.verify().await.map(|()| None),
            _ => Err(BatchError::Form),
        }
    }

    async fn verify(&mut self) -> Result<(), BatchError> {
        let expected = self.tally.take().ok_or(BatchError::Trailer)?.trailer();
        let mut trailer = [0; 8 + HASH_LEN];
        step(self.stall, self.stream.read_exact(&mut trailer)).await?;
        if trailer != expected {
            return Err(BatchError::Trailer);
        }
        self.verified = true;
        Ok(())
    }

    /// Acknowledges the batch, with at most [`MAX_ACK_LEN`] bytes, once its end has been reached.
    pub async fn acknowledge(self, bytes: &[u8]) -> Result<(), BatchError> {
        if !self.verified {
            return Err(BatchError::Unfinished);
        }
        if bytes.len() > MAX_ACK_LEN {
            return Err(BatchError::Form);
        }
        let mut frame = Vec::with_capacity(2 + bytes.len());
        frame.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        frame.extend_from_slice(bytes);
        let mut stream = self.stream;
        step(self.stall, async {
            stream.write_all(&frame).await?;
            stream.close().await
        })
        .await
    }
}
