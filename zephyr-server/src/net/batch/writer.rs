//! The sending side of a batch.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;

use super::{BLOCK_BYTES, BatchError, GO, MAX_ACK_LEN, preamble, step};

/// Sends one batch. Dropped before [`BatchWriter::finish`] returns, it leaves the receiver with an error.
#[derive(Debug)]
pub struct BatchWriter {
    stream: Stream,
    stall: Duration,
    item_len: usize,
    /// The next block: its count, which is filled in when it is sent, and its items. Without any it is the end.
    block: Vec<u8>,
    items: u16,
}

const COUNT: usize = size_of::<u16>();

impl BatchWriter {
    /// Announces a batch and waits until the receiver takes it.
    pub(in crate::net) async fn open(
        mut stream: Stream,
        stall: Duration,
        header: &[u8],
        item_len: usize,
    ) -> Result<Self, BatchError> {
        let preamble = preamble(header.len(), item_len).ok_or(BatchError::Form)?;
        let mut go = [0];
        step(stall, async {
            stream.write_all(&[&preamble, header].concat()).await?;
            stream.flush().await?;
            stream.read_exact(&mut go).await
        })
        .await?;
        if go != [GO] {
            return Err(BatchError::Form);
        }
        let mut block = Vec::with_capacity(COUNT + BLOCK_BYTES.max(item_len) + COUNT);
        block.extend_from_slice(&[0; COUNT]);
        Ok(Self { stream, stall, item_len, block, items: 0 })
    }

    /// Sends one item of exactly the announced size. Items are gathered to blocks of about 64 KiB; an error may show at a
    /// later item.
    ///
    /// After an error, or when this future is dropped half-way, the batch is lost.
    pub async fn write_item(&mut self, item: &[u8]) -> Result<(), BatchError> {
        if item.len() != self.item_len {
            return Err(BatchError::Form);
        }
        self.block.extend_from_slice(item);
        self.items += 1;
        let is_full = self.block.len() + self.item_len > COUNT + BLOCK_BYTES;
        if is_full || self.items == u16::MAX { self.write_block().await } else { Ok(()) }
    }

    async fn write_block(&mut self) -> Result<(), BatchError> {
        self.fill_in_count();
        step(self.stall, self.stream.write_all(&self.block)).await?;
        self.block.truncate(COUNT);
        self.items = 0;
        Ok(())
    }

    fn fill_in_count(&mut self) {
        self.block[..COUNT].copy_from_slice(&self.items.to_be_bytes());
    }

    /// Sends the end and waits for the receiver's acknowledgement, at most [`MAX_ACK_LEN`] bytes.
    pub async fn finish(mut self) -> Result<Vec<u8>, BatchError> {
        self.fill_in_count();
        let Self { mut stream, stall, mut block, items, .. } = self;
        if items > 0 {
            block.extend_from_slice(&[0; COUNT]);
        }
        step(stall, async {
            stream.write_all(&block).await?;
            stream.flush().await
        })
        .await?;
        let mut len = [0; 2];
        step(stall, stream.read_exact(&mut len)).await?;
        let len = usize::from(u16::from_be_bytes(len));
        if len > MAX_ACK_LEN {
            return Err(BatchError::Form);
        }
        let mut acknowledgement = vec![0; len];
        step(stall, stream.read_exact(&mut acknowledgement)).await?;
        Ok(acknowledgement)
    }
}
