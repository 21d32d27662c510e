//! Packets and the order of mixers.

use zephyr_blst::Native;
use zephyr_core::{
    DirectoryHash, Geometry, MAX_HOPS, MAX_MIXERS, MAX_PAYLOAD, MIN_PAYLOAD, Mixer, MixerIndex,
    MixerKey, Next, RouteMode, Routes,
};

use super::{ProtocolError, array, refused, wrong};

/// What is below a packet's outer layer.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Peeled {
    /// Another packet.
    Mixer {
        /// For which mixer.
        next: u16,
        /// The packet.
        packet: Vec<u8>,
    },
    /// A sealed message.
    Mailbox {
        /// For which mailbox.
        mailbox: u32,
        /// The message.
        sealed: Vec<u8>,
    },
}

/// Takes a mixer's layer off a packet that is at place `position` of its route, in a network with so many `hops` and
/// payloads of `payload_len` bytes. `directory` is the round's hash, `mixer_secret` the mixer's X25519 key of the round:
/// 32 bytes each.
///
/// # Errors
/// `Refused` with what is wrong with the packet, or that an argument is wrong.
#[uniffi::export]
pub fn peel_packet(
    hops: u32,
    payload_len: u32,
    directory: Vec<u8>,
    position: u32,
    mixer_secret: Vec<u8>,
    packet: Vec<u8>,
) -> Result<Peeled, ProtocolError> {
    let geometry = geometry(hops, payload_len)?;
    let directory = DirectoryHash::from_bytes(array("the directory's hash", &directory)?);
    let key = MixerKey::from_bytes(array("the mixer's key", &mixer_secret)?);
    let mut packet = packet;
    let mixer = Mixer::<Native>::new(geometry, directory, key);
    match mixer.peel(size(position), &mut packet).map_err(refused)? {
        Next::Mixer(next) => Ok(Peeled::Mixer { next: next.0, packet }),
        Next::Mailbox(mailbox) => {
            packet.truncate(geometry.sealed_len());
            Ok(Peeled::Mailbox { mailbox: mailbox.0, sealed: packet })
        }
    }
}

/// The order in which all packets of a round go through the `mixers` of its directory, where routes are the same for
/// all.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn mixer_order(
    directory: Vec<u8>,
    hops: u32,
    mixers: Vec<u16>,
) -> Result<Vec<u16>, ProtocolError> {
    let directory = DirectoryHash::from_bytes(array("the directory's hash", &directory)?);
    if mixers.len() > MAX_MIXERS {
        return Err(wrong("the list of mixers", format!("there are at most {MAX_MIXERS}")));
    }
    let geometry = geometry(hops, MIN_PAYLOAD as u32)?;
    let all = mixers.iter().copied().map(MixerIndex);
    let routes = Routes::new(RouteMode::Round, geometry, &directory, all)
        .ok_or_else(|| wrong("the list of mixers", "there must be at least one, each once"))?;
    let worker =
        |phase| mixers.iter().copied().find(|&mixer| routes.works(phase, MixerIndex(mixer)));
    Ok((0..routes.len()).filter_map(worker).collect())
}

fn geometry(hops: u32, payload_len: u32) -> Result<Geometry, ProtocolError> {
    Geometry::new(size(hops), size(payload_len)).ok_or_else(|| {
        let (from, to) = (MIN_PAYLOAD, MAX_PAYLOAD);
        wrong("the sizes", format!("1 to {MAX_HOPS} hops, payloads of {from} to {to} bytes"))
    })
}

fn size(number: u32) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}
