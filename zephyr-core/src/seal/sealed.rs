//! Sealing and opening.

use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::hash::{Label, hash, kdf, prf};
use crate::crypto::hedge::Hedge;
use crate::crypto::pairing::{G1_SIZE, GtBytes, Pairing, Point, Scalar, g1_bytes};
use crate::crypto::secretbox;
use crate::ibe::{PrivateKey, RoundKey};
use crate::identity::{Address, Identity};
use crate::ids::{DirectoryHash, NetworkId, Round};

use super::payload::Payload;
use super::sender::{SenderKey, TAG_SIZE, Tag};

const MAC_SIZE: usize = 16;
/// Length in bytes of the head of a sealed message: its tag and its authenticator, which is over the rest.
pub const HEAD_SIZE: usize = TAG_SIZE + MAC_SIZE;
const DIGEST_SIZE: usize = 32;
const SALT_SIZE: usize = 16;

/// Field offsets in a sealed message: tag ‖ mac ‖ U ‖ V ‖ box, the box being Poly1305 tag ‖ salt ‖ payload.
mod field {
    use super::{DIGEST_SIZE, G1_SIZE, MAC_SIZE, SALT_SIZE, TAG_SIZE, secretbox};
    use core::ops::Range;
    pub const TAG: Range<usize> = 0..TAG_SIZE;
    pub const MAC: Range<usize> = TAG.end..TAG.end + MAC_SIZE;
    pub const U: Range<usize> = MAC.end..MAC.end + G1_SIZE;
    pub const V: Range<usize> = U.end..U.end + DIGEST_SIZE;
    pub const BOX_TAG: Range<usize> = V.end..V.end + secretbox::TAG_SIZE;
    pub const SALT: Range<usize> = BOX_TAG.end..BOX_TAG.end + SALT_SIZE;
    pub const PAYLOAD: usize = SALT.end;
    /// What the sender's authenticator covers.
    pub const REST: usize = U.start;
}

/// By how many bytes a sealed message is longer than its payload: 144.
pub const SEAL_OVERHEAD: usize = field::PAYLOAD;

/// What belongs to a round: its number, its directory's hash and its public key.
#[derive(Clone)]
pub struct RoundContext<P: Pairing> {
    id: RoundId,
    key: RoundKey<P>,
}

/// A round as those see it who only open messages in it.
#[derive(Clone)]
pub(crate) struct RoundId {
    network: NetworkId,
    round: Round,
    directory: DirectoryHash,
    /// The first point of its public key.
    key: [u8; G1_SIZE],
}

impl<P: Pairing> RoundContext<P> {
    /// A round of `network` whose directory hashes to `directory` and whose PKG keys sum to `key`.
    pub fn new(
        network: NetworkId,
        round: Round,
        directory: DirectoryHash,
        key: RoundKey<P>,
    ) -> Self {
        let id = RoundId { network, round, directory, key: g1_bytes(&key.p1) };
        Self { id, key }
    }

    /// The network.
    pub fn network(&self) -> &NetworkId {
        &self.id.network
    }

    /// The round's number.
    pub fn round(&self) -> Round {
        self.id.round
    }

    /// The directory's hash.
    pub fn directory(&self) -> &DirectoryHash {
        &self.id.directory
    }

    /// The round's public key.
    pub fn key(&self) -> &RoundKey<P> {
        &self.key
    }

    pub(crate) fn id(&self) -> &RoundId {
        &self.id
    }
}

impl RoundId {
    pub(crate) fn round(&self) -> Round {
        self.round
    }

    pub(crate) fn directory(&self) -> &DirectoryHash {
        &self.directory
    }
}

/// How a message says who sent it.
#[derive(Clone, Copy, Debug)]
pub enum SenderTag<'a> {
    /// It doesn't: the tag is random, the authenticator follows from the digest.
    Anonymous,
    /// By tag and authenticator of this slot. Never seal twice for one slot of a round.
    Slot(&'a SenderKey, u16),
}

/// Seals messages in one round.
pub struct Sealer<'a, P: Pairing> {
    round: &'a RoundContext<P>,
}

impl<'a, P: Pairing> Sealer<'a, P> {
    /// Seals in `round`.
    pub fn new(round: &'a RoundContext<P>) -> Self {
        Self { round }
    }

