//! What clients and PKGs say to each other.

mod binding;
mod code;
mod refusal;

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

pub use binding::{Fingerprint, PkgBinding};
pub use code::{CODE_BITS, Code, CodeError};
pub use refusal::PkgRefusal;

use super::codec::Bytes;
use crate::ibe::SHARE_SIZE;
use crate::ids::{ClientKey, Round, UnixMs};

/// A client's request to a PKG. Addresses are canonical, others are refused.
///
/// A request is answered with one [`PkgReply`]; every request may be repeated.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PkgRequest<'a> {
    /// Asks for a code by mail.
    Register {
        /// The address to register.
        address: &'a str,
        /// The client's key of this PKG.
        key: ClientKey,
    },
    /// Brings the code back.
    Confirm {
        /// The address to register.
        address: &'a str,
        /// The key that the code was asked for.
        key: ClientKey,
        /// The code that the mail names.
        code: Code,
    },
    /// Stops the replacement of the registered key.
    Veto {
        /// The registered address.
        address: &'a str,
        /// By the registered key, under [`PkgBinding::veto`].
        signature: Bytes<64>,
    },
    /// Deletes the registration.
    Unregister {
        /// The registered address.
        address: &'a str,
        /// By the registered key, under [`PkgBinding::unregister`].
        signature: Bytes<64>,
    },
    /// Asks for the address's share of a round.
    Extract {
        /// The round.
        round: Round,
        /// The registered address.
        address: &'a str,
        /// By the registered key, under [`PkgBinding::extract`].
        signature: Bytes<64>,
    },
}

impl<'a> PkgRequest<'a> {
    /// The address that the request is about, as received.
    pub fn address(&self) -> &'a str {
        let (Self::Register { address, .. }
        | Self::Confirm { address, .. }
        | Self::Veto { address, .. }
        | Self::Unregister { address, .. }
        | Self::Extract { address, .. }) = self;
        address
    }
}

/// Prints no address and no code: they are personal, and `Debug` ends up in logs.
impl fmt::Debug for PkgRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register { .. } => "Register(…)",
            Self::Confirm { .. } => "Confirm(…)",
            Self::Veto { .. } => "Veto(…)",
            Self::Unregister { .. } => "Unregister(…)",
            Self::Extract { .. } => "Extract(…)",
        })
    }
}

/// A PKG's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PkgReply {
    /// A code is on its way to the address; the same answer whether the address is registered or not.
    CodeSent {
        /// How long it can be used, in seconds.
        seconds: u32,
    },
    /// The address is registered to the key.
    Registered,
    /// The code was right, and the address has another key, which stays valid until then.
    Waiting {
        /// When the new key replaces the old one, unless the old one vetoes.
        until: UnixMs,
    },
    /// No replacement is waiting any more.
    Vetoed,
    /// The registration is deleted.
    Unregistered,
    /// The share of the round's private key.
    Share(SecretShare),
    /// Nothing was done.
    Refused(PkgRefusal),
}

/// An encoded share of a private key: decode it with [`KeyShare`](crate::KeyShare). Wiped on drop, not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretShare(Zeroizing<[u8; SHARE_SIZE]>);

impl SecretShare {
    /// Around an encoded share.
    pub fn new(bytes: Zeroizing<[u8; SHARE_SIZE]>) -> Self {
        Self(bytes)
    }

    /// Its 144 bytes.
    pub fn as_bytes(&self) -> &[u8; SHARE_SIZE] {
        &self.0
    }
}

impl fmt::Debug for SecretShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretShare(…)")
    }
}

impl Serialize for SecretShare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(*self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SecretShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bytes::deserialize(deserializer).map(|bytes| Self(Zeroizing::new(bytes.0)))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;
    use crate::wire::{WireError, decode, encode};

    const KEY: ClientKey = ClientKey::from_bytes([7; 32]);

    #[test]
    fn requests_are_read_as_they_were_written() {
        let address = "bob@example.org";
        let signature = Bytes([9; 64]);
        for request in [
            PkgRequest::Register { address, key: KEY },
            PkgRequest::Confirm { address, key: KEY, code: Code::parse("0123-4567").unwrap() },
            PkgRequest::Veto { address, signature },
            PkgRequest::Unregister { address, signature },
            PkgRequest::Extract { round: Round(300), address, signature },
        ] {
            let mut buffer = [0; 256];
            let bytes = encode(&request, &mut buffer).unwrap();
            assert_eq!(decode::<PkgRequest<'_>>(bytes).as_ref(), Ok(&request));
            let cut = &bytes[..bytes.len() - 1];
            assert_eq!(decode::<PkgRequest<'_>>(cut), Err(WireError::Malformed));
        }
    }

    #[test]
    fn a_register_request_has_the_documented_bytes() {
        let mut buffer = [0; 64];
        let request = PkgRequest::Register { address: "a@b.c", key: KEY };
        let bytes = encode(&request, &mut buffer).unwrap();
        assert_eq!(bytes[..7], *b"\x00\x05a@b.c");
        assert_eq!(bytes[7..], [7; 32]);
    }

    #[test]
    fn replies_are_read_as_they_were_written() {
        let until = UnixMs(1_700_000_000_000);
        for reply in [
            PkgReply::CodeSent { seconds: 600 },
            PkgReply::Registered,
            PkgReply::Waiting { until },
            PkgReply::Vetoed,
            PkgReply::Unregistered,
            PkgReply::Share(SecretShare::new(Zeroizing::new([5; SHARE_SIZE]))),
            PkgReply::Refused(PkgRefusal::WrongCode { tries_left: 4 }),
            PkgReply::Refused(PkgRefusal::Waiting { until }),
        ] {
            let mut buffer = [0; 256];
            let bytes = encode(&reply, &mut buffer).unwrap();
            assert_eq!(decode::<PkgReply>(bytes), Ok(reply));
        }
    }

    #[test]
    fn debug_shows_neither_codes_nor_shares_nor_addresses() {
        let code = Code::parse("0123-4567").unwrap();
        let request = PkgRequest::Confirm { address: "bob@example.org", key: KEY, code };
        let shown = format!("{request:?}");
        assert!(!shown.contains("bob") && !shown.contains("0123"), "{shown}");
        let share = PkgReply::Share(SecretShare::new(Zeroizing::new([5; SHARE_SIZE])));
        assert_eq!(format!("{share:?}"), "Share(SecretShare(…))");
    }
}
