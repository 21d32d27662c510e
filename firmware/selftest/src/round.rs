//! A whole round of a client: the real session, over real links, against the servers of `network.rs`.

mod client;
mod cost;
mod mailbox;
mod servers;

use crate::{network::Network, people::People, report::Report, rng::TestRng};

use mailbox::Contents;

/// How many messages are in the mailbox of a client with contacts only.
const MANY: u32 = 1_000;
/// How many in that of a client that tries to open everything.
const FEW: u32 = 100;

/// A round with contacts only, and one with an open mailbox.
#[inline(never)]
pub fn take_part(
    report: &mut Report,
    rng: &mut TestRng,
    network: &Network<'_>,
    people: &People<'_>,
) {
    let contents = Contents::new(network, people, rng, MANY);
    client::round(rng, network, people, &contents, true).print(report);
    let contents = Contents::new(network, people, rng, FEW);
    let cost = client::round(rng, network, people, &contents, false);
    report.figure("open mailbox: try to open 100 messages", cost.scan());
}
