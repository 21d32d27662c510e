//! Alice, Bob and Mallory in one round.

use bls12_381::G1Affine;
use zephyr_core::*;

use super::reference::{self, Sealing, q2};
use super::*;

pub const SLOT: u16 = 3;
pub const DIRECTORY: [u8; 32] = [1; 32];
pub const TEXT: &[u8] = b"meet me at noon";

pub fn geometry() -> Geometry {
    Geometry::new(3, 128).unwrap()
}

/// A round, and people in it.
pub struct Stage {
    pub world: World,
    pub alice: Person,
    pub bob: Person,
    pub mallory: Person,
}

impl Stage {
    pub fn new() -> Self {
        let world = World::new(1, 2, 5, DIRECTORY[0]);
        let person = |name: &str| world.person(&format!("{name}@example.org"));
        let (alice, bob, mallory) = (person("alice"), person("bob"), person("mallory"));
        Self { world, alice, bob, mallory }
    }

    /// Alice's message to Bob.
    pub fn message(&self) -> Vec<u8> {
        seal(&self.world, Some(&self.alice), SLOT, &self.bob.identity, TEXT, geometry(), 1)
    }

    pub fn anonymous(&self) -> Vec<u8> {
        seal(&self.world, None, SLOT, &self.bob.identity, TEXT, geometry(), 1)
    }

    /// The key under which `sender` writes to Bob, as Bob computes it.
    pub fn key_from(&self, sender: &Person) -> SenderKey {
        SenderKey::from(&sender.identity, self.bob.identity.address(), &self.bob.key)
    }

    pub fn opener(&self) -> Opener<'_, P> {
        Opener::new(&self.world.context, self.bob.identity.address(), &self.bob.key)
    }

    /// Bob's trial decryption.
    pub fn opens(&self, message: &[u8]) -> bool {
        self.opener().open(&mut message.to_vec()).is_some()
    }

    /// Bob opens as if the message had Alice's tag of `SLOT`.
    pub fn opens_from_alice(&self, message: &[u8]) -> bool {
        let (alice, key) = (self.alice.identity.address(), self.key_from(&self.alice));
        self.opener().open_from(alice, &key, SLOT, &mut message.to_vec()).is_some()
    }

    /// Neither way.
    pub fn refuses(&self, message: &[u8], what: &str) {
        assert!(!self.opens(message), "{what}");
        assert!(!self.opens_from_alice(message), "{what}, by tag");
    }

    /// What somebody who reads the book seals for Bob.
    pub fn sealing(&self, payload: Vec<u8>) -> Sealing {
        Sealing {
            directory: DIRECTORY,
            round: 5,
            recipient: "bob@example.org".into(),
            p1: self.world.p1(),
            q2: q2(NETWORK.as_bytes(), "bob@example.org"),
            tag: [0x11; 16],
            salt: [0x22; 16],
            payload,
        }
    }

    /// The bytes of the key from `sender` to Bob.
    pub fn raw_key(&self, sender: &Person) -> [u8; 32] {
        let d1 = G1Affine::from_compressed(sender.sum[..48].try_into().unwrap()).unwrap();
        let gt = reference::pair(&d1, &q2(NETWORK.as_bytes(), "bob@example.org"));
        reference::sender_key(&gt, sender.identity.address().as_str(), "bob@example.org")
    }
}

/// A payload that names `sender`.
pub fn names(sender: &Person, slot: u16) -> Vec<u8> {
    payload(Some(sender.identity.address()), slot, TEXT, 128)
}
