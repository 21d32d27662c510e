//! Nym's Sphinx packets beside ours: as many hops, and payloads of the same length.

use sphinx_packet::constants::{
    DESTINATION_ADDRESS_LENGTH, IDENTIFIER_LENGTH, NODE_ADDRESS_LENGTH,
};
use sphinx_packet::header::delays::Delay;
use sphinx_packet::packet::builder::SphinxPacketBuilder;
use sphinx_packet::route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes};
use sphinx_packet::{ProcessedPacket, SphinxPacket};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{Network, rows};

const TURNS: usize = 1_000;

/// A route of theirs.
struct Sphinx {
    secret: StaticSecret,
    route: Vec<Node>,
    delays: Vec<Delay>,
    destination: Destination,
    payload: usize,
}

impl Sphinx {
    fn new(hops: usize, payload: usize) -> Self {
        let secret = |i: usize| StaticSecret::from([i as u8 + 1; 32]);
        let node = |i| {
            let address = NodeAddressBytes::from_bytes([i as u8; NODE_ADDRESS_LENGTH]);
            Node::new(address, PublicKey::from(&secret(i)))
        };
        let address = DestinationAddressBytes::from_bytes([3; DESTINATION_ADDRESS_LENGTH]);
        Self {
            secret: secret(0),
            route: (0..hops).map(node).collect(),
            delays: vec![Delay::new_from_nanos(10); hops],
            destination: Destination::new(address, [4; IDENTIFIER_LENGTH]),
            payload,
        }
    }

    fn create(&self, message: &[u8]) -> SphinxPacket {
        let builder = SphinxPacketBuilder::new().with_payload_size(self.payload);
        let packet = builder.build_packet(message, &self.route, &self.destination, &self.delays);
        packet.expect("a good route")
    }

    fn unwrap(&self, packet: SphinxPacket) -> ProcessedPacket {
        packet.process(&self.secret).expect("an authentic packet")
    }
}

pub(super) fn rows() {
    for hops in [3, 5] {
        for payload in [1024, 2048] {
            let (mut ours, theirs) = (Network::new(hops, payload), Sphinx::new(hops, payload));
            let mut packet = ours.packet();
            // Theirs has the message and its own overhead in the payload; ours comes with its overhead on top.
            let message = vec![7; payload - 100];
            let bytes = theirs.create(&message).to_bytes();
            let copy = || SphinxPacket::from_bytes(&bytes).expect("just made");
            let mut copies: Vec<_> = (0..TURNS).map(|_| copy()).collect();
            let mut unwrapped = Vec::with_capacity(TURNS);
            let (whole, mixer) = (packet.clone(), &ours.mixer);
            rows::compare(
                &format!("unwrap a packet of {payload} bytes, {hops} hops"),
                "sphinx-packet",
                Some(0.5),
                TURNS,
                || {
                    packet.copy_from_slice(&whole);
                    mixer.peel(0, &mut packet).expect("an authentic packet");
                },
                || unwrapped.push(theirs.unwrap(copies.pop().expect("one for each turn"))),
            );
            let sealed = vec![7; ours.geometry.sealed_len()];
            rows::compare(
                &format!("create a packet of {payload} bytes, {hops} hops"),
                "sphinx-packet",
                Some(if hops == 3 { 0.667 } else { 0.5 }),
                TURNS,
                || ours.wrap(&sealed, &mut packet),
                || drop(theirs.create(&message)),
            );
        }
    }
}
