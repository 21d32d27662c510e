//! The Zephyr protocol without I/O, heap or clock: identities, sealing, onions, directories, wire formats and
//! the client session.
//!
//! ```text
//! session     the client as a state machine: bytes, time and random numbers in, bytes and events out
//! registration  what passes between a client and one PKG
//! stream      numbers, acknowledgements and resending between two people
//! link, wire  Noise links and the messages on them
//! directory   the manifest that all users agree on, and the signed directory of a round
//! mailbox     finding one's own messages in a mailbox
//! onion       packets through the mixers        seal        messages that only one person can open
//! ibe         keys from several PKGs            identity    e-mail addresses
//! crypto      primitives behind the traits `Suite` and `Pairing`
//! ```
//!
//! Callers lend every buffer; all sizes follow from one [`Geometry`]. `docs/protocol.md` gives every byte.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod crypto;
mod directory;
mod geometry;
mod ibe;
mod identity;
mod ids;
mod link;
mod mailbox;
mod onion;
pub mod registration;
mod seal;
pub mod session;
pub mod stream;
pub mod wire;

// Names and sizes
pub use geometry::{Geometry, MAX_HOPS, MAX_PAYLOAD, MIN_PAYLOAD};
pub use identity::{Address, AddressError, Identity, IdentityPoints, MAX_ADDRESS};
pub use ids::{
    ClientKey, DirectoryHash, Mailbox, ManifestHash, MixerIndex, NetworkId, PkgIndex, Round,
    ServerId, UnixMs,
};

// What everybody agrees on
pub use directory::{
    Directory, DirectoryError, Equivocation, GUARD_SIZE, MAX_DIRECTORY, MAX_MANIFEST, MAX_SERVERS,
    MAX_SIGNED_MANIFEST, MIXER_ANNOUNCEMENT_SIZE, Manifest, ManifestError, ManifestSignature,
    MixerAnnouncement, PKG_ANNOUNCEMENT_SIZE, Parameters, PkgAnnouncement, Role, RoundWatch,
    Schedule, ServerEntry, SignedManifest, SigningGuard, UpdateError, encode_directory,
    encode_signed_manifest, server_keys, sign_directory, sign_manifest, verify_directory_signature,
};

// Keys of a round
pub use ibe::{
    ExtractError, KeyShare, MasterSecret, PKG_KEY_SIZE, PROOF_SIZE, PkgKey, PkgKeyError,
    PrivateKey, RoundKey, SHARE_SIZE,
};

// Messages
pub use seal::{
    Content, Cover, MAX_PAYLOAD_HEADER, Opened, Opener, Payload, PayloadError, PayloadHeader,
    RoundContext, SEAL_OVERHEAD, Sealed, Sealer, SenderKey, SenderTag, TAG_SIZE, Tag,
};

// Packets
pub use onion::{
    HOP_SIZE, Hop, MAX_MIXERS, Mixer, MixerKey, Next, PACKET_HEADER_SIZE, PeelError, Route,
    RouteMode, Routes, SEALED_OFFSET, Wrap, expected_anonymity_set, shuffle, shuffle_with, wrap,
    wrap_in_place,
};

// Links between client and server
pub use link::{
    CONNECTION_HEADROOM, CONNECTION_OVERHEAD, Connection, FRAME_OVERHEAD, FRAME_PREFIX,
    FrameBuffer, FrameError, HANDSHAKE_SIZE, Link, LinkError, LinkKey, MAX_FRAME_MESSAGE, Received,
    WIRE_VERSION,
};

// Mailboxes
pub use mailbox::{DeliveryList, LIST_SIGNATURE_SIZE, ListPart, message_digest};

// Cryptography
pub use crypto::hash::{Label, hash, kdf, prf};
pub use crypto::hedge::Hedge;
pub use crypto::pairing::{
    G1_SIZE, G2_SIZE, GT_SIZE, GtBytes, Pairing, Point, SCALAR_SIZE, Scalar,
};
pub use crypto::portable::Portable;
pub use crypto::suite::{
    DH_SIZE, Dh, Ed25519, SIGNATURE_SIZE, Signature, Standard, Suite, VERIFY_KEY_SIZE, X25519,
};

/// NaCl's secretbox and its parts, and Noise NK with payloads, for test vectors.
pub mod hazmat {
    pub use crate::crypto::secretbox::{decrypt as secretbox_open, encrypt as secretbox_seal};
    pub use crate::link::noise::{
        Channel as NoiseChannel, Handshake as NoiseHandshake, Secret as NoiseSecret,
    };
}
