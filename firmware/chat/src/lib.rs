//! A chat.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod command;
mod lines;

pub use command::{Command, CommandError, HELP};
pub use lines::{LineBuffer, LineError, Lines};
