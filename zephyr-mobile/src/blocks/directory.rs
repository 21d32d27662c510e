//! Manifests, directories, and what servers sign.

use zephyr_blst::Native;
use zephyr_core::{
    DeliveryList, Directory, DirectoryHash, Mailbox, Manifest, MixerAnnouncement, MixerIndex,
    PkgAnnouncement, ServerId, SignedManifest,
};

use super::{ProtocolError, array, network, refused, wrong};
use crate::types::small;

/// A manifest: a version of a network.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ManifestInfo {
    /// The network's id: 32 bytes.
    pub network: Vec<u8>,
    /// The manifest's hash: 32 bytes.
    pub hash: Vec<u8>,
    /// Its version, from 0.
    pub version: u32,
    /// The first round in which it is in effect.
    pub from_round: u64,
    /// How many servers it lists.
    pub servers: u32,
    /// How many servers have signed it; 0 for version 0, which needs no signature.
    pub signatures: u32,
}

/// The directory of a round.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct DirectoryInfo {
    /// The round.
    pub round: u64,
    /// Its hash, 32 bytes, to which everything in the round is bound.
    pub hash: Vec<u8>,
    /// How many mixers it has.
    pub mixers: u32,
    /// How many PKGs gave a key.
    pub pkgs: u32,
}

/// Checks a manifest's bytes. Whether it is the right one, its hash says.
///
/// # Errors
/// `Refused` with what is wrong with it.
#[uniffi::export]
pub fn verify_manifest(manifest: Vec<u8>) -> Result<ManifestInfo, ProtocolError> {
    Ok(info(&Manifest::parse(&manifest).map_err(refused)?, 0))
}

/// Checks that the signed manifest `next` follows `previous`, and that those have signed it who must.
///
/// # Errors
/// `Refused` with what is wrong with it.
#[uniffi::export]
pub fn verify_signed_manifest(
    previous: Vec<u8>,
    next: Vec<u8>, // not `signed`, which C, and so Swift, has for itself
) -> Result<ManifestInfo, ProtocolError> {
    let previous = Manifest::parse(&previous)
        .map_err(|error| wrong("the previous manifest", error.to_string()))?;
    let signed = SignedManifest::parse(&next).map_err(refused)?;
    signed.verify::<Native>(&previous).map_err(refused)?;
    Ok(info(signed.manifest(), small(signed.signatures().count())))
}

/// Checks a round's directory in every way: layout, times, keys, proofs and signatures.
///
/// # Errors
/// `Refused` with what is wrong with it.
#[uniffi::export]
pub fn verify_directory(
    manifest: Vec<u8>,
    directory: Vec<u8>,
) -> Result<DirectoryInfo, ProtocolError> {
    let manifest =
        Manifest::parse(&manifest).map_err(|error| wrong("the manifest", error.to_string()))?;
    let directory = Directory::parse(&directory).map_err(refused)?;
    let context = directory.verify::<Native>(&manifest, true).map_err(refused)?;
    Ok(DirectoryInfo {
        round: directory.round().0,
        hash: context.directory().as_bytes().to_vec(),
        mixers: small(directory.mixers().count()),
        pkgs: small(directory.pkgs().count()),
    })
}

/// Whether a mixer's announcement of its key for a round is signed by the server with the identity `server`, 32 bytes.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn verify_mixer_announcement(
    network_id: Vec<u8>,
    server: Vec<u8>,
    announcement: Vec<u8>,
) -> Result<bool, ProtocolError> {
    let (network, server) = (network(&network_id)?, self::server(&server)?);
    let announcement = MixerAnnouncement::from_slice(&announcement);
    Ok(announcement.is_some_and(|it| it.verify::<Native>(&network, &server)))
}

/// Whether a PKG's announcement of its key for a round is signed by the server with the identity `server`, 32 bytes.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn verify_pkg_announcement(
    network_id: Vec<u8>,
    server: Vec<u8>,
    announcement: Vec<u8>,
) -> Result<bool, ProtocolError> {
    let (network, server) = (network(&network_id)?, self::server(&server)?);
    let announcement = PkgAnnouncement::from_slice(&announcement);
    Ok(announcement.is_some_and(|it| it.verify::<Native>(&network, &server)))
}

/// Whether the mixer with the identity `server`, 32 bytes, has signed that it delivered exactly these `messages`, in
/// this order, to a mailbox.
///
/// # Errors
/// If an argument is wrong.
#[uniffi::export]
pub fn verify_delivery_list(
    server: Vec<u8>,
    directory: Vec<u8>,
    mixer: u16,
    mailbox: u32,
    messages: Vec<Vec<u8>>,
    signature: Vec<u8>,
) -> Result<bool, ProtocolError> {
    let server = self::server(&server)?;
    let directory = DirectoryHash::from_bytes(array("the directory's hash", &directory)?);
    let signature = array("the signature", &signature)?;
    let mut list = DeliveryList::new();
    messages.iter().for_each(|message| list.push(message));
    let (mixer, mailbox) = (MixerIndex(mixer), Mailbox(mailbox));
    Ok(list.verify::<Native>(&server, &directory, mixer, mailbox, &signature))
}

fn info(manifest: &Manifest<'_>, signatures: u32) -> ManifestInfo {
    ManifestInfo {
        network: manifest.network().as_bytes().to_vec(),
        hash: manifest.hash().as_bytes().to_vec(),
        version: manifest.version(),
        from_round: manifest.from_round().0,
        servers: small(manifest.all().count()),
        signatures,
    }
}

fn server(bytes: &[u8]) -> Result<ServerId, ProtocolError> {
    Ok(ServerId::from_bytes(array("the server's identity", bytes)?))
}
