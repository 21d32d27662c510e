//! People: canonical e-mail addresses and their points on the curve.

use core::fmt;
use core::str::FromStr;

use crate::crypto::hash::{Label, hash};
use crate::crypto::pairing::{G1_SIZE, G2_SIZE, Pairing, Point};
use crate::ids::{Mailbox, NetworkId};

/// The longest address in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const MAX_ADDRESS: usize = 254;
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;

const G1_DST: &[u8] = b"ZEPHYR-V1-IDENTITY-BLS12381G1_XMD:SHA-256_SSWU_RO_";
const G2_DST: &[u8] = b"ZEPHYR-V1-IDENTITY-BLS12381G2_XMD:SHA-256_SSWU_RO_";

/// A canonical e-mail address: ASCII, trimmed, lower case, at most 254 bytes, international domains as A-labels.
///
/// The local part is a dot-atom (RFC 5322, section 3.2.3) of at most 64 bytes, the domain at least two labels
/// of letters, digits and inner hyphens. Everybody is known by exactly one spelling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(heapless::String<MAX_ADDRESS, u8>);

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Longer than 254 bytes, or the part before the `@` longer than 64.
    TooLong,
    /// A character outside ASCII: write an international domain as `xn--…`.
    NotAscii,
    /// No `@`, or nothing before it.
    NoAt,
    /// The part before the `@` has a character or a dot where none may be.
    Local,
    /// The part behind the `@` is no domain name of at least two labels.
    Domain,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the e-mail address is too long (at most 254 characters, 64 before the @)",
            Self::NotAscii => {
                "the e-mail address has a character outside ASCII: write an international domain as xn--…"
            }
            Self::NoAt => "an e-mail address has the form name@example.org",
            Self::Local => "the part of the e-mail address before the @ has a character that is not allowed there",
            Self::Domain => "the part of the e-mail address behind the @ is not a domain name such as example.org",
        })
    }
}

impl core::error::Error for AddressError {}

impl Address {
    /// Reads an address as people write it, and makes it canonical.
    ///
    /// # Errors
    /// Says what keeps `text` from being an address.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if !text.is_ascii() {
            return Err(AddressError::NotAscii);
        }
        if text.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if local.is_empty() {
            return Err(AddressError::NoAt);
        }
        if local.len() > MAX_LOCAL {
            return Err(AddressError::TooLong);
        }
        if !local.split('.').all(is_atom) {
            return Err(AddressError::Local);
        }
        if !(domain.contains('.') && domain.split('.').all(is_label)) {
            return Err(AddressError::Domain);
        }
        let mut canonical = heapless::String::new();
        for c in text.chars() {
            canonical.push(c.to_ascii_lowercase()).map_err(|_| AddressError::TooLong)?;
        }
        Ok(Self(canonical))
    }

    /// Reads an address that must be canonical already, as all are on the wire.
    pub fn from_canonical(text: &str) -> Option<Self> {
        Self::parse(text).ok().filter(|a| a.as_str() == text)
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The canonical text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The mailbox of this address among `mailboxes` (at least 1), the same in every round.
    pub fn mailbox(&self, network: &NetworkId, mailboxes: u32) -> Mailbox {
        let digest = hash(Label::MAILBOX, &[network.as_bytes(), self.as_bytes()]);
        let (head, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
        // 64 bits against at most 32: the bias is below 2^-32.
        Mailbox((u64::from_be_bytes(*head) % u64::from(mailboxes)) as u32)
    }
}

fn is_atom(atom: &str) -> bool {
    !atom.is_empty()
        && atom.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Prints no address: addresses are personal, and `Debug` ends up in logs.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// An address and its two points on the curve. There is no round in them: compute them once for each contact.
#[derive(Clone)]
pub struct Identity<P: Pairing> {
    address: Address,
    q1: P::G1,
    q2: P::Prepared,
}

impl<P: Pairing> Identity<P> {
    /// Hashes `address` to G1 and G2.
    pub fn new(network: &NetworkId, address: Address) -> Self {
        let (q1, q2) = (Self::hash_g1(network, &address), Self::hash_g2(network, &address));
        Self { address, q1, q2: P::prepare(&q2) }
    }

    pub(crate) fn hash_g1(network: &NetworkId, address: &Address) -> P::G1 {
        hash_point(network, address, G1_DST)
    }

    pub(crate) fn hash_g2(network: &NetworkId, address: &Address) -> P::G2 {
        hash_point(network, address, G2_DST)
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its two points, compressed: Q1 in G1 and Q2 in G2.
    pub fn points(&self) -> ([u8; G1_SIZE], [u8; G2_SIZE]) {
        let (mut q1, mut q2) = ([0; G1_SIZE], [0; G2_SIZE]);
        self.q1.encode(&mut q1);
        self.q2().encode(&mut q2);
        (q1, q2)
    }

    pub(crate) fn q1(&self) -> &P::G1 {
        &self.q1
    }

    pub(crate) fn q2(&self) -> &P::G2 {
        P::point(&self.q2)
    }

    pub(crate) fn q2_prepared(&self) -> &P::Prepared {
        &self.q2
    }
}

/// The two points of an address, of which a PKG makes its shares. There is no round in them, and no secret.
pub struct IdentityPoints<P: Pairing> {
    pub(crate) q1: P::G1,
    pub(crate) q2: P::G2,
}

impl<P: Pairing> IdentityPoints<P> {
    /// Hashes `address` to G1 and G2.
    pub fn new(network: &NetworkId, address: &Address) -> Self {
        let q1 = Identity::<P>::hash_g1(network, address);
        Self { q1, q2: Identity::<P>::hash_g2(network, address) }
    }
}

impl<P: Pairing> fmt::Debug for IdentityPoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityPoints(…)")
    }
}

/// RFC 9380 over `network ‖ address`; the network id has a fixed length, so nothing runs into each other.
fn hash_point<S, T: Point<S>>(network: &NetworkId, address: &Address, dst: &[u8]) -> T {
    let mut message = [0; 32 + MAX_ADDRESS];
    message[..32].copy_from_slice(network.as_bytes());
    let end = 32 + address.as_bytes().len();
    message[32..end].copy_from_slice(address.as_bytes());
    T::hash(dst, &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        let address = Address::parse(" Alice.B+tag@Example.ORG \n").unwrap();
        assert_eq!(address.as_str(), "alice.b+tag@example.org");
        assert!(Address::from_canonical("Alice@example.org").is_none());
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        use AddressError::*;
        for (text, why) in [
            ("", NoAt),
            ("alice", NoAt),
            ("@example.org", NoAt),
            ("al ice@example.org", Local),
            ("a..b@example.org", Local),
            (".a@example.org", Local),
            ("a@b@example.org", Local),
            ("a@localhost", Domain),
            ("a@-x.org", Domain),
            ("a@x-.org", Domain),
            ("a@x..org", Domain),
            ("a@ex_ample.org", Domain),
            ("ä@example.org", NotAscii),
            ("a@exämple.org", NotAscii),
        ] {
            assert_eq!(Address::parse(text), Err(why), "{text}");
        }
        let long = [b'a'; 65];
        let mut text = heapless::String::<300>::new();
        text.push_str(core::str::from_utf8(&long).unwrap()).unwrap();
        text.push_str("@example.org").unwrap();
        assert_eq!(Address::parse(&text), Err(TooLong));
    }

    #[test]
    fn debug_shows_no_address() {
        extern crate std;
        let address = Address::parse("alice@example.org").unwrap();
        assert!(!std::format!("{address:?}").contains("alice"));
    }
}
