//! The border between C and Rust.

mod boundary;
mod input;
mod lent;
mod output;
mod random;
mod status;
mod version;

pub(crate) use boundary::{Failure, boundary};
pub(crate) use input::{address, array, bytes, bytes_mut, item, items, text};
pub(crate) use lent::{Lent, borrow, borrow_mut, lent_size, place, wipe};
pub(crate) use output::{Out, output, output_array, output_items, output_text};
pub(crate) use random::{generator, hedge};
pub use random::{zephyr_hedge, zephyr_random};
pub use status::{zephyr_status, zephyr_status_text};
pub use version::*;
