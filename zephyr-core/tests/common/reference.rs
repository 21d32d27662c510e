//! The protocol once more, straight from `docs/protocol.md`: what the core is compared with, and the workbench of
//! the attackers in the tests.

use bls12_381::{G1Affine, G2Affine, Scalar};
use hmac::{Hmac, Mac};
use poly1305::{Poly1305, universal_hash::KeyInit};
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use sha2::{Digest, Sha256};
use zephyr_core::{Pairing, Point, Portable};

pub const G1_DST: &[u8] = b"ZEPHYR-V1-IDENTITY-BLS12381G1_XMD:SHA-256_SSWU_RO_";
pub const G2_DST: &[u8] = b"ZEPHYR-V1-IDENTITY-BLS12381G2_XMD:SHA-256_SSWU_RO_";

fn transcript(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let label = format!("ZEPHYR-V1-{label}");
    let mut out = vec![label.len() as u8];
    out.extend(label.as_bytes());
    for part in parts {
        out.extend((part.len() as u32).to_be_bytes());
        out.extend(*part);
    }
    out
}

pub fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(transcript(label, parts)).into()
}

pub fn prf(key: &[u8; 32], label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    mac.update(&transcript(label, parts));
    mac.finalize().into_bytes().into()
}

pub fn kdf<const N: usize>(label: &str, secret: &[u8], parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    hkdf::Hkdf::<Sha256>::new(None, secret).expand(&hash(label, parts), &mut out).unwrap();
    out
}

pub fn xsalsa20(key: &[u8; 32], nonce: &[u8; 24], data: &mut [u8]) {
    XSalsa20::new(key.into(), nonce.into()).apply_keystream(data);
}

pub fn poly1305(key: &[u8; 32], data: &[u8]) -> [u8; 16] {
    Poly1305::new(key.into()).compute_unpadded(data).into()
}

/// NaCl's `crypto_secretbox`: tag ‖ ciphertext.
pub fn secretbox(key: &[u8; 32], nonce: &[u8; 24], message: &[u8]) -> Vec<u8> {
    let mut text = vec![0; 32];
    text.extend(message);
    xsalsa20(key, nonce, &mut text);
    let tag = poly1305(text[..32].try_into().unwrap(), &text[32..]);
    [&tag, &text[32..]].concat()
}

pub fn q1(network: &[u8; 32], address: &str) -> G1Affine {
    Point::hash(G1_DST, &[&network[..], address.as_bytes()].concat())
}

pub fn q2(network: &[u8; 32], address: &str) -> G2Affine {
    Point::hash(G2_DST, &[&network[..], address.as_bytes()].concat())
}

pub fn pair(p: &G1Affine, q: &G2Affine) -> [u8; 576] {
    *Portable::pair(p, &Portable::prepare(q))
}

pub fn g1(p: &G1Affine) -> [u8; 48] {
    p.to_compressed()
}

pub fn sender_key(gt: &[u8; 576], sender: &str, recipient: &str) -> [u8; 32] {
    kdf("SENDER-KEY", gt, &[sender.as_bytes(), recipient.as_bytes()])
}

pub fn first16(digest: [u8; 32]) -> [u8; 16] {
    digest[..16].try_into().unwrap()
}

pub fn tag(key: &[u8; 32], directory: &[u8; 32], slot: u16) -> [u8; 16] {
    first16(prf(key, "TAG", &[directory, &slot.to_be_bytes()]))
}

pub fn sender_mac(key: &[u8; 32], directory: &[u8; 32], slot: u16, rest: &[u8]) -> [u8; 16] {
    first16(prf(key, "SENDER-MAC", &[directory, &slot.to_be_bytes(), rest]))
}

/// What a message is sealed from, all of it in the sender's hands.
#[derive(Clone)]
pub struct Sealing {
    pub directory: [u8; 32],
    pub round: u64,
    pub recipient: String,
    /// The round's public key in G1.
    pub p1: G1Affine,
    /// The recipient's point in G2.
    pub q2: G2Affine,
    pub tag: [u8; 16],
    pub salt: [u8; 16],
    pub payload: Vec<u8>,
}

/// A sealed message in parts.
#[derive(Clone)]
pub struct SealedParts {
    pub k: [u8; 32],
    pub r: Scalar,
    pub mask: [u8; 32],
    pub tag: [u8; 16],
    pub mac: [u8; 16],
    pub u: [u8; 48],
    pub v: [u8; 32],
    pub boxed: Vec<u8>,
}

impl SealedParts {
    pub fn rest(&self) -> Vec<u8> {
        [&self.u[..], &self.v, &self.boxed].concat()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [&self.tag[..], &self.mac, &self.rest()].concat()
    }

