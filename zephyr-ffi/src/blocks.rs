//! Building blocks: no threads, no I/O, no heap.

mod identity;
mod keys;
mod mailbox;
mod manifest;
mod onion;
mod payload;
mod round;
mod route;
mod seal;
mod sender;
mod sizes;

pub use identity::*;
pub use keys::*;
pub use mailbox::*;
pub use manifest::*;
pub use onion::*;
pub use payload::*;
pub use round::*;
pub use route::*;
pub use seal::*;
pub use sender::*;
pub use sizes::*;
