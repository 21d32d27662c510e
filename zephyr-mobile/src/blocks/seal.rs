//! Sealed messages and the tags by which contacts find them.

use zephyr_blst::Blst;
use zephyr_core::{
    Address, DirectoryHash, G1_SIZE, G2_SIZE, Identity, KeyShare, Opener, PKG_KEY_SIZE, PkgKey,
    PrivateKey, Round, RoundContext, RoundKey, SEAL_OVERHEAD, SenderKey,
};

use super::{ProtocolError, address, array, network, refused, wrong};

/// What belongs to a round: its number, its directory's hash, and the PKGs' keys.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RoundKeys {
    /// The network's id: 32 bytes.
    pub network: Vec<u8>,
    /// The round.
    pub round: u64,
    /// Its directory's hash: 32 bytes.
    pub directory: Vec<u8>,
    /// The key of each PKG: 48 bytes in G1 and 96 in G2, maybe with its proof behind them, which is not looked at.
    pub pkg_keys: Vec<Vec<u8>>,
}

/// The payload of a sealed message, if it is for `recipient`; none if it is for somebody else, or damaged, which can't be
/// told apart. `recipient_key` is the sum of the PKGs' shares: 144 bytes.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn open_sealed(
    round: RoundKeys,
    recipient: String,
    recipient_key: Vec<u8>,
    sealed: Vec<u8>,
) -> Result<Option<Vec<u8>>, ProtocolError> {
    let (context, own, key) = prepared(&round, "the recipient", &recipient, &recipient_key)?;
    let mut message = sealed;
    let opened = Opener::new(&context, &own, &key).open(&mut message).is_some();
    Ok(opened.then(|| message.split_off(SEAL_OVERHEAD)))
}

/// As [`open_sealed`], for a message that bears the tag of `sender` in the slot `slot`: it must also be proven to come
/// from there.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn open_sealed_from(
    round: RoundKeys,
    recipient: String,
    recipient_key: Vec<u8>,
    sender: String,
    slot: u16,
    sealed: Vec<u8>,
) -> Result<Option<Vec<u8>>, ProtocolError> {
    let (context, own, key) = prepared(&round, "the recipient", &recipient, &recipient_key)?;
    let sender = Identity::<Blst>::new(context.network(), address("the sender", &sender)?);
    let shared = SenderKey::from(&sender, &own, &key);
    let mut message = sealed;
    let opener = Opener::new(&context, &own, &key);
    let opened = opener.open_from(sender.address(), &shared, slot, &mut message).is_some();
    Ok(opened.then(|| message.split_off(SEAL_OVERHEAD)))
}

/// The tag, 16 bytes, of what `sender` sends to `recipient` in the slot `slot`, as the recipient computes it.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn incoming_tag(
    round: RoundKeys,
    recipient: String,
    recipient_key: Vec<u8>,
    sender: String,
    slot: u16,
) -> Result<Vec<u8>, ProtocolError> {
    let (context, own, key) = prepared(&round, "the recipient", &recipient, &recipient_key)?;
    let sender = Identity::<Blst>::new(context.network(), address("the sender", &sender)?);
    Ok(SenderKey::from(&sender, &own, &key).tag(context.directory(), slot).to_vec())
}

/// The tag, 16 bytes, of what `sender` sends to `recipient` in the slot `slot`, as the sender computes it.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn outgoing_tag(
    round: RoundKeys,
    sender: String,
    sender_key: Vec<u8>,
    recipient: String,
    slot: u16,
) -> Result<Vec<u8>, ProtocolError> {
    let (context, own, key) = prepared(&round, "the sender", &sender, &sender_key)?;
    let recipient = address("the recipient", &recipient)?;
    let recipient = Identity::<Blst>::new(context.network(), recipient);
    Ok(SenderKey::to(&own, &key, &recipient).tag(context.directory(), slot).to_vec())
}

/// The round, an address, and its checked private key.
fn prepared(
    round: &RoundKeys,
    who: &str,
    own: &str,
    key: &[u8],
) -> Result<(RoundContext<Blst>, Address, PrivateKey<Blst>), ProtocolError> {
    let keys = round.pkg_keys.iter().map(|key| pkg_key(key)).collect::<Result<Vec<_>, _>>()?;
    let round_key = RoundKey::sum(keys).map_err(refused)?;
    let network = network(&round.network)?;
    let directory = DirectoryHash::from_bytes(array("the directory's hash", &round.directory)?);
    let own = address(who, own)?;
    let share = KeyShare::from_bytes(&array("the private key", key)?)
        .ok_or_else(|| wrong("the private key", "its points must be in G1 and G2"))?;
    let identity = Identity::new(&network, own.clone());
    let key = PrivateKey::from_sum(share, &identity, &round_key).map_err(refused)?;
    Ok((RoundContext::new(network, Round(round.round), directory, round_key), own, key))
}

fn pkg_key(bytes: &[u8]) -> Result<PkgKey<Blst>, ProtocolError> {
    const POINTS: usize = G1_SIZE + G2_SIZE;
    if bytes.len() != POINTS && bytes.len() != PKG_KEY_SIZE {
        let wanted = format!("it must have {POINTS} bytes, or {PKG_KEY_SIZE} with its proof");
        return Err(wrong("a PKG's key", wanted));
    }
    let mut key = [0; PKG_KEY_SIZE];
    key[..bytes.len()].copy_from_slice(bytes);
    PkgKey::decode(&key).map_err(refused)
}
