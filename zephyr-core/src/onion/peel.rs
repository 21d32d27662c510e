//! Peeling: what mixers do.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::hedge::Hedge;
use crate::crypto::secretbox::tags_equal;
use crate::crypto::suite::{DH_SIZE, Dh, Suite};
use crate::geometry::Geometry;
use crate::ids::{DirectoryHash, Mailbox, MixerIndex};

use super::hop::{HOP_SIZE, HopKeys, PACKET_HEADER_SIZE, Routing, field};

/// A mixer's secret X25519 key of one round. Dropping it erases it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MixerKey {
    secret: [u8; DH_SIZE],
}

impl MixerKey {
    /// Draws a key.
    pub fn generate(rng: &mut impl CryptoRng, hedge: &mut Hedge) -> Self {
        Self { secret: *hedge.draw(rng, &[b"mixer round secret"]) }
    }

    /// The key with these 32 secret bytes: for test vectors, mixers draw theirs.
    pub fn from_bytes(secret: [u8; DH_SIZE]) -> Self {
        Self { secret }
    }

    /// The public key.
    pub fn public<S: Suite>(&self) -> [u8; DH_SIZE] {
        S::Dh::public(&self.secret)
    }
}

impl fmt::Debug for MixerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MixerKey(…)")
    }
}

/// Where a peeled packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To this mixer; the buffer now holds the packet for it.
    Mixer(MixerIndex),
    /// To this mailbox; the first [`Geometry::sealed_len`] bytes of the buffer now are the sealed message.
    Mailbox(Mailbox),
}

/// Why a packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeelError {
    /// It does not have the network's packet length.
    Length,
    /// Its key is of low order, or it is not authentic for this mixer, round and position.
    NotAuthentic,
    /// Its sender wrote no sensible routing block.
    Routing,
}

impl fmt::Display for PeelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the packet does not have this network's packet length",
            Self::NotAuthentic => "the packet is not authentic for this mixer, round and position",
            Self::Routing => "the packet names no place to go",
        })
    }
}

impl core::error::Error for PeelError {}

/// A mixer in one round.
pub struct Mixer<S: Suite> {
    geometry: Geometry,
    directory: DirectoryHash,
    key: MixerKey,
    public: [u8; DH_SIZE],
    suite: core::marker::PhantomData<S>,
}

impl<S: Suite> Mixer<S> {
    /// Peels with `key` in the round of `directory`.
    pub fn new(geometry: Geometry, directory: DirectoryHash, key: MixerKey) -> Self {
        let public = key.public::<S>();
        Self { geometry, directory, key, public, suite: core::marker::PhantomData }
    }

    /// The ephemeral key at the packet's head: what the replay set keeps.
    pub fn ephemeral_key(packet: &[u8]) -> Option<[u8; DH_SIZE]> {
        packet.first_chunk().copied()
    }

    /// Peels one layer at `position`, in place (one X25519). The authenticator is checked before anything else.
    ///
    /// The caller drops packets whose [ephemeral key](Self::ephemeral_key) it has already peeled in this round.
    ///
    /// # Errors
    /// See [`PeelError`]; a packet that isn't authentic is left as it is.
    pub fn peel(&self, position: usize, packet: &mut [u8]) -> Result<Next, PeelError> {
        if packet.len() != self.geometry.packet_len() || position >= self.geometry.hops() {
            return Err(PeelError::Length);
        }
        let (header, body) = packet.split_at_mut(PACKET_HEADER_SIZE);
        let epk: &[u8; DH_SIZE] = header[field::EPK].try_into().expect("a key's length");
        let shared = S::Dh::shared(&self.key.secret, epk).ok_or(PeelError::NotAuthentic)?;
        let keys = HopKeys::derive(&shared, epk, &self.public, &self.directory, position);
        if !tags_equal(&keys.mac(body), &header[field::MAC]) {
            return Err(PeelError::NotAuthentic);
        }

        let mut stream = keys.keystream();
        stream.apply(body);
        let mut block = [0; HOP_SIZE];
        block.copy_from_slice(&body[..HOP_SIZE]);
        let last = position + 1 == self.geometry.hops();
        match Routing::decode(&block, last).ok_or(PeelError::Routing)? {
            Routing::Mailbox(mailbox) => {
                let sealed = field::BODY + HOP_SIZE;
                packet.copy_within(sealed..sealed + self.geometry.sealed_len(), 0);
                Ok(Next::Mailbox(mailbox))
            }
            Routing::Mixer { next, header: next_header } => {
                header.copy_from_slice(next_header);
                body.copy_within(HOP_SIZE.., 0);
                let tail = body.len() - HOP_SIZE;
                body[tail..].fill(0);
                stream.apply(&mut body[tail..]);
                Ok(Next::Mixer(next))
            }
        }
    }
}

impl<S: Suite> fmt::Debug for Mixer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mixer").field("directory", &self.directory).finish_non_exhaustive()
    }
}
