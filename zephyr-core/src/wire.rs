//! The messages between clients and servers.
//!
//! Control messages are postcard, one to a frame of a link; what is signed, hashed or mixed is a
//! fixed layout of raw bytes inside them.

mod codec;
pub(crate) mod cursor;
mod info;
mod mailbox;
mod mixer;
mod pkg;

pub use codec::{Bytes, MAX_FRAME, WireError, decode, encode};
pub use info::{InfoReply, InfoRequest, NoDirectory};
pub use mailbox::{DownloadRefusal, MailboxReply, MailboxRequest};
pub use mixer::{MAX_TOKEN, MixerReply, MixerRequest, SubmitRefusal};
pub use pkg::{
    CODE_BITS, Code, CodeError, Fingerprint, PkgBinding, PkgRefusal, PkgReply, PkgRequest,
    SecretShare,
};
