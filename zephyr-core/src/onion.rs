//! The onion: a packet of constant size, authenticated at every hop, bound to its round and position.
//!
//! ```text
//! packet  = epk 32 ‖ mac 16 ‖ body
//! body    : hops · 50 + sealed message
//! routing = next mixer 2 ‖ next epk 32 ‖ next mac 16        at the last hop: mailbox 4 ‖ zeros 46
//! peeling : (body ‖ zeros 50) ⊕ keystream = routing ‖ next body
//! ```
//!
//! The Sphinx idea (Danezis, Goldberg 2009), with the filler that the sender computes ahead stretched over the
//! whole packet and a fresh X25519 key a hop, so that a mixer pays one X25519.

mod hop;
mod peel;
mod route;
mod wrap;

pub use hop::{HOP_SIZE, PACKET_HEADER_SIZE};
pub use peel::{Mixer, MixerKey, Next, PeelError};
pub use route::{
    MAX_MIXERS, Route, RouteMode, Routes, expected_anonymity_set, shuffle, shuffle_with,
};
pub use wrap::{Hop, SEALED_OFFSET, Wrap, wrap, wrap_in_place};
