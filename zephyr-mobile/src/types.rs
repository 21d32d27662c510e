//! What is handed to the application and taken from it.

use std::time::{Duration, SystemTime};

use zephyr_client as client;
use zephyr_core::{Content as Kind, Role, UnixMs};

use crate::error::ZephyrError;

/// A network, as far as people want to know it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct NetworkInfo {
    /// Its id, 64 hexadecimal digits: compare it with somebody you trust.
    pub id: String,
    /// The newest version of it that is known.
    pub version: u32,
    /// How many mixers it has.
    pub mixers: u32,
    /// How many of them a round needs at least.
    pub min_mixers: u32,
    /// The names of its PKGs.
    pub pkgs: Vec<String>,
    /// How long a round is.
    pub round: Duration,
    /// How many packets every client sends in each round.
    pub packets_per_round: u32,
    /// How many bytes a packet carries.
    pub payload_len: u32,
}

/// How far the registration with a PKG has come.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PkgRegistration {
    /// Which PKG: its place in the network's list.
    pub pkg: u32,
    /// Its name.
    pub name: String,
    /// Names the key that this home has for it: the PKG's mail must show the same.
    pub fingerprint: String,
    /// How far.
    pub state: RegistrationState,
}

/// How far a registration has come, as far as this home knows.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RegistrationState {
    /// Nothing was asked for.
    NotRegistered,
    /// A code was asked for.
    CodeSent,
    /// The address is registered to this home's key.
    Registered,
    /// This home's key replaces another one later, unless that one vetoes.
    Waiting {
        /// When.
        until: SystemTime,
    },
}

/// What one PKG did.
#[derive(Clone, Debug, uniffi::Record)]
pub struct PkgAnswer {
    /// Which PKG: its place in the network's list.
    pub pkg: u32,
    /// Its name.
    pub name: String,
    /// Names the key that this home has for it: the PKG's mail must show the same.
    pub fingerprint: String,
    /// What it did.
    pub outcome: PkgOutcome,
}

/// Whether a PKG did what it was asked to.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum PkgOutcome {
    /// It did.
    Done {
        /// What it answered.
        reply: PkgReply,
    },
    /// It did not.
    Failed {
        /// Why.
        error: ZephyrError,
    },
}

/// What a PKG answers.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PkgReply {
    /// A code is on its way to the address.
    CodeSent {
        /// How long it can be used.
        valid_for: Duration,
    },
    /// The address is registered to this home's key.
    Registered,
    /// This home's key replaces another one later, unless that one vetoes.
    Waiting {
        /// When.
        until: SystemTime,
    },
    /// No replacement of this home's key is waiting any more.
    Vetoed,
    /// The registration is deleted.
    Unregistered,
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Contact {
    /// The address.
    pub address: String,
    /// What the user wrote about it; may be empty.
    pub note: String,
    /// When it was added.
    pub added_at: SystemTime,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// Bytes.
    File {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Message {
    /// Its number in the inbox, larger than those of all before it.
    pub id: u64,
    /// Who sent it, proven; none if it is anonymous.
    pub from: Option<String>,
    /// What it says.
    pub content: Content,
    /// The round that brought it.
    pub round: u64,
    /// When that was.
    pub received_at: SystemTime,
    /// Whether it was marked as seen.
    pub seen: bool,
}

/// A message that was put into the outbox, and how long sending takes if every round succeeds.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SentMessage {
    /// Its number in the outbox.
    pub id: u64,
    /// How many fragments it has.
    pub fragments: u32,
    /// In how many rounds they leave, with what waits for the same contact already.
    pub rounds: u64,
    /// Until the recipient can have all of it.
    pub time: Duration,
    /// Whether it is so long that it leaves only as the recipient acknowledges it: to somebody who has not added the
    /// user it never leaves whole.
    pub needs_acknowledgement: bool,
}

/// How far a message in the outbox has come. It can fall back, if a round turns out to be void.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Delivery {
    /// Nothing of it has left.
    Queued,
    /// Mixers have taken some of its fragments.
    Sending {
        /// How many.
        sent: u32,
        /// Of how many.
        of: u32,
    },
    /// Mixers have taken all of it, and the recipient's acknowledgement is waited for. Only people who have added the
    /// user acknowledge.
    Sent {
        /// The newest round in which a part of it was taken.
        round: u64,
    },
    /// It is in the recipient's inbox.
    Delivered,
}

/// A message in the outbox has come further, or fell back.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct DeliveryUpdate {
    /// Its number in the outbox.
    pub id: u64,
    /// How far.
    pub delivery: Delivery,
}

/// A message in the outbox, without its contents.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OutboxEntry {
    /// Its number.
    pub id: u64,
    /// To whom it goes.
    pub to: String,
    /// Whether it is a file rather than text.
    pub is_file: bool,
    /// Its length in bytes.
    pub len: u64,
    /// How many fragments it has.
    pub fragments: u32,
    /// When it was written.
    pub created_at: SystemTime,
    /// How far it has come.
    pub delivery: Delivery,
    /// When the recipient acknowledged the last of it.
    pub delivered_at: Option<SystemTime>,
}

