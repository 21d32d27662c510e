//! What each server, and somebody who taps all wires, could see.

use std::fmt::Write;

use zephyr_client::Network;
use zephyr_core::Role;
use zephyr_server::{Node, NodeStats};

use super::people::Person;
use crate::local_network::LocalNetwork;

/// The table.
pub fn table(network: &Network, servers: &LocalNetwork, people: &[Person], rounds: u64) -> String {
    let mut text = String::from("What each could see, all rounds together:\n");
    // Writing into a string does not fail.
    let _ = writeln!(text, "  {:11} {:61} and could not", "who", "could see");
    for (name, node) in Role::ALL.into_iter().flat_map(|role| servers.nodes(role)) {
        let (seen, hidden) = seen(node, people.len());
        let _ = writeln!(text, "  {name:11} {seen:61} {hidden}");
    }
    let parameters = network.manifest();
    let parameters = parameters.parameters();
    let (least, most) = bytes(people, rounds);
    let seen = format!(
        "{} packets of {} bytes from each of {} people in each round,",
        parameters.packets_per_round,
        parameters.geometry.packet_len(),
        people.len()
    );
    let _ = writeln!(text, "  {:11} {seen:61} who writes to whom,", "wire-tapper");
    let _ = write!(
        text,
        "  {:11} {:61} or who writes at all",
        "",
        format!("and their downloads: {least} to {most} bytes a round")
    );
    text
}

fn seen(node: &Node, people: usize) -> (String, &'static str) {
    let NodeStats {
        packets_in,
        packets_mixed,
        noise,
        extractions,
        directories_served,
        downloads,
        messages_stored,
        ..
    } = node.stats();
    match node.role() {
        Role::Pkg => (
            format!("{people} addresses, {extractions} shares of their keys fetched"),
            "any message, any whole key",
        ),
        Role::Mixer => (
            format!(
                "{packets_in} packets of people, {packets_mixed} of mixers, {noise} of its own"
            ),
            "which that came is which that left",
        ),
        Role::Info => (format!("{directories_served} directories fetched"), "anything else"),
        _ => (
            format!("{messages_stored} sealed messages kept, {downloads} mailboxes fetched"),
            "sender, recipient, contents, what is cover",
        ),
    }
}

/// The fewest and the most bytes that a client moved, each way together, in a round on average.
fn bytes(people: &[Person], rounds: u64) -> (u64, u64) {
    let each = people.iter().map(|person| {
        let stats = person.client.stats();
        (stats.bytes_in + stats.bytes_out) / stats.rounds.max(1)
    });
    let (mut least, mut most) = (u64::MAX, 0);
    for bytes in each {
        (least, most) = (least.min(bytes), most.max(bytes));
    }
    if rounds == 0 { (0, 0) } else { (least, most) }
}
