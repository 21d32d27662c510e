//! The manifest: the servers of a network, its parameters and policies.

use core::fmt;

use zeroize::Zeroizing;

use crate::crypto::hash::{Label, hash, kdf};
use crate::geometry::Geometry;
use crate::ids::{Mailbox, ManifestHash, NetworkId, Round, ServerId, UnixMs};
use crate::onion::{MAX_MIXERS, RouteMode};
use crate::wire::cursor::{Reader, Writer};

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

/// The parameters of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Hops and payload length.
    pub geometry: Geometry,
    /// How packets travel.
    pub routes: RouteMode,
    /// The fewest mixers that a directory may have; more than half of those listed.
    pub min_mixers: u8,
    /// Packets that every client sends in every round: its number of peer slots.
    pub packets_per_round: u8,
    /// Number of mailboxes.
    pub mailboxes: u32,
    /// On how many mailbox servers each mailbox is kept.
    pub replicas: u8,
    /// When round 0 would have begun to take packets.
    pub genesis: UnixMs,
    /// Milliseconds from one round's submit phase to the next one's.
    pub round_ms: u32,
    /// Milliseconds before the submit phase at which a round opens.
    pub open_ms: u32,
    /// Length of the submit phase in milliseconds, at most `round_ms`.
    pub submit_ms: u32,
    /// Length of each mix phase in milliseconds.
    pub phase_ms: u32,
    /// Milliseconds for the delivery to the mailboxes.
    pub deliver_ms: u32,
    /// Milliseconds in which clients download; then the round closes.
    pub download_ms: u32,
    /// Noise of each mixer in each mailbox: mean of the Laplace distribution, in thousandths of a message.
    pub noise_mu: u32,
    /// Its scale, in thousandths of a message.
    pub noise_b: u32,
    /// The fewest packets of its own, noise and cover together, that a mixer adds in a phase. What came in does not
    /// count: it may all be an adversary's.
    pub min_batch: u32,
}

/// The times of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Mixers and PKGs publish their keys.
    pub opens: UnixMs,
    /// Clients submit from here…
    pub submit_from: UnixMs,
    /// …to here. PKGs erase their round secret.
    pub submit_until: UnixMs,
    /// Length of each mix phase.
    pub phase_ms: u32,
    /// All messages are in the mailboxes: clients download from here…
    pub deliver_until: UnixMs,
    /// …to here. Mailboxes may be emptied.
    pub closes: UnixMs,
}

impl Schedule {
    /// When phase `phase` must be complete: everything from its predecessors has come.
    pub const fn phase_deadline(&self, phase: usize) -> UnixMs {
        self.submit_until
            .plus((self.phase_ms as u64).saturating_mul((phase as u64).saturating_add(1)))
    }
}

impl Parameters {
    /// The times of `round`: they follow from the manifest alone, so that a coordinator can't stretch them.
    pub fn schedule(&self, round: Round) -> Schedule {
        let submit_from = self.genesis.plus(round.0.saturating_mul(self.round_ms.into()));
        let submit_until = submit_from.plus(self.submit_ms.into());
        let mix_ms = u64::from(self.phase_ms) * self.geometry.hops() as u64;
        let deliver_until = submit_until.plus(mix_ms + u64::from(self.deliver_ms));
        Schedule {
            opens: UnixMs(submit_from.0.saturating_sub(self.open_ms.into())),
            submit_from,
            submit_until,
            phase_ms: self.phase_ms,
            deliver_until,
            closes: deliver_until.plus(self.download_ms.into()),
        }
    }

    /// The last round that has opened by `now`; `None` before the first.
    pub fn opened_by(&self, now: UnixMs) -> Option<Round> {
        let since = now.plus(self.open_ms.into()).0.checked_sub(self.genesis.0)?;
        Some(Round(since / u64::from(self.round_ms)))
    }

    /// How long a round takes from opening to closing, in milliseconds.
    pub fn span_ms(&self) -> u64 {
        let schedule = self.schedule(Round(1_000));
        schedule.closes.since(schedule.opens)
    }

    fn parse(r: &mut Reader<'_>) -> Option<Self> {
        let (hops, payload_len) = (r.u8()?, r.u16()?);
        Some(Self {
            geometry: Geometry::new(hops.into(), payload_len.into())?,
            routes: RouteMode::from_byte(r.u8()?)?,
            min_mixers: r.u8()?,
            packets_per_round: r.u8()?,
            mailboxes: r.u32()?,
            replicas: r.u8()?,
            genesis: UnixMs(r.u64()?),
            round_ms: r.u32()?,
            open_ms: r.u32()?,
            submit_ms: r.u32()?,
            phase_ms: r.u32()?,
            deliver_ms: r.u32()?,
            download_ms: r.u32()?,
            noise_mu: r.u32()?,
            noise_b: r.u32()?,
            min_batch: r.u32()?,
        })
    }

    fn encode(&self, w: &mut Writer<'_>) {
        w.put(&[self.geometry.hops() as u8])
            .put(&(self.geometry.payload_len() as u16).to_be_bytes())
            .put(&[self.routes as u8, self.min_mixers, self.packets_per_round])
            .put(&self.mailboxes.to_be_bytes())
            .put(&[self.replicas])
            .put(&self.genesis.0.to_be_bytes());
        let numbers = [
            self.round_ms,
            self.open_ms,
            self.submit_ms,
            self.phase_ms,
            self.deliver_ms,
            self.download_ms,
            self.noise_mu,
            self.noise_b,
            self.min_batch,
        ];
        numbers.iter().for_each(|n| {
            w.put(&n.to_be_bytes());
        });
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
