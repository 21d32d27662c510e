//! What a client's signatures to a PKG say, and the fingerprint that mails name.

use core::fmt;

use crate::crypto::hash::{Label, hash};
use crate::identity::Address;
use crate::ids::{ClientKey, NetworkId, Round, ServerId};

/// What binds a client's signature to one PKG of one network and to one link: neither that PKG nor anybody else can
/// use it elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct PkgBinding<'a> {
    /// The network.
    pub network: &'a NetworkId,
    /// The PKG's identity in the manifest.
    pub pkg: &'a ServerId,
    /// The Noise handshake hash of the link that carries the request.
    pub handshake: &'a [u8; 32],
}

impl PkgBinding<'_> {
    /// What the registered key signs to get a share: label, network, round (8 bytes, big-endian), PKG identity,
    /// address, handshake hash.
    pub fn extract(&self, round: Round, address: &Address) -> [u8; 32] {
        let Self { network, pkg, handshake } = self;
        let round = round.0.to_be_bytes();
        hash(
            Label::EXTRACT,
            &[network.as_bytes(), &round, pkg.as_bytes(), address.as_bytes(), *handshake],
        )
    }

    /// What the registered key signs to stop its replacement.
    pub fn veto(&self, address: &Address) -> [u8; 32] {
        self.hash(Label::VETO, address)
    }

    /// What the registered key signs to delete the registration.
    pub fn unregister(&self, address: &Address) -> [u8; 32] {
        self.hash(Label::UNREGISTER, address)
    }

    fn hash(&self, label: Label, address: &Address) -> [u8; 32] {
        let Self { network, pkg, handshake } = self;
        hash(label, &[network.as_bytes(), pkg.as_bytes(), address.as_bytes(), *handshake])
    }
}

/// The short name of a client's key, for people to compare: 80 bits, shown as `1a2b 3c4d 5e6f 7a8b 9c0d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 10]);

impl ClientKey {
    /// The key's fingerprint, which the PKG's mail names and the client shows.
    pub fn fingerprint(&self, network: &NetworkId) -> Fingerprint {
        let digest = hash(Label::FINGERPRINT, &[network.as_bytes(), self.as_bytes()]);
        Fingerprint(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chunks(2).enumerate().try_for_each(|(i, pair)| {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{:02x}{:02x}", pair[0], pair[1])
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;

    const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
    const PKG: ServerId = ServerId::from_bytes([2; 32]);
    const OTHER: ServerId = ServerId::from_bytes([3; 32]);

    #[test]
    fn every_field_is_bound() {
        let address = Address::parse("bob@example.org").unwrap();
        let here = PkgBinding { network: &NETWORK, pkg: &PKG, handshake: &[4; 32] };
        let elsewhere = [
            PkgBinding { network: &NetworkId::from_bytes([9; 32]), ..here },
            PkgBinding { pkg: &OTHER, ..here },
            PkgBinding { handshake: &[5; 32], ..here },
        ];
        for other in elsewhere {
            assert_ne!(here.extract(Round(1), &address), other.extract(Round(1), &address));
            assert_ne!(here.veto(&address), other.veto(&address));
            assert_ne!(here.unregister(&address), other.unregister(&address));
        }
        let alice = Address::parse("alice@example.org").unwrap();
        assert_ne!(here.extract(Round(1), &address), here.extract(Round(2), &address));
        assert_ne!(here.extract(Round(1), &address), here.extract(Round(1), &alice));
        assert_ne!(here.veto(&address), here.unregister(&address));
    }

    #[test]
    fn fingerprints_are_five_groups_of_four_digits() {
        let shown = format!("{}", ClientKey::from_bytes([1; 32]).fingerprint(&NETWORK));
        assert_eq!(shown.len(), 24);
        assert!(shown.split(' ').all(|group| group.len() == 4));
        assert_ne!(shown, format!("{}", ClientKey::from_bytes([2; 32]).fingerprint(&NETWORK)));
    }
}
