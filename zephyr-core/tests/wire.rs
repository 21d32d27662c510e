//! The messages on a link: every byte of every variant, and what is refused.

#![allow(missing_docs)]

mod common;
#[path = "wire/frozen.rs"]
mod frozen;
#[path = "wire/parsing.rs"]
mod parsing;
#[path = "wire/samples.rs"]
mod samples;
