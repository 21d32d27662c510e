//! Why a PKG refuses a request.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::UnixMs;

/// Why a PKG refuses a request; nothing was done then.
///
/// None of them tells a stranger whether an address is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PkgRefusal {
    /// The address is not a canonical e-mail address.
    BadAddress,
    /// This was not signed, on this link and for this PKG, by the key that the address is registered to, or the
    /// address is not registered at all.
    NotRegistered,
    /// The PKG has no key for this round, or not any more.
    RoundNotOpen,
    /// The code is wrong.
    WrongCode {
        /// How often it may still be tried.
        tries_left: u8,
    },
    /// No code is waiting for this address and key: it was used, is too old, was tried too often, or the PKG
    /// was started anew.
    NoCode,
    /// Too many codes were asked for.
    RateLimited {
        /// When the next one can be had, in seconds.
        seconds: u32,
    },
    /// The key will replace the registered one, but not yet.
    Waiting {
        /// When it will.
        until: UnixMs,
    },
    /// The PKG cannot send mail now; the attempt was not counted.
    MailFailed,
    /// The mail server does not take mail to this address.
    MailRefused,
    /// Too much to do just now.
    Busy,
    /// The PKG cannot read or write its database.
    Unavailable,
    /// The request is malformed.
    Malformed,
}

impl fmt::Display for PkgRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAddress => "the PKG does not take this e-mail address: write it in lower case, as name@example.org",
            Self::NotRegistered => "the PKG has not registered this address to this key: register the address",
            Self::RoundNotOpen => "the PKG has no key for this round: ask again in the next one",
            Self::WrongCode { tries_left } => {
                return match tries_left {
                    0 => f.write_str("the code is wrong, and no tries are left: ask for a new one"),
                    n => write!(f, "the code is wrong: compare it with the mail (tries left: {n})"),
                };
            }
            Self::NoCode => "the PKG waits for no code here (any more): ask for a new one with `register`",
            Self::RateLimited { seconds } => {
                return write!(f, "too many codes were asked for: try again in {} min", seconds.div_ceil(60));
            }
            Self::Waiting { until } => {
                return write!(
                    f,
                    "the address has another key, which this one replaces at Unix time {} s unless the old one vetoes: wait until then",
                    until.0 / 1000
                );
            }
            Self::MailFailed => "the PKG cannot send mail now: try again in a few minutes",
            Self::MailRefused => "no mail can be sent to this address: check its spelling",
            Self::Busy => "the PKG is busy: try again in a minute",
            Self::Unavailable => "the PKG cannot use its database now: try again later, and tell its operator",
            Self::Malformed => "the PKG did not understand the request: use the same version as the network",
        })
    }
}

impl core::error::Error for PkgRefusal {}
