//! Wrapping: what senders do.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::hedge::Hedge;
use crate::crypto::suite::{DH_SIZE, Dh, Suite};
use crate::geometry::{Geometry, MAX_HOPS};
use crate::ids::{DirectoryHash, Mailbox, MixerIndex};

use super::hop::{HOP_SIZE, HopKeys, PACKET_HEADER_SIZE, Routing, field};

/// A mixer on the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Its place in the manifest.
    pub mixer: MixerIndex,
    /// Its X25519 key of the round.
    pub key: [u8; DH_SIZE],
}

impl Hop {
    /// What an unused place holds.
    pub const EMPTY: Self = Self { mixer: MixerIndex(0), key: [0; DH_SIZE] };
}

/// What a packet is wrapped for.
#[derive(Clone, Copy, Debug)]
pub struct Wrap<'a> {
    /// The network's sizes.
    pub geometry: Geometry,
    /// The round.
    pub directory: &'a DirectoryHash,
    /// The mixers in the order of the route, at most [`Geometry::hops`]. Fewer are the *last* positions: so mixers
    /// wrap their noise for the hops behind them.
    pub route: &'a [Hop],
    /// Where the last mixer puts the message.
    pub mailbox: Mailbox,
}

/// Where in a packet's buffer [`wrap_in_place`] expects the sealed message.
pub const SEALED_OFFSET: usize = field::BODY + HOP_SIZE;

/// Wraps the sealed message in `sealed` into `packet`, which is [`Geometry::packet_len`] long (two X25519 a hop).
///
/// Returns `None` if a length is wrong, the route is empty or too long, or a mixer's key is of low order.
#[must_use]
pub fn wrap<S: Suite>(
    to: Wrap<'_>,
    sealed: &[u8],
    packet: &mut [u8],
    rng: &mut impl CryptoRng,
    hedge: &mut Hedge,
) -> Option<()> {
    if sealed.len() != to.geometry.sealed_len() || packet.len() != to.geometry.packet_len() {
        return None;
    }
    packet[SEALED_OFFSET..SEALED_OFFSET + sealed.len()].copy_from_slice(sealed);
    wrap_in_place::<S>(to, packet, rng, hedge)
}

/// Wraps the sealed message that stands at [`SEALED_OFFSET`] in `packet`; else as [`wrap`].
#[must_use]
pub fn wrap_in_place<S: Suite>(
    to: Wrap<'_>,
    packet: &mut [u8],
    rng: &mut impl CryptoRng,
    hedge: &mut Hedge,
) -> Option<()> {
    let Wrap { geometry, directory, route, mailbox } = to;
    let hops = route.len();
    let first = geometry.hops().checked_sub(hops)?;
    if hops == 0 || packet.len() != geometry.packet_len() {
        return None;
    }

    let mut keys: [Option<([u8; DH_SIZE], HopKeys)>; MAX_HOPS] = [const { None }; MAX_HOPS];
    for (i, hop) in route.iter().enumerate() {
        let secret = hedge.draw::<DH_SIZE>(rng, &[b"onion", &[i as u8]]);
        let epk = S::Dh::public(&secret);
        let shared = S::Dh::shared(&secret, &hop.key)?;
        keys[i] = Some((epk, HopKeys::derive(&shared, &epk, &hop.key, directory, first + i)));
    }
    let layer = |i: usize| keys[i].as_ref().expect("filled for every hop of the route");

    // The last body ends in the filler, the tail that peeling the earlier layers will have produced. Positions
    // before the route's first are nobody's: their part is random.
    let body_len = geometry.body_len();
    let filler_len = (geometry.hops() - 1) * HOP_SIZE;
    let mut filler = Zeroizing::new([0; MAX_HOPS * HOP_SIZE]);
    rng.fill_bytes(&mut filler[..first * HOP_SIZE]);
    for i in 0..hops - 1 {
        let len = (first + i + 1) * HOP_SIZE;
        let mut stream = layer(i).1.keystream();
        stream.seek(body_len + HOP_SIZE - len);
        stream.apply(&mut filler[..len]);
    }

    let body = &mut packet[field::BODY..];
    body[body_len - filler_len..].copy_from_slice(&filler[..filler_len]);
    Routing::Mailbox(mailbox).encode(&mut body[..HOP_SIZE]);
    // The innermost layer covers routing and message only: behind them the filler stands already encrypted.
    layer(hops - 1).1.keystream().apply(&mut body[..body_len - filler_len]);

    for i in (0..hops - 1).rev() {
        let mut header = [0; PACKET_HEADER_SIZE];
        header[field::EPK].copy_from_slice(&layer(i + 1).0);
        header[field::MAC].copy_from_slice(&layer(i + 1).1.mac(body));
        // What falls off the end is what the mixer's zeros turn back into.
        body.copy_within(..body_len - HOP_SIZE, HOP_SIZE);
        Routing::Mixer { next: route[i + 1].mixer, header: &header }.encode(&mut body[..HOP_SIZE]);
        layer(i).1.keystream().apply(body);
    }
    let mac = layer(0).1.mac(body);
    packet[field::EPK].copy_from_slice(&layer(0).0);
    packet[field::MAC].copy_from_slice(&mac);
    Some(())
}
