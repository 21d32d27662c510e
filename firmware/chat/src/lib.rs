//! An anonymous chat over a serial console, for any board that runs `zephyr-embedded`.
//!
//! ```text
//! chat       the program: what is typed, what arrives, what happens
//! register   the address, and the codes that the PKGs mail
//! board      what a board brings, and the memory of a client
//! console    lines out    lines, command   lines in
//! ```
//!
//! The console speaks in lines, so that programs can sit there too:
//!
//! | typed | answered |
//! | --- | --- |
//! | | `address?`: type your address, once in the life of the board |
//! | | `code? PKG FINGERPRINT`: type the code that this PKG mailed for this key, or `again` for another mail |
//! | | `registered`, then `ready` as soon as the network has told its time |
//! | `ADDRESS TEXT` | `queued ID`, and `delivered ID` when it has arrived |
//! | `+ADDRESS`, `-ADDRESS` | `added ADDRESS`, `removed ADDRESS` |
//! | `contacts`, `stats`, `help`, `quit` | |
//! | | `ADDRESS: TEXT` arrives; `ADDRESS N/M: TEXT` is a part of a text that did not fit into one |
//! | | `missed ROUND: ` and why: what was lost is sent again |
//! | anything else | `error: ` and what is wrong |
//!
//! A text is shown, and only then erased from the flash: a reset in between shows it once more, and loses none.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod board;
mod chat;
mod command;
mod console;
mod lines;
mod register;

pub use board::{Board, CONNECTIONS, CONTACTS, Memory, Monitor, SOCKETS};
pub use chat::run;
pub use command::{Command, CommandError, HELP};
pub use console::Console;
pub use lines::{LineBuffer, LineError, Lines};
