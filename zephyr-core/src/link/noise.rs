//! `Noise_NK_25519_ChaChaPoly_SHA256` (Noise, revision 34) over this crate's primitives.

use core::marker::PhantomData;

use noise_protocol::patterns::{HandshakePattern, noise_nk};
use noise_protocol::{CipherState, HandshakeState, U8Array};
use sha2::Digest;
use zephyr_aead::NONCE_SIZE;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::error::LinkError;
use crate::crypto::suite::Dh;

/// Length in bytes of a tag of ChaCha20-Poly1305.
pub(crate) const TAG: usize = 16;

type Cipher = CipherState<ChaChaPoly>;

/// The handshake's two messages, with X25519 as `D` computes it.
pub struct Handshake<D: Dh>(HandshakeState<Curve25519<D>, ChaChaPoly, Sha256>);

impl<D: Dh> Handshake<D> {
    /// The end that knows the other's key, `server`.
    pub fn initiator(prologue: &[u8], server: &[u8; 32], ephemeral: Secret<32>) -> Self {
        let server = Some(Secret(*server));
        Self(HandshakeState::new(noise_nk(), true, prologue, None, Some(ephemeral), server, None))
    }

    /// The end whose key is `secret`, with its public half, `public`.
    ///
    /// Of an own static key the library would compute the public half for each handshake anew, only to hash it. The
    /// other's it takes as it is given, and the hash does not tell whose a key was.
    pub fn responder(
        prologue: &[u8],
        secret: Secret<32>,
        public: &[u8; 32],
        ephemeral: Secret<32>,
    ) -> Self {
        let nk = noise_nk();
        let messages = [0, 1].map(|i| nk.get_message_pattern(i));
        let nk = HandshakePattern::new(nk.get_pre_r(), &[], &messages, nk.get_name());
        let (secret, public) = (Some(secret), Some(Secret(*public)));
        Self(HandshakeState::new(nk, false, prologue, secret, Some(ephemeral), public, None))
    }

    /// Whether this end's message is next.
    pub fn is_write_turn(&self) -> bool {
        self.0.is_write_turn() && !self.0.completed()
    }

    /// Writes the next message, without payload, over the whole of `out`.
    pub fn write(&mut self, out: &mut [u8]) -> Result<(), LinkError> {
        self.write_payload(&[], out)
    }

    /// Reads the next message, which must have no payload.
    pub fn read(&mut self, message: &[u8]) -> Result<(), LinkError> {
        self.read_payload(message, &mut [])
    }

    /// Like [`write`](Self::write), with a payload.
    pub fn write_payload(&mut self, payload: &[u8], out: &mut [u8]) -> Result<(), LinkError> {
        let fits = self.is_write_turn() && out.len() == payload.len() + self.overhead();
        if !fits {
            return Err(LinkError::Buffer); // the library would panic
        }
        self.0.write_message(payload, out).map_err(|_| LinkError::Authentication)
    }

    /// Like [`read`](Self::read), with a payload of exactly the length of `out`.
    pub fn read_payload(&mut self, message: &[u8], out: &mut [u8]) -> Result<(), LinkError> {
        let fits = !self.0.completed()
            && !self.0.is_write_turn()
            && message.len() == out.len() + self.overhead();
        if !fits {
            return Err(LinkError::Authentication); // the library would panic
        }
        self.0.read_message(message, out).map_err(|_| LinkError::Authentication)
    }

    fn overhead(&self) -> usize {
        self.0.get_next_message_overhead()
    }

    /// The channel, once both messages have passed, or the handshake again.
    #[expect(clippy::result_large_err, reason = "there is no heap to box it on")]
    pub fn finish(self) -> Result<Channel, Self> {
        if !self.0.completed() {
            return Err(self);
        }
        let (up, down) = self.0.get_ciphers();
        let (send, receive) = if self.0.get_is_initiator() { (up, down) } else { (down, up) };
        Ok(Channel { send, receive, hash: <[u8; 32]>::from_slice(self.0.get_hash()) })
    }
}

/// The two directions after the handshake.
pub struct Channel {
    send: Cipher,
    receive: Cipher,
    /// The hash of the whole handshake.
    pub hash: [u8; 32],
}

impl Channel {
    /// Encrypts all of `buffer` but its last 16 bytes, where the tag goes.
    pub fn seal(&mut self, buffer: &mut [u8]) -> Result<(), LinkError> {
        let len = buffer.len().checked_sub(TAG).ok_or(LinkError::Buffer)?;
        has_nonce(&self.send)?;
        self.send.encrypt_in_place(buffer, len);
        Ok(())
    }

