//! A network on virtual time.

mod chance;
mod check;
mod conversation;
mod faults;
mod person;
mod plan;
mod round;
mod run;
mod servers;
mod wire_log;

pub use conversation::Conversation;
pub use faults::Faults;
pub use person::{Fragment, Person, Receipt};
pub use plan::Plan;
pub use run::Network;
pub use servers::{ClientFacing, Servers};
pub use wire_log::{WireEntry, WireKind};