    /// Seals the payload that stands in `message[SEAL_OVERHEAD..]` for `recipient`, in place (one pairing, two
    /// multiplications).
    pub fn seal(
        &self,
        recipient: &Identity<P>,
        sender: SenderTag<'_>,
        message: &mut [u8],
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) {
        let id = recipient.address();
        let random = hedge.draw::<{ TAG_SIZE + SALT_SIZE }>(rng, &[b"seal", id.as_bytes()]);
        let (tag, salt) = random.split_at(TAG_SIZE);
        message[field::SALT].copy_from_slice(salt);
        message[field::TAG].copy_from_slice(tag);
        if let SenderTag::Slot(key, slot) = sender {
            message[field::TAG].copy_from_slice(&key.tag(self.round.directory(), slot));
        }

        let digest = digest(&self.round.id, id, &message[field::SALT.start..]);
        let mut r = scalar::<P>(&self.round.id, id, &digest);
        let u = g1_bytes(&P::G1::generator().mul(&r));
        let mut masked = self.round.key.p1.mul(&r);
        let mask = mask::<P>(&u, &masked, recipient.q2_prepared(), id);
        masked.zeroize();
        r.zeroize();
        message[field::U].copy_from_slice(&u);
        message[field::V].copy_from_slice(&xor(&digest, &mask));

        let nonce = nonce(self.round.round(), message);
        let tag = secretbox::encrypt(&box_key(&digest), &nonce, &mut message[field::SALT.start..]);
        message[field::BOX_TAG].copy_from_slice(&tag);
        let mac = match sender {
            SenderTag::Anonymous => anonymous_mac(&digest),
            SenderTag::Slot(key, slot) => {
                key.mac(self.round.directory(), slot, &message[field::REST..])
            }
        };
        message[field::MAC].copy_from_slice(&mac);
    }
}

/// Cover messages: to everybody they look like a message to somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Cover;

impl Cover {
    /// Fills `message` with a cover message (one multiplication).
    pub fn fill<P: Pairing>(message: &mut [u8], rng: &mut impl CryptoRng) {
        rng.fill_bytes(message);
        let mut wide = Zeroizing::new([0; 64]);
        rng.fill_bytes(wide.as_mut());
        let u = P::G1::generator().mul(&P::Scalar::from_wide(&wide));
        u.encode(&mut message[field::U]);
    }
}

/// A message that was opened, with where it came from proven.
#[derive(Debug)]
pub struct Opened<'a> {
    /// The payload. If it names a sender, tag and authenticator have been verified.
    pub payload: Payload<'a>,
}

/// The digest of a message that trial decryption has found to be ours. Dropping it erases it.
pub(crate) struct OwnMessage(Zeroizing<[u8; DIGEST_SIZE]>);

impl OwnMessage {
    pub(crate) const SIZE: usize = DIGEST_SIZE;

    /// From [`SIZE`](Self::SIZE) bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut digest = Zeroizing::new([0; DIGEST_SIZE]);
        digest.copy_from_slice(bytes);
        Self(digest)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; DIGEST_SIZE] {
        &self.0
    }
}

/// Opens the messages of one person in one round.
pub struct Opener<'a, P: Pairing> {
    round: &'a RoundId,
    own: &'a Address,
    key: &'a PrivateKey<P>,
}

impl<'a, P: Pairing> Opener<'a, P> {
    /// Opens what is sealed for `own`, whose key of `round` this is.
    pub fn new(round: &'a RoundContext<P>, own: &'a Address, key: &'a PrivateKey<P>) -> Self {
        Self::in_round(&round.id, own, key)
    }

    /// The same.
    pub(crate) fn in_round(round: &'a RoundId, own: &'a Address, key: &'a PrivateKey<P>) -> Self {
        Self { round, own, key }
    }