    /// Decrypts `frame` and returns how many bytes at its start are the message.
    pub fn open(&mut self, frame: &mut [u8]) -> Result<usize, LinkError> {
        has_nonce(&self.receive)?;
        if frame.len() < TAG {
            return Err(LinkError::Authentication);
        }
        let len = frame.len();
        self.receive.decrypt_in_place(frame, len).map_err(|()| LinkError::Authentication)
    }

    /// As after `sent` messages have been sealed and `received` opened: for tests of the last nonce.
    pub fn skip(self, sent: u64, received: u64) -> Self {
        let skip = |state: Cipher, n| Cipher::new(state.extract().0.as_slice(), n);
        Self { send: skip(self.send, sent), receive: skip(self.receive, received), ..self }
    }
}

/// Noise reserves the nonce 2^64 - 1; the library would panic at it.
fn has_nonce(state: &Cipher) -> Result<(), LinkError> {
    if state.get_next_n() == u64::MAX { Err(LinkError::Closed) } else { Ok(()) }
}

/// Bytes that are wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>(pub [u8; N]);

impl<const N: usize> U8Array for Secret<N> {
    fn new() -> Self {
        Self([0; N])
    }
    fn new_with(byte: u8) -> Self {
        Self([byte; N])
    }
    fn from_slice(bytes: &[u8]) -> Self {
        let mut secret = Self::new();
        secret.0.copy_from_slice(bytes);
        secret
    }
    fn len() -> usize {
        N
    }
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

struct Curve25519<D>(PhantomData<D>);

impl<D: Dh> noise_protocol::DH for Curve25519<D> {
    type Key = Secret<32>;
    type Pubkey = Secret<32>;
    type Output = Secret<32>;

    fn name() -> &'static str {
        "25519"
    }

    fn genkey() -> Self::Key {
        unreachable!("both ends are made with their ephemeral key")
    }

    fn pubkey(key: &Self::Key) -> Self::Pubkey {
        Secret(D::public(&key.0))
    }

    /// Refuses keys of low order, which Noise leaves open.
    fn dh(key: &Self::Key, public: &Self::Pubkey) -> Result<Self::Output, ()> {
        D::shared(&key.0, &public.0).map(|shared| Secret(*shared)).ok_or(())
    }
}

enum ChaChaPoly {}

impl ChaChaPoly {
    /// Noise's nonce: 32 zero bits, then the counter, little-endian.
    fn nonce(n: u64) -> [u8; NONCE_SIZE] {
        let mut nonce = [0; NONCE_SIZE];
        nonce[4..].copy_from_slice(&n.to_le_bytes());
        nonce
    }
}

impl noise_protocol::Cipher for ChaChaPoly {
    type Key = Secret<32>;

    fn name() -> &'static str {
        "ChaChaPoly"
    }

    fn encrypt(k: &Self::Key, nonce: u64, ad: &[u8], plaintext: &[u8], out: &mut [u8]) {
        out[..plaintext.len()].copy_from_slice(plaintext);
        Self::encrypt_in_place(k, nonce, ad, out, plaintext.len());
    }

    fn encrypt_in_place(
        k: &Self::Key,
        nonce: u64,
        ad: &[u8],
        in_out: &mut [u8],
        plaintext_len: usize,
    ) -> usize {
        let (data, tag) = in_out.split_at_mut(plaintext_len);
        tag[..TAG].copy_from_slice(&zephyr_aead::seal(&k.0, &Self::nonce(nonce), ad, data));
        plaintext_len + TAG
    }

    fn decrypt(
        k: &Self::Key,
        nonce: u64,
        ad: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<(), ()> {
        let (data, tag) = ciphertext.split_last_chunk::<TAG>().ok_or(())?;
        out.copy_from_slice(data);
        zephyr_aead::open(&k.0, &Self::nonce(nonce), ad, out, tag).then_some(()).ok_or(())
    }

    fn decrypt_in_place(
        k: &Self::Key,
        nonce: u64,
        ad: &[u8],
        in_out: &mut [u8],
        ciphertext_len: usize,
    ) -> Result<usize, ()> {
        let (data, tag) = in_out[..ciphertext_len].split_last_chunk_mut::<TAG>().ok_or(())?;
        let genuine = zephyr_aead::open(&k.0, &Self::nonce(nonce), ad, data, tag);
        genuine.then_some(ciphertext_len - TAG).ok_or(())
    }
}

#[derive(Default)]
struct Sha256(sha2::Sha256);

impl noise_protocol::Hash for Sha256 {
    type Block = Secret<64>;
    type Output = Secret<32>;

    fn name() -> &'static str {
        "SHA256"
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self) -> Self::Output {
        Secret(self.0.finalize_reset().into())
    }
}
