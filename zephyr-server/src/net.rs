//! The network between the servers: bytes in, bytes out, over libp2p (TCP, Noise, Yamux).
//!
//! Only servers of a given list are let in, and connections to all of them are kept up. Over these run
//! - [calls](NetHandle::call): a short request and its answer (`/zephyr/call/1`),
//! - [batches](NetHandle::open_batch): any number of items of one size, complete or not at all (`/zephyr/batch/1`),
//! - [records](NetHandle::put_record): small values that every server keeps for all, in Kademlia (`/zephyr/kad/1`).
//!
//! [`Net::bind`] returns a [`Net`], to be spawned with [`Net::run`], a [`NetHandle`] for everything that the server wants,
//! and a channel of [`Incoming`] for everything that others want of it.
//!
//! What the bytes mean is not known here. Identities are authenticated by the connections; nothing else is believed.

mod actor;
mod batch;
mod behaviour;
mod calls;
mod commands;
mod config;
mod dialer;
mod events;
mod handle;
mod lookups;
mod records;
mod roster;

// Starting.
pub use actor::Net;
pub use config::{NetConfig, StartError};
pub use roster::{NodeId, Peer, RosterError};

// Using.
pub use handle::{Incoming, NetHandle, SetPeersError};

// Calls.
pub use calls::{CallError, MAX_CALL_LEN, MAX_CALL_TIME, Reply};

// Batches.
pub use batch::{BatchError, BatchReader, BatchWriter, MAX_ACK_LEN, MAX_HEADER_LEN, MAX_ITEM_LEN};

// Records.
pub use records::{MAX_KEY_LEN, MAX_RECORD_LEN, RecordCheck, RecordError};
