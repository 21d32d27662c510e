//! Labelled hashing and key derivation over SHA-256.
//!
//! Every use has its own [`Label`]; the parts that follow are length-prefixed, so that no two different
//! lists of parts hash alike: `transcript = len(label) as u8 ‖ label ‖ for each part: len as u32 BE ‖ part`.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The domain of one hash or derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(&'static str);

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Label {
            $($(#[$doc])* pub const $name: Self = Self(concat!("ZEPHYR-V1-", $text));)*
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

labels! {
    /// Network id: hash of the manifest's version 0.
    MANIFEST = "MANIFEST";
    /// A server's signature under a later version of the manifest.
    MANIFEST_SIGNATURE = "MANIFEST-SIGNATURE";
    /// Directory hash.
    DIRECTORY = "DIRECTORY";
    /// A mixer's signature under a directory.
    DIRECTORY_SIGNATURE = "DIRECTORY-SIGNATURE";
    /// A mixer's signed announcement of its round key.
    MIXER_KEY = "MIXER-KEY";
    /// A PKG's signed announcement of its round key.
    PKG_KEY = "PKG-KEY";
    /// Challenge of a PKG's proof of knowledge.
    PKG_PROOF = "PKG-PROOF";
    /// A client's signature under an extraction request.
    EXTRACT = "EXTRACT";
    /// A client's signature that vetoes the replacement of its key.
    VETO = "VETO";
    /// A client's signature that deletes its registration.
    UNREGISTER = "UNREGISTER";
    /// The message digest that keys a sealed message.
    SEAL_DIGEST = "SEAL-DIGEST";
    /// The scalar r of a sealed message.
    SEAL_SCALAR = "SEAL-SCALAR";
    /// The mask over the digest.
    SEAL_MASK = "SEAL-MASK";
    /// The key of the secretbox.
    SEAL_BOX = "SEAL-BOX";
    /// The key that sender and recipient share in a round.
    SENDER_KEY = "SENDER-KEY";
    /// A contact tag.
    TAG = "TAG";
    /// The sender's authenticator.
    SENDER_MAC = "SENDER-MAC";
    /// What stands in the authenticator's place in an anonymous message.
    ANONYMOUS_MAC = "ANONYMOUS-MAC";
    /// The two keys of a hop.
    ONION_HOP = "ONION-HOP";
    /// The seed of a round's route permutation.
    ROUTE = "ROUTE";
    /// The mailbox of an address.
    MAILBOX = "MAILBOX";
    /// A mixer's signed list of what it delivered to a mailbox.
    DELIVERY = "DELIVERY";
    /// Randomness hedged with a long-term secret.
    HEDGE = "HEDGE";
    /// A mixer's statement of how far it has come in a round.
    READY = "READY";
    /// The keys that a server derives from its seed.
    SERVER_KEY = "SERVER-KEY";
    /// The signing keys that a client derives from its seed, one for each PKG.
    CLIENT_KEY = "CLIENT-KEY";
    /// The short fingerprint of a client's key, which mails name.
    FINGERPRINT = "FINGERPRINT";
    /// The hash of a one-time code, as a PKG keeps it.
    CODE = "CODE";
}

impl Label {
    /// The text, `ZEPHYR-V1-…`.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

fn absorb(label: Label, parts: &[&[u8]], mut update: impl FnMut(&[u8])) {
    // Labels are constants far below 256 bytes, parts far below 4 GiB.
    update(&[label.0.len() as u8]);
    update(label.0.as_bytes());
    for part in parts {
        update(&(part.len() as u32).to_be_bytes());
        update(part);
    }
}

/// SHA-256 over the transcript of `label` and `parts`.
pub fn hash(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut h = Sha256::new();
    absorb(label, parts, |b| h.update(b));
    h.finalize().into()
}

/// A pseudorandom function: HMAC-SHA-256 (RFC 2104) under `key` over the transcript.
pub fn prf(key: &[u8; 32], label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac =
        <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    absorb(label, parts, |b| mac.update(b));
    mac.finalize().into_bytes().into()
}

/// Derives `N` bytes (at most 255 × 32) from `secret`: HKDF-SHA-256 (RFC 5869) without salt, the
/// transcript's hash as `info`.
pub fn kdf<const N: usize>(label: Label, secret: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    hkdf::Hkdf::<Sha256>::new(None, secret)
        .expand(&hash(label, parts), out.as_mut())
        .expect("callers ask for less than HKDF's limit");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_distinct_and_short() {
        for (i, a) in Label::ALL.iter().enumerate() {
            assert!(a.0.len() < 64);
            assert!(Label::ALL[..i].iter().all(|b| a != b), "{}", a.0);
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(Label::TAG, &[b"ab", b"c"]), hash(Label::TAG, &[b"a", b"bc"]));
        assert_ne!(hash(Label::TAG, &[b"ab"]), hash(Label::TAG, &[b"ab", b""]));
    }
}
