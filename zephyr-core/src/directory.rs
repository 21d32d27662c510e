//! What everybody must agree on: the network's manifest, and in each round the directory that its mixers sign.

mod announcement;
mod guard;
mod manifest;
mod parameters;
mod round;
mod server;
mod update;

pub use announcement::{
    MIXER_ANNOUNCEMENT_SIZE, MixerAnnouncement, PKG_ANNOUNCEMENT_SIZE, PkgAnnouncement,
};
pub use guard::{Equivocation, GUARD_SIZE, RoundWatch, SigningGuard};
pub use manifest::{MAX_MANIFEST, MAX_SERVERS, Manifest, ManifestError};
pub use parameters::{Parameters, Schedule};
pub(crate) use round::Verification;
pub use round::{
    Directory, DirectoryError, MAX_DIRECTORY, encode_directory, sign_directory,
    verify_directory_signature,
};
pub use server::{Role, ServerEntry, server_keys};
pub use update::{
    MAX_SIGNED_MANIFEST, ManifestSignature, SignedManifest, UpdateError, encode_signed_manifest,
    sign_manifest,
};
