//! What an operator can set.

/// So many at once, and after that one every `window_ms / burst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// How many may come at once; at least 1.
    pub burst: u32,
    /// Milliseconds until so many may come again.
    pub window_ms: u64,
}

/// The limits of registration at a PKG.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PkgRules {
    /// How long a code can be used: 10 minutes.
    pub code_lifetime_ms: u64,
    /// How often a code may be tried: 5 times.
    pub tries: u8,
    /// How long a new key waits before it replaces another: 24 hours.
    pub replacement_wait_ms: u64,
    /// Mails that one peer may have sent, whatever the addresses: 10 in 10 minutes.
    pub peer: Quota,
    /// Mails that one peer may have sent to one address, so that it cannot use up what the address has: 3 in 10
    /// minutes.
    pub peer_and_address: Quota,
    /// Mails to one address: 6 in 10 minutes.
    pub address: Quota,
    /// Mails to one address over a longer time: 20 a day.
    pub address_long: Quota,
    /// How many codes may be waited for: 65,536 (about 400 bytes of memory each).
    pub max_pendings: usize,
    /// How many peers and addresses are counted: 262,144 (about 60 bytes of memory each).
    pub max_counted: usize,
}

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

impl Default for PkgRules {
    fn default() -> Self {
        Self {
            code_lifetime_ms: 10 * MINUTE,
            tries: 5,
            replacement_wait_ms: DAY,
            peer: Quota { burst: 10, window_ms: 10 * MINUTE },
            peer_and_address: Quota { burst: 3, window_ms: 10 * MINUTE },
            address: Quota { burst: 6, window_ms: 10 * MINUTE },
            address_long: Quota { burst: 20, window_ms: DAY },
            max_pendings: 65_536,
            max_counted: 262_144,
        }
    }
}
