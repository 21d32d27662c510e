//! One layer: its fields, keys and routing block.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::hash::{Label, kdf};
use crate::crypto::secretbox::{Keystream, TAG_SIZE, poly1305};
use crate::crypto::suite::DH_SIZE;
use crate::ids::{DirectoryHash, Mailbox, MixerIndex};

/// Length in bytes of a packet's header: ephemeral key 32 ‖ mac 16.
pub const PACKET_HEADER_SIZE: usize = DH_SIZE + TAG_SIZE;
/// By how many bytes a hop lengthens the packet: next mixer 2 ‖ next ephemeral key 32 ‖ next mac 16.
pub const HOP_SIZE: usize = 2 + PACKET_HEADER_SIZE;

/// Field offsets in a packet.
pub(super) mod field {
    use super::{DH_SIZE, PACKET_HEADER_SIZE};
    use core::ops::Range;
    pub const EPK: Range<usize> = 0..DH_SIZE;
    pub const MAC: Range<usize> = DH_SIZE..PACKET_HEADER_SIZE;
    pub const BODY: usize = PACKET_HEADER_SIZE;
}

/// The two keys that sender and mixer derive for one layer. Used once: the ephemeral key is fresh.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct HopKeys {
    encryption: [u8; 32],
    mac: [u8; 32],
}

impl HopKeys {
    pub(super) fn derive(
        shared: &[u8; DH_SIZE],
        epk: &[u8],
        mixer_key: &[u8; DH_SIZE],
        directory: &DirectoryHash,
        position: usize,
    ) -> Self {
        let okm = kdf::<64>(
            Label::ONION_HOP,
            shared,
            &[epk, mixer_key, directory.as_bytes(), &[position as u8]],
        );
        let (encryption, mac) = okm.split_at(32);
        Self {
            encryption: encryption.try_into().expect("half of 64"),
            mac: mac.try_into().expect("half of 64"),
        }
    }

    pub(super) fn keystream(&self) -> Keystream {
        Keystream::new(&self.encryption, &[0; 24])
    }

    pub(super) fn mac(&self, body: &[u8]) -> [u8; TAG_SIZE] {
        poly1305(&self.mac, body)
    }
}

/// Where a peeled packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routing<'a> {
    Mixer { next: MixerIndex, header: &'a [u8] },
    Mailbox(Mailbox),
}

impl<'a> Routing<'a> {
    pub(super) fn encode(self, out: &mut [u8]) {
        match self {
            Self::Mixer { next, header } => {
                out[..2].copy_from_slice(&next.0.to_be_bytes());
                out[2..].copy_from_slice(header);
            }
            Self::Mailbox(mailbox) => {
                out[..4].copy_from_slice(&mailbox.0.to_be_bytes());
                out[4..].fill(0);
            }
        }
    }

    pub(super) fn decode(block: &'a [u8], last: bool) -> Option<Self> {
        if !last {
            let (next, header) = block.split_first_chunk()?;
            return Some(Self::Mixer { next: MixerIndex(u16::from_be_bytes(*next)), header });
        }
        let (mailbox, zeros) = block.split_first_chunk()?;
        zeros
            .iter()
            .all(|&b| b == 0)
            .then_some(Self::Mailbox(Mailbox(u32::from_be_bytes(*mailbox))))
    }
}
