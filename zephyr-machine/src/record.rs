//! The records that servers keep for each other in the DHT: small, signed, checked before they are stored.
//!
//! ```text
//! key   = kind 1 ‖ round 8 ‖ index of the server among those of its role 2
//! kind 0: a mixer's announcement 104        kind 1: a PKG's announcement 280
//! kind 2: a mixer's signature under the round's directory:
//!         directory hash 32 ‖ number of mixers 1 ‖ their indices, 2 each, ascending ‖ signature 64
//! kind 3: a mixer's readiness, for operators: phase 1 ‖ signature 64
//! ```

use zephyr_core::{
    DirectoryHash, Label, MAX_MIXERS, MixerAnnouncement, MixerIndex, NetworkId, PkgAnnouncement,
    Round, SIGNATURE_SIZE, ServerId, Signature, Suite, hash,
};

/// Length in bytes of a record's key.
pub const KEY_SIZE: usize = 11;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A mixer's round key.
    MixerKey = 0,
    /// A PKG's round key.
    PkgKey = 1,
    /// A mixer's signature under the round's directory.
    Signed = 2,
    /// How far a mixer has come in the round.
    Ready = 3,
}

/// A record's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// What it is.
    pub kind: RecordKind,
    /// The round.
    pub round: Round,
    /// Whose it is: the server's index among those of its role.
    pub index: u16,
}

impl RecordKey {
    /// Encodes the key.
    pub fn to_bytes(self) -> [u8; KEY_SIZE] {
        let mut out = [self.kind as u8; KEY_SIZE];
        out[1..9].copy_from_slice(&self.round.0.to_be_bytes());
        out[9..].copy_from_slice(&self.index.to_be_bytes());
        out
    }

    /// Decodes a key.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; KEY_SIZE] = bytes.try_into().ok()?;
        let kind = match bytes[0] {
            0 => RecordKind::MixerKey,
            1 => RecordKind::PkgKey,
            2 => RecordKind::Signed,
            3 => RecordKind::Ready,
            _ => return None,
        };
        let round = Round(u64::from_be_bytes(bytes[1..9].try_into().ok()?));
        Some(Self { kind, round, index: u16::from_be_bytes([bytes[9], bytes[10]]) })
    }
}

/// A mixer's signature under a directory, with what others need to put that directory together from the
/// announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRecord {
    /// The directory.
    pub directory: DirectoryHash,
    /// Its mixers, ascending.
    pub mixers: Vec<MixerIndex>,
    /// The signature, as it stands in the directory.
    pub signature: [u8; SIGNATURE_SIZE],
}

impl SignedRecord {
    /// Encodes the record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.directory.as_bytes().to_vec();
        out.push(self.mixers.len() as u8);
        self.mixers.iter().for_each(|m| out.extend(m.0.to_be_bytes()));
        out.extend(self.signature);
        out
    }

    /// Decodes a record; checks the form, not the signature.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let (directory, rest) = bytes.split_first_chunk::<32>()?;
        let (&count, rest) = rest.split_first()?;
        let (mixers, signature) = rest.split_at_checked(usize::from(count) * 2)?;
        let mixers: Vec<_> = mixers
            .chunks_exact(2)
            .map(|pair| MixerIndex(u16::from_be_bytes([pair[0], pair[1]])))
            .collect();
        let ascending = mixers.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || mixers.len() > MAX_MIXERS {
            return None;
        }
        let directory = DirectoryHash::from_bytes(*directory);
        Some(Self { directory, mixers, signature: signature.try_into().ok()? })
    }
}

/// A mixer's signed statement that it has finished phase `phase` of a round. Nothing trusts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyRecord {
    /// The phase.
    pub phase: u8,
    /// The signature over network, round and phase.
    pub signature: [u8; SIGNATURE_SIZE],
}

impl ReadyRecord {
    /// Signs with the mixer's identity.
    pub fn sign<S: Suite>(seed: &[u8; 32], network: &NetworkId, round: Round, phase: u8) -> Self {
        Self { phase, signature: S::Signature::sign(seed, &Self::digest(network, round, phase)) }
    }

    /// Whether `server` signed this.
    pub fn verify<S: Suite>(&self, network: &NetworkId, round: Round, server: &ServerId) -> bool {
        let digest = Self::digest(network, round, self.phase);
        S::Signature::verify(server.as_bytes(), &digest, &self.signature)
    }

    fn digest(network: &NetworkId, round: Round, phase: u8) -> [u8; 32] {
        hash(Label::READY, &[network.as_bytes(), &round.0.to_be_bytes(), &[phase]])
    }

    /// Encodes the record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.phase];
        out.extend(self.signature);
        out
    }

    /// Decodes a record; checks the length only.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let (&phase, signature) = bytes.split_first()?;
        Some(Self { phase, signature: signature.try_into().ok()? })
    }
}

/// A record taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// See [`RecordKind::MixerKey`].
    MixerKey(MixerAnnouncement),
    /// See [`RecordKind::PkgKey`].
    PkgKey(PkgAnnouncement),
    /// See [`RecordKind::Signed`].
    Signed(SignedRecord),
    /// See [`RecordKind::Ready`].
    Ready(ReadyRecord),
}

impl Record {
    /// Decodes the value under `key`; checks the form and that it is of the key's round.
    pub fn from_slice(key: &RecordKey, value: &[u8]) -> Option<Self> {
        match key.kind {
            RecordKind::MixerKey => MixerAnnouncement::from_slice(value)
                .filter(|a| a.round == key.round)
                .map(Self::MixerKey),
            RecordKind::PkgKey => PkgAnnouncement::from_slice(value)
                .filter(|a| a.round == key.round)
                .map(Self::PkgKey),
            RecordKind::Signed => SignedRecord::from_slice(value).map(Self::Signed),
            RecordKind::Ready => ReadyRecord::from_slice(value).map(Self::Ready),
        }
    }

    /// Encodes the value.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::MixerKey(a) => a.to_bytes().to_vec(),
            Self::PkgKey(a) => a.to_bytes().to_vec(),
            Self::Signed(record) => record.to_bytes(),
            Self::Ready(record) => record.to_bytes(),
        }
    }
}
