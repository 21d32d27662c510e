//! Signed manifests: the two newest, in pieces that fit into items.

use crate::error::Error;
use crate::storage::Storage;

use super::bytes::{Reader, Writer};
use super::{Home, keys, load};

/// The length of a piece in bytes.
pub(super) const PIECE: usize = 256;
/// The longest signed manifest in bytes.
pub(crate) const LONGEST: usize = PIECE * keys::PIECES as usize;
/// Version, length.
const HEAD_SIZE: usize = 8;

impl<S: Storage> Home<'_, S> {
    /// The newest signed manifest with an even (0) or odd (1) version: its length in `buffer`. If that is too short, it
    /// has its beginning.
    pub(crate) async fn version(
        &mut self,
        parity: u32,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Error<S::Error>> {
        let head = load::<S, HEAD_SIZE>(&mut self.storage, keys::version(parity)).await?;
        let Some(head) = head else { return Ok(None) };
        let mut r = Reader(&head);
        let (_version, len) = (r.u32().ok_or(Error::Damaged)?, r.u32().ok_or(Error::Damaged)?);
        let len = usize::try_from(len).ok().filter(|len| *len <= LONGEST).ok_or(Error::Damaged)?;
        let there = len.min(buffer.len());
        for (i, piece) in buffer[..there].chunks_mut(PIECE).enumerate() {
            let key = keys::piece(parity, i as u16);
            let there = self.storage.load(key, piece).await.map_err(Error::Storage)?;
            if there != Some(PIECE.min(len - i * PIECE)) {
                return Err(Error::Damaged);
            }
        }
        Ok(Some(len))
    }

    /// Keeps a signed manifest in the place of the one before the last.
    pub(crate) async fn set_version(
        &mut self,
        version: u32,
        signed: &[u8],
    ) -> Result<(), Error<S::Error>> {
        if signed.len() > LONGEST {
            let (needed, given) = (signed.len(), LONGEST);
            return Err(Error::TooSmall { what: "bytes for a manifest", needed, given });
        }
        // If the power is lost before the end there is none, and an info-node is asked again.
        let head = keys::version(version);
        self.storage.remove(head).await.map_err(Error::Storage)?;
        for (i, piece) in signed.chunks(PIECE).enumerate() {
            let key = keys::piece(version, i as u16);
            self.storage.save(key, &[piece]).await.map_err(Error::Storage)?;
        }
        let mut w = Writer::<HEAD_SIZE>::new();
        w.u32(version).u32(signed.len() as u32);
        self.storage.save(head, &[w.bytes()]).await.map_err(Error::Storage)
    }
}
