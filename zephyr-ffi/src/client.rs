//! The client with I/O inside: a home in a folder, threads of its own, callbacks.
//!
//! ```text
//! registry      zephyr_client * is a number; what stands behind it
//! engine        an open home and its threads: how a call gets in, and how it is closed
//! rounds        taking part: start, stop
//! telling       from events to callbacks, on one thread
//! failure       what the client's errors are as statuses
//! open, registration, contacts, messages, outbox, inbox, backup      the functions
//! ```

mod backup;
mod contacts;
mod engine;
mod failure;
mod inbox;
mod messages;
mod open;
mod outbox;
mod registration;
mod registry;
mod rounds;
mod telling;
#[cfg(test)]
mod testing;
mod text;