/// Times that no clock shows are shown as 1970.
pub(crate) fn time(at: UnixMs) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(at.0))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Places and counts in a manifest are small.
pub(crate) fn small(number: usize) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

impl From<&client::Network> for NetworkInfo {
    fn from(network: &client::Network) -> Self {
        let manifest = network.manifest();
        let parameters = manifest.parameters();
        Self {
            id: network.id().to_string(),
            version: manifest.version(),
            mixers: small(manifest.servers(Role::Mixer).count()),
            min_mixers: parameters.min_mixers.into(),
            pkgs: manifest.servers(Role::Pkg).map(|pkg| pkg.name.to_owned()).collect(),
            round: Duration::from_millis(parameters.round_ms.into()),
            packets_per_round: parameters.packets_per_round.into(),
            payload_len: small(parameters.geometry.payload_len()),
        }
    }
}

impl From<client::Registration> for RegistrationState {
    fn from(state: client::Registration) -> Self {
        match state {
            client::Registration::CodeSent => Self::CodeSent,
            client::Registration::Registered => Self::Registered,
            client::Registration::Waiting { until } => Self::Waiting { until: time(until) },
            _ => Self::NotRegistered,
        }
    }
}

impl PkgRegistration {
    pub(crate) fn new(pkg: client::Pkg, state: client::Registration) -> Self {
        let (name, fingerprint) = (pkg.name, pkg.fingerprint.to_string());
        Self { pkg: small(pkg.index), name, fingerprint, state: state.into() }
    }
}

impl PkgAnswer {
    pub(crate) fn new(
        pkg: client::Pkg,
        answer: Result<client::Answer, client::RegistrationError>,
    ) -> Self {
        let outcome = match answer.map_err(ZephyrError::from).and_then(PkgReply::try_from) {
            Ok(reply) => PkgOutcome::Done { reply },
            Err(error) => PkgOutcome::Failed { error },
        };
        let (name, fingerprint) = (pkg.name, pkg.fingerprint.to_string());
        Self { pkg: small(pkg.index), name, fingerprint, outcome }
    }
}

impl TryFrom<client::Answer> for PkgReply {
    type Error = ZephyrError;

    fn try_from(answer: client::Answer) -> Result<Self, ZephyrError> {
        Ok(match answer {
            client::Answer::CodeSent { valid_for } => Self::CodeSent { valid_for },
            client::Answer::Registered => Self::Registered,
            client::Answer::Waiting { until } => Self::Waiting { until: time(until) },
            client::Answer::Vetoed => Self::Vetoed,
            client::Answer::Unregistered => Self::Unregistered,
            other => {
                let reason = format!("the PKG answered {other:?}, which this version can't show");
                return Err(ZephyrError::Unexpected { reason });
            }
        })
    }
}

impl From<client::Contact> for Contact {
    fn from(contact: client::Contact) -> Self {
        Self {
            address: contact.address.as_str().to_owned(),
            note: contact.note,
            added_at: time(contact.added_at),
        }
    }
}

impl From<client::InboxMessage> for Message {
    fn from(message: client::InboxMessage) -> Self {
        let text = message.text().map(str::to_owned);
        Self {
            id: message.id,
            from: message.from.map(|from| from.as_str().to_owned()),
            content: match text {
                Some(text) => Content::Text { text },
                None => Content::File { bytes: message.body },
            },
            round: message.round.0,
            received_at: time(message.received_at),
            seen: message.seen,
        }
    }
}

impl From<client::Queued> for SentMessage {
    fn from(queued: client::Queued) -> Self {
        let estimate = queued.estimate;
        Self {
            id: queued.id.0,
            fragments: estimate.fragments,
            rounds: estimate.rounds,
            time: estimate.time,
            needs_acknowledgement: estimate.acknowledged,
        }
    }
}

impl From<client::Delivery> for Delivery {
    fn from(delivery: client::Delivery) -> Self {
        match delivery {
            client::Delivery::Sending { sent, of } => Self::Sending { sent, of },
            client::Delivery::Sent { round } => Self::Sent { round: round.0 },
            client::Delivery::Delivered => Self::Delivered,
            _ => Self::Queued,
        }
    }
}

impl From<client::OutboxMessage> for OutboxEntry {
    fn from(message: client::OutboxMessage) -> Self {
        Self {
            id: message.id.0,
            to: message.to.as_str().to_owned(),
            is_file: message.content == Kind::File,
            len: message.len,
            fragments: message.fragments,
            created_at: time(message.created_at),
            delivery: message.delivery.into(),
            delivered_at: message.delivered_at.map(time),
        }
    }
}
