//! The sending side of a batch.

use std::time::Duration;

use futures::io::BufWriter;
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;

use super::{BUFFER, BatchError, GO, ITEM, MAX_ACK_LEN, TRAILER, Tally, preamble, step};

/// Sends one batch. Dropped before [`BatchWriter::finish`] returns, it leaves the receiver with an error.
#[derive(Debug)]
pub struct BatchWriter {
    stream: BufWriter<Stream>,
    stall: Duration,
    item_len: usize,
    tally: Tally,
}

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
            stream.write_all(&preamble).await?;
            stream.write_all(header).await?;
            stream.flush().await?;
            stream.read_exact(&mut go).await
        })
        .await?;
        if go != [GO] {
            return Err(BatchError::Form);
        }
        let tally = Tally::new(&preamble, header);
        Ok(Self { stream: BufWriter::with_capacity(BUFFER, stream), stall, item_len, tally })
    }

    /// Sends one item of exactly the announced size. Items are gathered; an error may show at a later item.
    ///
    /// After an error, or when this future is dropped half-way, the batch is lost.
    pub async fn write_item(&mut self, item: &[u8]) -> Result<(), BatchError> {
        if item.len() != self.item_len {
            return Err(BatchError::Form);
        }
        self.tally.add(item);
        let stream = &mut self.stream;
        step(self.stall, async {
            stream.write_all(&[ITEM]).await?;
            stream.write_all(item).await
        })
        .await
    }

    /// Sends the trailer and waits for the receiver's acknowledgement, at most [`MAX_ACK_LEN`] bytes.
    pub async fn finish(self) -> Result<Vec<u8>, BatchError> {
        let Self { mut stream, stall, tally, .. } = self;
        step(stall, async {
            stream.write_all(&[TRAILER]).await?;
            stream.write_all(&tally.trailer()).await?;
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