    /// Opens a message, in place, that bears `sender`'s tag of `slot`. The authenticator is checked before any
    /// pairing. `None` if it is not an undamaged message from `sender` in that slot.
    #[must_use]
    pub fn open_from<'m>(
        &self,
        sender: &Address,
        key: &SenderKey,
        slot: u16,
        message: &'m mut [u8],
    ) -> Option<Opened<'m>> {
        let own = self.try_open_from(key, slot, message)?;
        self.open_own_from(&own, sender, slot, message)
    }

    /// The first step of that (one pairing).
    pub(crate) fn try_open_from(
        &self,
        key: &SenderKey,
        slot: u16,
        message: &[u8],
    ) -> Option<OwnMessage> {
        let authentic = message.len() >= SEAL_OVERHEAD && self.authentic(key, slot, message);
        authentic.then(|| self.digest(message))?.map(OwnMessage)
    }

    /// The second step: opens what the first has found to be from the sender of that slot (a multiplication).
    pub(crate) fn open_own_from<'m>(
        &self,
        OwnMessage(digest): &OwnMessage,
        sender: &Address,
        slot: u16,
        message: &'m mut [u8],
    ) -> Option<Opened<'m>> {
        let payload = self.decrypt(message, digest)?;
        let header = &payload.header;
        (header.sender.as_ref() == Some(sender) && header.slot == slot)
            .then_some(Opened { payload })
    }

    /// Trial decryption, in place, of a message that bears no known tag (one pairing; if it is ours and names
    /// its sender, another). `None` if it is somebody else's, damaged, or not from whom it says.
    #[must_use]
    pub fn open<'m>(&self, message: &'m mut [u8]) -> Option<Opened<'m>> {
        let own = self.try_open(message)?;
        if self.is_genuine(&own, message) { self.open_own(&own, message) } else { None }
    }

    /// The first step of trial decryption: whether the message is ours (one pairing).
    pub(crate) fn try_open(&self, message: &[u8]) -> Option<OwnMessage> {
        (message.len() >= SEAL_OVERHEAD).then(|| self.digest(message))?.map(OwnMessage)
    }

    /// The second step: whether what the first has found to be ours is from whom it says (if it names its sender a
    /// hash to G1 and a pairing).
    #[inline(never)]
    pub(crate) fn is_genuine(&self, OwnMessage(digest): &OwnMessage, message: &[u8]) -> bool {
        // Tag and authenticator cover the ciphertext, so they come before decrypting in place.
        let Some(sealed) = Sealed::new(message) else { return false };
        let (tag, mac) = (sealed.tag(), sealed.mac());
        match self.claimed_sender(message, digest) {
            None => false,
            Some(None) => secretbox::tags_equal(&anonymous_mac(digest), &mac),
            Some(Some((sender, slot))) => {
                let key = SenderKey::from_address(&self.round.network, &sender, self.own, self.key);
                let expected = key.tag(&self.round.directory, slot);
                secretbox::tags_equal(&expected, &tag)
                    && key.verify(&self.round.directory, slot, &message[field::REST..], &mac)
            }
        }
    }

    /// The third step: opens what is genuine (a multiplication).
    pub(crate) fn open_own<'m>(
        &self,
        OwnMessage(digest): &OwnMessage,
        message: &'m mut [u8],
    ) -> Option<Opened<'m>> {
        Some(Opened { payload: self.decrypt(message, digest)? })
    }

    fn authentic(&self, key: &SenderKey, slot: u16, message: &[u8]) -> bool {
        key.verify(&self.round.directory, slot, &message[field::REST..], &message[field::MAC])
    }

    /// The digest from U and V, if the box verifies under it: here somebody else's message ends.
    fn digest(&self, message: &[u8]) -> Option<Zeroizing<[u8; DIGEST_SIZE]>> {
        let u_bytes: &[u8; G1_SIZE] = message[field::U].try_into().expect("U's length");
        // No subgroup check: the comparison with r·G1 at the end implies it.
        let u = P::G1::decode_unchecked(u_bytes)?;
        let mask = mask::<P>(u_bytes, &u, self.key.d2(), self.own);
        let v: &[u8; DIGEST_SIZE] = message[field::V].try_into().expect("V's length");
        let digest = Zeroizing::new(xor(v, &mask));
        let tag = message[field::BOX_TAG].try_into().expect("a tag's length");
        let ciphertext = &message[field::SALT.start..];
        secretbox::verify(&box_key(&digest), &nonce(self.round.round, message), ciphertext, tag)
            .then_some(digest)
    }

    /// Decrypts a copy of the payload's beginning to learn whom the message names as its sender.
    #[inline(never)]
    fn claimed_sender(
        &self,
        message: &[u8],
        digest: &[u8; DIGEST_SIZE],
    ) -> Option<Option<(Address, u16)>> {
        let mut head = Zeroizing::new([0; super::MAX_PAYLOAD_HEADER]);
        let payload = &message[field::PAYLOAD..];
        let n = payload.len().min(head.len());
        head[..n].copy_from_slice(&payload[..n]);
        let mut stream =
            secretbox::Keystream::new(&box_key(digest), &nonce(self.round.round, message));
        // The secretbox spends 32 bytes of keystream on Poly1305's key, then the salt comes.
        stream.seek(32 + SALT_SIZE);
        stream.apply(&mut head[..n]);
        super::payload::claimed_sender(&head[..n])
    }

    /// Decrypts, then checks U = r·G1 and the digest (Fujisaki-Okamoto), and takes the payload apart.
    fn decrypt<'m>(
        &self,
        message: &'m mut [u8],
        digest_in: &[u8; DIGEST_SIZE],
    ) -> Option<Payload<'m>> {
        let nonce = nonce(self.round.round, message);
        let tag = message[field::BOX_TAG].try_into().expect("a tag's length");
        secretbox::decrypt(&box_key(digest_in), &nonce, &mut message[field::SALT.start..], &tag)?;
        let message = &*message;
        let expected = digest(self.round, self.own, &message[field::SALT.start..]);
        let mut r = scalar::<P>(self.round, self.own, digest_in);
        let u = g1_bytes(&P::G1::generator().mul(&r));
        r.zeroize();
        if *expected != *digest_in || message[field::U] != u {
            return None;
        }
        Payload::parse(&message[field::PAYLOAD..])
    }
}

