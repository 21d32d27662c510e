//! Sealed messages: what only the recipient can open, and only in the round it was made for.

mod payload;
mod sealed;
mod sender;

pub use payload::{Content, MAX_PAYLOAD_HEADER, Payload, PayloadError, PayloadHeader};
pub use sealed::{
    Cover, HEAD_SIZE, Opened, Opener, RoundContext, SEAL_OVERHEAD, Sealed, Sealer, SenderTag,
};
pub(crate) use sealed::{OwnMessage, RoundId};
pub use sender::{SenderKey, TAG_SIZE, Tag};
