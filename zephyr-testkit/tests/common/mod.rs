//! People who know each other.

#![allow(dead_code, missing_docs)]

pub mod alone;

use zephyr_core::Suite;
use zephyr_testkit::{Faults, Network, Plan};

pub const NAMES: [&str; 4] =
    ["alice@example.org", "bob@example.org", "carol@example.org", "dave@example.org"];

/// `count` people who all have each other as contacts.
pub fn friends<S: Suite>(plan: Plan, faults: Faults, count: usize) -> Network<S> {
    let mut network = Network::new(plan, faults);
    for name in &NAMES[..count] {
        network.join(name, 4);
    }
    for a in 0..count {
        for b in (0..count).filter(|&b| b != a) {
            network.befriend(a, b);
        }
    }
    network
}
