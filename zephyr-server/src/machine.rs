//! The rules of the servers, without I/O: time, frames and random numbers come from outside.

pub mod batch;
pub mod board;
pub mod coordinator;
pub mod delivery;
pub mod mailbox;
pub mod mix;
pub mod mixer;
pub mod noise;
pub mod peer;
pub mod pkg;
pub mod record;
