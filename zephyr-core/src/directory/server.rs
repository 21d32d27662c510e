//! A server in a manifest.

use core::fmt;

use zeroize::Zeroizing;

use crate::crypto::hash::{Label, kdf};
use crate::ids::ServerId;
use crate::wire::cursor::{Reader, Writer};

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Peels, shuffles and passes on.
    Mixer = 0,
    /// Gives shares of private keys.
    Pkg = 1,
    /// Serves the round directory.
    Info = 2,
    /// Keeps the round's sealed messages.
    Mailbox = 3,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Mixer, Self::Pkg, Self::Info, Self::Mailbox];

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&role| role as u8 == byte)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mixer => "mixer",
            Self::Pkg => "pkg",
            Self::Info => "info",
            Self::Mailbox => "mailbox",
        })
    }
}

/// A server in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerEntry<'a> {
    /// What it is.
    pub role: Role,
    /// Its Ed25519 identity.
    pub id: ServerId,
    /// Its static X25519 key, to which clients open links.
    pub link_key: [u8; 32],
    /// A name for people, at most 255 bytes.
    pub name: &'a str,
    /// Where clients reach it: `host:port`, or `ws://host:port/`.
    pub client_address: &'a str,
    /// Where the other servers reach it: `host:port`.
    pub peer_address: &'a str,
}

impl<'a> ServerEntry<'a> {
    pub(super) fn parse(r: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            role: Role::from_byte(r.u8()?)?,
            id: ServerId::from_bytes(r.array()?),
            link_key: r.array()?,
            name: r.text()?,
            client_address: r.text()?,
            peer_address: r.text()?,
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        w.put(&[self.role as u8]).put(self.id.as_bytes()).put(&self.link_key);
        w.text(self.name).text(self.client_address).text(self.peer_address);
    }
}

/// Derives a server's Ed25519 seed and its static X25519 secret from the one seed in its key file.
pub fn server_keys(seed: &[u8; 32]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    (kdf(Label::SERVER_KEY, seed, &[b"identity"]), kdf(Label::SERVER_KEY, seed, &[b"link"]))
}
