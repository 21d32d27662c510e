//! What is sent: how a message is cut into fragments, and how long that takes.

use std::time::Duration;

use zephyr_core::stream::{WINDOW, resend_after};
use zephyr_core::{Address, Content, Parameters, Payload, Round};

use crate::store::{MAX_MESSAGE, StoreError};

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    File(Vec<u8>),
}

/// Why a message cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing to say.
    #[error("the text is empty: write something")]
    EmptyText,
    /// Longer than any message may be.
    #[error("the message has {len} bytes, the most are {max}: shorten or split it")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest that can be sent in this network, in bytes.
        max: usize,
    },
    /// To oneself.
    #[error("this is your own address: write to somebody else")]
    OwnAddress,
    /// To somebody who is blocked.
    #[error("{0} is blocked: unblock it first")]
    Blocked(Box<Address>),
    /// The sender's address takes all of a payload.
    #[error(
        "your address is too long for this network, whose payloads have {payload_len} bytes: register a shorter one"
    )]
    AddressTooLong {
        /// The payload's length in bytes.
        payload_len: usize,
    },
    /// The session that runs has no place for another contact.
    #[error("no more contacts than {places} fit while zephyr is running: start it again")]
    ContactsFull {
        /// How many fit.
        places: usize,
    },
    /// The home cannot be used.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Blocked(address) => Self::Blocked(address),
            error => Self::Store(error),
        }
    }
}

/// How long sending takes if every round succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// How many fragments the message has.
    pub fragments: u32,
    /// In how many rounds they leave, with what is queued for the same contact already.
    pub rounds: u64,
    /// Until the recipient can have the last of them.
    pub time: Duration,
    /// Whether it has so many that it leaves only as the recipient acknowledges it. To somebody who has not added
    /// the user it never leaves whole: what was not acknowledged is sent again first.
    pub acknowledged: bool,
}

impl Message {
    pub(crate) fn content(&self) -> Content {
        match self {
            Self::Text(_) => Content::Text,
            Self::File(_) => Content::File,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::File(bytes) => bytes,
        }
    }

    /// How many bytes go into each fragment of this message, if it can be sent at all.
    pub(crate) fn chunk(&self, own: &Address, payload_len: usize) -> Result<usize, SendError> {
        let chunk = Payload::capacity(payload_len, Some(own));
        if chunk == 0 {
            return Err(SendError::AddressTooLong { payload_len });
        }
        let (len, max) = (self.bytes().len(), MAX_MESSAGE.min(chunk * usize::from(u16::MAX)));
        if matches!(self, Self::Text(text) if text.trim().is_empty()) {
            return Err(SendError::EmptyText);
        }
        if len > max {
            return Err(SendError::TooLong { len, max });
        }
        Ok(chunk)
    }
}

/// Prints no contents: `Debug` ends up in logs.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({} bytes)", self.content(), self.bytes().len())
    }
}

impl Estimate {
    /// Of `fragments` behind which `ahead` more wait for the same one of `contacts` contacts.
    pub(crate) fn new(parameters: &Parameters, fragments: u32, ahead: u64, contacts: u64) -> Self {
        let (slots, contacts) = (u64::from(parameters.packets_per_round), contacts.max(1));
        let all = ahead + u64::from(fragments);
        let rounds = if contacts <= slots {
            all.div_ceil(slots / contacts)
        } else {
            (all * contacts).div_ceil(slots)
        };
        let schedule = parameters.schedule(Round(0));
        let one = schedule.closes.since(schedule.submit_from);
        let ms = (rounds.saturating_sub(1)) * u64::from(parameters.round_ms) + one;
        // What leaves before the first of it is sent again, if nothing of it is acknowledged.
        let patience = resend_after(parameters, usize::try_from(contacts).unwrap_or(usize::MAX));
        let unasked = (patience * slots / contacts).clamp(1, WINDOW.into());
        let acknowledged = u64::from(fragments) > unasked;
        Self { fragments, rounds, time: Duration::from_millis(ms), acknowledged }
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::{Geometry, RouteMode, UnixMs};

    use super::*;

    fn parameters(slots: u8) -> Parameters {
        Parameters {
            geometry: Geometry::new(3, 1_024).unwrap(),
            routes: RouteMode::Round,
            min_mixers: 3,
            packets_per_round: slots,
            mailboxes: 1,
            replicas: 1,
            genesis: UnixMs(0),
            round_ms: 2_000,
            open_ms: 500,
            submit_ms: 1_000,
            phase_ms: 300,
            deliver_ms: 300,
            download_ms: 800,
            noise_mu: 0,
            noise_b: 0,
            min_batch: 0,
        }
    }

    #[test]
    fn the_estimate_counts_the_share_of_the_slots() {
        let rounds = |fragments, ahead, contacts| {
            Estimate::new(&parameters(4), fragments, ahead, contacts).rounds
        };
        assert_eq!(rounds(1, 0, 1), 1);
        assert_eq!(rounds(4, 0, 1), 1);
        assert_eq!(rounds(4, 1, 1), 2);
        assert_eq!(rounds(4, 0, 3), 4, "one slot is certain");
        assert_eq!(rounds(4, 0, 8), 8, "a slot in every other round");
        let one = Estimate::new(&parameters(4), 1, 0, 1);
        assert_eq!(one.time, Duration::from_millis(1_000 + 900 + 300 + 800));
        let two = Estimate::new(&parameters(4), 5, 0, 1);
        assert_eq!(two.time, one.time + Duration::from_secs(2));
        let acknowledged = |fragments, contacts| {
            Estimate::new(&parameters(4), fragments, 0, contacts).acknowledged
        };
        assert!(!acknowledged(20, 1) && acknowledged(21, 1), "four slots, five rounds");
        assert!(!acknowledged(4, 8) && acknowledged(5, 8));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_the_reason() {
        let own = Address::parse("alice@example.org").unwrap();
        let long = format!("{}@{}.org", "a".repeat(64), "b".repeat(60));
        let long = Address::parse(&long).unwrap();
        let chunk = |message: Message, own: &Address, len| {
            message.chunk(own, len).map_err(|e| e.to_string())
        };
        let text = |t: &str| Message::Text(t.into());
        assert_eq!(chunk(text("hi"), &own, 1_024), Ok(1_024 - 35 - 17));
        assert!(chunk(text(" \n"), &own, 1_024).unwrap_err().contains("empty"));
        assert_eq!(chunk(Message::File(vec![]), &own, 1_024), Ok(972));
        assert!(chunk(text("hi"), &long, 128).unwrap_err().contains("too long"));
        assert!(chunk(Message::File(vec![0; MAX_MESSAGE]), &own, 1_024).is_ok());
        let error = chunk(Message::File(vec![0; MAX_MESSAGE + 1]), &own, 1_024).unwrap_err();
        assert!(error.contains("1048577 bytes"), "{error}");
        assert!(!format!("{:?}", text("secret")).contains("secret"));
    }
}
