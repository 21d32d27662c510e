//! The manifest: the servers of a network, its parameters and policies.

use core::fmt;

use zeroize::Zeroizing;

use crate::crypto::hash::{Label, hash, kdf};
use crate::ids::{Mailbox, ManifestHash, NetworkId, ServerId};
use crate::onion::MAX_MIXERS;
use crate::wire::cursor::{Reader, Writer};

use super::parameters::Parameters;

const FORMAT: u8 = 1;
/// The most servers of one role that a manifest can list.
pub const MAX_SERVERS: usize = MAX_MIXERS;
/// The longest manifest in bytes.
pub const MAX_MANIFEST: usize = 64 * 1024;

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

/// Derives a server's Ed25519 seed and its static X25519 secret from the one seed in its key file.
pub fn server_keys(seed: &[u8; 32]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    (kdf(Label::SERVER_KEY, seed, &[b"identity"]), kdf(Label::SERVER_KEY, seed, &[b"link"]))
}

/// Why a manifest is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestError {
    /// The bytes are no manifest.
    Malformed,
    /// A parameter is out of range; the text names it.
    Parameter(&'static str),
    /// A role has no server, or more than 64.
    Servers(Role),
    /// Two servers have the same identity.
    Duplicate,
    /// The manifest does not fit the buffer.
    TooLong,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the manifest is malformed"),
            Self::Parameter(name) => write!(f, "the manifest's parameter {name} is out of range"),
            Self::Servers(role) => {
                write!(f, "the manifest must list 1 to {MAX_SERVERS} servers of the role {role}")
            }
            Self::Duplicate => f.write_str("the manifest lists two servers with the same identity"),
            Self::TooLong => f.write_str("the manifest is too long"),
        }
    }
}

impl core::error::Error for ManifestError {}

/// A manifest over its bytes, checked.
#[derive(Clone, Debug)]
pub struct Manifest<'a> {
    bytes: &'a [u8],
    servers: Reader<'a>,
    count: usize,
    parameters: Parameters,
    network: NetworkId,
    version: u32,
}

impl<'a> Manifest<'a> {
    /// Checks `bytes` and looks at them as a manifest.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLong);
        }
        let manifest = Self::read(bytes).ok_or(ManifestError::Malformed)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        if r.u8()? != FORMAT {
            return None;
        }
        let version = r.u32()?;
        let network: [u8; 32] = r.array()?;
        // Version 0 cannot contain its own hash; its field is zero.
        let network = match version {
            0 if network == [0; 32] => NetworkId::from_bytes(hash(Label::MANIFEST, &[bytes])),
            0 => return None,
            _ => NetworkId::from_bytes(network),
        };
        let parameters = Parameters::parse(&mut r)?;
        let count = usize::from(r.u16()?);
        let servers = r.clone();
        for _ in 0..count {
            server(&mut r)?;
        }
        r.rest().is_empty().then_some(Self { bytes, servers, count, parameters, network, version })
    }

    fn check(&self) -> Result<(), ManifestError> {
        let p = &self.parameters;
        for role in Role::ALL {
            if !(1..=MAX_SERVERS).contains(&self.servers(role).count()) {
                return Err(ManifestError::Servers(role));
            }
        }
        for (i, server) in self.all().enumerate() {
            if self.all().take(i).any(|other| other.id == server.id) {
                return Err(ManifestError::Duplicate);
            }
        }
        let mixers = self.servers(Role::Mixer).count();
        let in_range = [
            (
                "min_mixers",
                usize::from(p.min_mixers) * 2 > mixers && usize::from(p.min_mixers) <= mixers,
            ),
            ("packets_per_round", (1..=64).contains(&p.packets_per_round)),
            ("mailboxes", p.mailboxes >= 1),
            ("replicas", (1..=self.servers(Role::Mailbox).count()).contains(&p.replicas.into())),
            ("genesis", p.genesis.0 < 1 << 48),
            ("round_ms", p.round_ms >= 100),
            ("open_ms", p.open_ms >= 1),
            ("submit_ms", p.submit_ms >= 1 && p.submit_ms <= p.round_ms),
            ("phase_ms", p.phase_ms >= 1),
            ("deliver_ms", p.deliver_ms >= 1),
            ("download_ms", p.download_ms >= 1),
            ("noise_mu", p.noise_mu <= 1_000_000_000),
            ("noise_b", p.noise_b <= 1_000_000_000),
            ("min_batch", p.min_batch <= 1_000_000),
        ];
        match in_range.iter().find(|(_, good)| !good) {
            Some((name, _)) => Err(ManifestError::Parameter(name)),
            None => Ok(()),
        }
    }

    /// Writes version 0 of a manifest into `out` and returns its length.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn encode<'s>(
        parameters: &Parameters,
        servers: impl ExactSizeIterator<Item = ServerEntry<'s>>,
        out: &mut [u8],
    ) -> Result<usize, ManifestError> {
        let mut w = Writer::new(out);
        w.put(&[FORMAT]).put(&0u32.to_be_bytes()).put(&[0; 32]);
        parameters.encode(&mut w);
        w.put(&(servers.len() as u16).to_be_bytes());
        for s in servers {
            w.put(&[s.role as u8]).put(s.id.as_bytes()).put(&s.link_key);
            w.text(s.name).text(s.client_address).text(s.peer_address);
        }
        let len = w.finish().ok_or(ManifestError::TooLong)?;
        Manifest::parse(&out[..len])?;
        Ok(len)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The manifest's version, 0 for a network's first.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The network that this is a manifest of.
    pub fn network(&self) -> &NetworkId {
        &self.network
    }

    /// The hash of this version.
    pub fn hash(&self) -> ManifestHash {
        ManifestHash::from_bytes(hash(Label::MANIFEST, &[self.bytes]))
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// All servers in order.
    pub fn all(&self) -> impl Iterator<Item = ServerEntry<'a>> + use<'a> {
        let mut r = self.servers.clone();
        (0..self.count).map_while(move |_| server(&mut r))
    }

    /// The servers of one role in order: a server's index is its place here.
    pub fn servers(&self, role: Role) -> impl Iterator<Item = ServerEntry<'a>> + use<'a> {
        self.all().filter(move |s| s.role == role)
    }

    /// The server of `role` with `index`.
    pub fn server(&self, role: Role, index: usize) -> Option<ServerEntry<'a>> {
        self.servers(role).nth(index)
    }

    /// Role and index of the server with the identity `id`.
    pub fn find(&self, id: &ServerId) -> Option<(Role, usize)> {
        let role = self.all().find(|s| s.id == *id)?.role;
        Some((role, self.servers(role).position(|s| s.id == *id)?))
    }

    /// The indices of the servers that keep `mailbox`, the first choice first.
    pub fn mailbox_servers(&self, mailbox: Mailbox) -> impl Iterator<Item = usize> + use<> {
        let servers = self.servers(Role::Mailbox).count();
        let first = mailbox.0 as usize % servers;
        (0..usize::from(self.parameters.replicas)).map(move |i| (first + i) % servers)
    }
}

fn server<'a>(r: &mut Reader<'a>) -> Option<ServerEntry<'a>> {
    let role = r.u8()?;
    Some(ServerEntry {
        role: Role::ALL.into_iter().find(|&known| known as u8 == role)?,
        id: ServerId::from_bytes(r.array()?),
        link_key: r.array()?,
        name: r.text()?,
        client_address: r.text()?,
        peer_address: r.text()?,
    })
}