    /// Authenticates as the owner of `key` in `slot`.
    pub fn signed(mut self, key: &[u8; 32], directory: &[u8; 32], slot: u16) -> Self {
        self.mac = sender_mac(key, directory, slot, &self.rest());
        self
    }
}

impl Sealing {
    pub fn digest(&self) -> [u8; 32] {
        hash(
            "SEAL-DIGEST",
            &[&self.directory, self.recipient.as_bytes(), &self.salt, &self.payload],
        )
    }

    pub fn scalar(&self, k: &[u8; 32]) -> Scalar {
        let id = self.recipient.as_bytes();
        let wide: [u8; 64] = kdf("SEAL-SCALAR", k, &[id, &g1(&self.p1)]);
        <Scalar as zephyr_core::Scalar>::from_wide(&wide)
    }

    pub fn mask(&self, u: &[u8; 48], gt: &[u8; 576]) -> [u8; 32] {
        hash("SEAL-MASK", &[u, gt, self.recipient.as_bytes()])
    }

    /// An honest message; the authenticator is that of an anonymous one.
    pub fn seal(&self) -> SealedParts {
        let k = self.digest();
        let r = self.scalar(&k);
        let u = Point::mul(&<G1Affine as Point<Scalar>>::generator(), &r);
        self.seal_with(k, r, &u)
    }

    /// With a digest, a scalar and a U that need not fit together; the mask is `e(r·P1, Q2)`'s, bound to U.
    pub fn seal_with(&self, k: [u8; 32], r: Scalar, u: &G1Affine) -> SealedParts {
        let gt = pair(&Point::mul(&self.p1, &r), &self.q2);
        let u = g1(u);
        let mask = self.mask(&u, &gt);
        let v = core::array::from_fn(|i| k[i] ^ mask[i]);
        let nonce = [&self.tag[..], &self.round.to_be_bytes()].concat().try_into().unwrap();
        let text = [&self.salt[..], &self.payload].concat();
        let boxed = secretbox(&kdf("SEAL-BOX", &k, &[]), &nonce, &text);
        let mac = first16(prf(&k, "ANONYMOUS-MAC", &[]));
        SealedParts { k, r, mask, tag: self.tag, mac, u, v, boxed }
    }
}

/// One layer of a packet, as its sender makes it.
#[derive(Clone)]
pub struct Layer {
    pub secret: [u8; 32],
    pub mixer_key: [u8; 32],
    pub position: u8,
    /// What precedes the next header: next mixer, or all of the last routing block.
    pub routing: Vec<u8>,
}

impl Layer {
    pub fn epk(&self) -> [u8; 32] {
        x25519_dalek::x25519(self.secret, x25519_dalek::X25519_BASEPOINT_BYTES)
    }

    /// Encryption key and authentication key.
    pub fn keys(&self, directory: &[u8; 32]) -> ([u8; 32], [u8; 32]) {
        let shared = x25519_dalek::x25519(self.secret, self.mixer_key);
        let okm: [u8; 64] =
            kdf("ONION-HOP", &shared, &[&self.epk(), &self.mixer_key, directory, &[self.position]]);
        (okm[..32].try_into().unwrap(), okm[32..].try_into().unwrap())
    }
}

/// Wraps `sealed` in `layers`. `junk` are the 50 bytes for each position before the first layer's.
pub fn wrap(layers: &[Layer], directory: &[u8; 32], sealed: &[u8], junk: &[u8]) -> Vec<u8> {
    const H: usize = 50;
    let hops = layers.len() + junk.len() / H;
    let len = hops * H + sealed.len();
    let stream = |layer: &Layer| {
        let mut stream = vec![0; len + H];
        xsalsa20(&layer.keys(directory).0, &[0; 24], &mut stream);
        stream
    };
    // What peeling the layers before the last leaves behind the message.
    let mut filler = junk.to_vec();
    for layer in &layers[..layers.len() - 1] {
        filler.extend([0; H]);
        let start = len + H - filler.len();
        filler.iter_mut().zip(&stream(layer)[start..]).for_each(|(f, s)| *f ^= s);
    }
    let mut body = Vec::new();
    let mut header = Vec::new();
    for layer in layers.iter().rev() {
        let mut inner = [&layer.routing[..], &header].concat();
        assert_eq!(inner.len(), H);
        if header.is_empty() {
            inner.extend(sealed);
            inner.iter_mut().zip(stream(layer)).for_each(|(b, s)| *b ^= s);
            inner.extend(&filler);
        } else {
            inner.extend(&body);
            inner.truncate(len);
            inner.iter_mut().zip(stream(layer)).for_each(|(b, s)| *b ^= s);
        }
        body = inner;
        assert_eq!(body.len(), len);
        header = [&layer.epk()[..], &poly1305(&layer.keys(directory).1, &body)].concat();
    }
    [header, body].concat()
}