/// A sealed message as bytes.
#[derive(Clone, Copy)]
pub struct Sealed<'a> {
    message: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Looks at `message`; `None` if it is shorter than a sealed message can be.
    pub fn new(message: &'a [u8]) -> Option<Self> {
        (message.len() >= SEAL_OVERHEAD).then_some(Self { message })
    }

    /// Its contact tag.
    pub fn tag(&self) -> Tag {
        self.message[field::TAG].try_into().expect("a tag's length")
    }

    fn mac(&self) -> [u8; MAC_SIZE] {
        self.message[field::MAC].try_into().expect("an authenticator's length")
    }
}

fn digest(round: &RoundId, id: &Address, salt_and_payload: &[u8]) -> Zeroizing<[u8; DIGEST_SIZE]> {
    let (salt, payload) = salt_and_payload.split_at(SALT_SIZE);
    let parts = &[round.directory.as_bytes().as_slice(), id.as_bytes(), salt, payload];
    Zeroizing::new(hash(Label::SEAL_DIGEST, parts))
}

fn scalar<P: Pairing>(round: &RoundId, id: &Address, digest: &[u8; DIGEST_SIZE]) -> P::Scalar {
    let wide = kdf::<64>(Label::SEAL_SCALAR, digest, &[id.as_bytes(), &round.key]);
    let r = P::Scalar::from_wide(&wide);
    // Happens for one digest in 2^255; sealing then goes on with 1, which nobody can find a message for.
    if r.is_zero() { P::Scalar::from_bytes(&ONE).expect("1 is below q") } else { r }
}

const ONE: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

fn mask<P: Pairing>(
    u: &[u8; G1_SIZE],
    p: &P::G1,
    q: &P::Prepared,
    id: &Address,
) -> Zeroizing<[u8; DIGEST_SIZE]> {
    let hashed = |gt: &GtBytes| hash(Label::SEAL_MASK, &[u, gt.as_ref(), id.as_bytes()]);
    Zeroizing::new(P::pair_then(p, q, hashed))
}

/// Nobody vouches for an anonymous message, yet its 16 bytes may not be malleable either.
fn anonymous_mac(digest: &[u8; DIGEST_SIZE]) -> [u8; MAC_SIZE] {
    *prf(digest, Label::ANONYMOUS_MAC, &[]).first_chunk().expect("a digest has 32 bytes")
}

fn box_key(digest: &[u8; DIGEST_SIZE]) -> Zeroizing<[u8; 32]> {
    kdf(Label::SEAL_BOX, digest, &[])
}

fn nonce(round: Round, message: &[u8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..TAG_SIZE].copy_from_slice(&message[field::TAG]);
    nonce[TAG_SIZE..].copy_from_slice(&round.0.to_be_bytes());
    nonce
}

fn xor(a: &[u8; DIGEST_SIZE], b: &[u8; DIGEST_SIZE]) -> [u8; DIGEST_SIZE] {
    core::array::from_fn(|i| a[i] ^ b[i])
}
