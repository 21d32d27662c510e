//! The manifest: the servers of a network, its parameters and policies.

use core::fmt;

use crate::crypto::hash::{Label, hash};
use crate::ids::{Mailbox, ManifestHash, NetworkId, Round, ServerId};
use crate::onion::MAX_MIXERS;
use crate::wire::cursor::{Reader, Writer};

use super::parameters::Parameters;
use super::server::{Role, ServerEntry};

const FORMAT: u8 = 1;
/// The most servers of one role that a manifest can list.
pub const MAX_SERVERS: usize = MAX_MIXERS;
/// The longest manifest in bytes.
pub const MAX_MANIFEST: usize = 64 * 1024;

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
    /// What a later version follows, and from which round on it is in effect.
    origin: Option<(ManifestHash, Round)>,
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
        let (manifest, rest) = Self::parse_front(bytes)?;
        rest.is_empty().then_some(manifest).ok_or(ManifestError::Malformed)
    }

    /// A checked manifest at the front of `bytes`, and what is behind it.
    pub(super) fn parse_front(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ManifestError> {
        let manifest = Self::read(bytes).ok_or(ManifestError::Malformed)?;
        manifest.check()?;
        let rest = &bytes[manifest.bytes.len()..];
        Ok((manifest, rest))
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        if r.u8()? != FORMAT {
            return None;
        }
        let version = r.u32()?;
        let network = NetworkId::from_bytes(r.array()?);
        let origin = match version {
            0 => None,
            _ => Some((ManifestHash::from_bytes(r.array()?), Round(r.u64()?))),
        };
        let parameters = Parameters::parse(&mut r)?;
        let count = usize::from(r.u16()?);
        let servers = r.clone();
        for _ in 0..count {
            ServerEntry::parse(&mut r)?;
        }
        let bytes = &bytes[..bytes.len() - r.rest().len()];
        // Version 0 cannot contain its own hash; its field is zero.
        let network = match version {
            0 if *network.as_bytes() == [0; 32] => {
                NetworkId::from_bytes(hash(Label::MANIFEST, &[bytes]))
            }
            0 => return None,
            _ => network,
        };
        Some(Self { bytes, servers, count, parameters, network, version, origin })
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
        Self::finish(w, parameters, servers).and_then(|len| Self::parsed(out, len))
    }

    /// Writes the version that follows `previous`, in effect from the round `from` on, into `out` and returns its
    /// length. Whether it may follow is for [`Manifest::check_follows`] to say.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn encode_next<'s>(
        previous: &Manifest<'_>,
        from: Round,
        parameters: &Parameters,
        servers: impl ExactSizeIterator<Item = ServerEntry<'s>>,
        out: &mut [u8],
    ) -> Result<usize, ManifestError> {
        let version = previous.version.checked_add(1).ok_or(ManifestError::TooLong)?;
        let mut w = Writer::new(out);
        w.put(&[FORMAT]).put(&version.to_be_bytes()).put(previous.network.as_bytes());
        w.put(previous.hash().as_bytes()).put(&from.0.to_be_bytes());
        Self::finish(w, parameters, servers).and_then(|len| Self::parsed(out, len))
    }

    fn finish<'s>(
        mut w: Writer<'_>,
        parameters: &Parameters,
        servers: impl ExactSizeIterator<Item = ServerEntry<'s>>,
    ) -> Result<usize, ManifestError> {
        parameters.encode(&mut w);
        w.put(&(servers.len() as u16).to_be_bytes());
        for s in servers {
            s.encode(&mut w);
        }
        w.finish().ok_or(ManifestError::TooLong)
    }

    fn parsed(out: &[u8], len: usize) -> Result<usize, ManifestError> {
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

    /// The round from which on this version is in effect, until the next one's; 0 for version 0.
    pub fn from_round(&self) -> Round {
        self.origin.map_or(Round(0), |(_, from)| from)
    }

    /// The hash of the version before; `None` for version 0.
    pub fn previous(&self) -> Option<ManifestHash> {
        self.origin.map(|(previous, _)| previous)
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
        (0..self.count).map_while(move |_| ServerEntry::parse(&mut r))
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
