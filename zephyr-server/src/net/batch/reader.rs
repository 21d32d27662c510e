//! The receiving side of a batch.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;

use super::{BatchError, GO, MAX_ACK_LEN, step};

/// Receives one batch. Dropped before [`BatchReader::acknowledge`], it leaves the sender with an error.
pub struct BatchReader {
    stream: Stream,
    stall: Duration,
    item_len: usize,
    /// Items of the current block that have not been read.
    announced: usize,
    ended: bool,
    /// This batch's place among those that its sender may have open at once.
    _guard: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for BatchReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchReader")
            .field("item_len", &self.item_len)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl BatchReader {
    pub(super) fn new(
        stream: Stream,
        stall: Duration,
        item_len: usize,
        guard: Box<dyn Any + Send + Sync>,
    ) -> Self {
        Self { stream, stall, item_len, announced: 0, ended: false, _guard: guard }
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

    /// How many items come next, at most 65,535; 0 is the end. Until then nothing of the batch may be used.
    ///
    /// How many there are in all is up to the sender: stop (drop the reader) when there are more than there may be.
    /// After an error, or when this future is dropped half-way, the batch is lost.
    pub async fn announced(&mut self) -> Result<usize, BatchError> {
        if self.announced == 0 && !self.ended {
            let mut count = [0; 2];
            step(self.stall, self.stream.read_exact(&mut count)).await?;
            self.announced = u16::from_be_bytes(count).into();
            self.ended = self.announced == 0;
        }
        Ok(self.announced)
    }

    /// Fills `items` with the next items: whole ones, and no more than were [announced](Self::announced).
    ///
    /// After an error, or when this future is dropped half-way, the batch is lost.
    pub async fn read(&mut self, items: &mut [u8]) -> Result<(), BatchError> {
        let count = items.len() / self.item_len;
        if !items.len().is_multiple_of(self.item_len) || count > self.announced {
            return Err(BatchError::Form);
        }
        self.announced -= count;
        step(self.stall, self.stream.read_exact(items)).await
    }

    /// Acknowledges the batch, with at most [`MAX_ACK_LEN`] bytes, once its end has been reached.
    pub async fn acknowledge(self, bytes: &[u8]) -> Result<(), BatchError> {
        if !self.ended {
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
