//! A network on many hosts, each with an address and a cable of its own, and what goes wrong with them.
//!
//! The hosts are network namespaces; the programs are those that operators and users run. Nothing of it can be seen
//! outside, and nothing is left when the test ends.
//!
//! `ZEPHYR_FAULT=PKG cargo test -p zephyr-cli --test hosts -- --ignored` plays only the faults with this word, and
//! shows all that the programs say.

#[path = "hosts/cage.rs"]
mod cage;
mod common;
#[path = "hosts/lan.rs"]
mod lan;
#[path = "hosts/log.rs"]
mod log;
#[path = "hosts/relay.rs"]
mod relay;
#[path = "hosts/table.rs"]
mod table;
#[path = "hosts/world.rs"]
mod world;

use std::time::{Duration, Instant};

use table::{Cost, Table};
use world::World;

const PEOPLE: usize = 4;
/// For all messages to arrive after a fault.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "needs network namespaces, iproute2 and nftables; run by cargo xtask test"]
fn nothing_is_lost_between_hosts_that_fail() {
    if !cage::enter("nothing_is_lost_between_hosts_that_fail") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let begin = Instant::now();
    let mut world = runtime.block_on(World::start());
    println!("{:.0} s: everybody is registered", begin.elapsed().as_secs_f64());
    let mut table = Table(Vec::new());
    let only = std::env::var("ZEPHYR_FAULT").unwrap_or_default();
    for &(fault, play) in FAULTS.iter().filter(|(fault, _)| fault.contains(&only)) {
        table.0.push(cost(&mut world, fault, play));
        println!("{:.0} s: {fault}", begin.elapsed().as_secs_f64());
    }
    println!("\n{table}");
    for cost in &table.0 {
        assert_eq!(cost.lost(), 0, "{}: messages were lost", cost.fault);
        assert!(cost.recovery.is_some(), "{}: no round delivered to everybody", cost.fault);
    }
}

type Play = fn(&mut World);

/// Each lets something happen and ends it.
const FAULTS: &[(&str, Play)] = &[
    ("none", |_| {}),
    ("200 ms more each way to a mixer and a client", |world| {
        world.relay.delay(Duration::from_millis(200));
        world.sleep_rounds(2);
        world.relay.delay(Duration::ZERO);
    }),
    ("10 % of packets lost at a mixer and a client", |world| {
        lan::lose(10, &[world.host("mixer-2"), world.host("alice")]);
        world.sleep_rounds(2);
        lan::lose(0, &[]);
    }),
    ("a mixer's link cut for a round and a half", |world| {
        world.sleep_to(|round| round.submit_from);
        world.host("mixer-3").cut();
        world.sleep_rounds(1);
        world.sleep_to(|round| round.submit_until);
        world.host("mixer-3").restore();
    }),
    ("a client's link cut for two rounds", |world| {
        world.host("bob").cut();
        world.sleep_rounds(2);
        world.host("bob").restore();
    }),
    ("a mixer killed in the mix phase, restarted at once", |world| {
        world.sleep_to(|round| round.submit_until.plus(50));
        world.kill("mixer-2");
        world.boot("mixer-2");
    }),
    ("the coordinator killed in the open phase, restarted two rounds later", |world| {
        world.sleep_to(|round| round.opens.plus(100));
        world.kill("mixer-1");
        world.sleep_rounds(2);
        world.boot("mixer-1");
    }),
    ("a client killed, restarted two rounds later", |world| {
        world.sleep_to(|round| round.submit_from.plus(1_000));
        world.kill("carol");
        world.sleep_rounds(2);
        world.boot("carol");
    }),
    ("an info-node and a mailbox server killed, restarted two rounds later", |world| {
        world.kill("info-1");
        world.kill("mailbox-1");
        world.sleep_rounds(2);
        world.boot("info-1");
        world.boot("mailbox-1");
    }),
    ("a PKG killed in the submit phase, restarted a round later", |world| {
        world.sleep_to(|round| round.submit_from.plus(500));
        world.kill("pkg-2");
        world.sleep_rounds(1);
        world.boot("pkg-2");
    }),
];

/// Plays a fault while messages are queued, and waits until all have arrived.
fn cost(world: &mut World, fault: &'static str, play: Play) -> Cost {
    let (first, before) = (world.round(), world.queued());
    world.write();
    play(world);
    let end = Instant::now();
    world.write();
    let queued = world.queued();
    let all = world.log.wait(PATIENCE, |log| world.arrived(log) == queued);
    let caught_up = all.then(|| end.elapsed());
    let last = world.round();
    let mut cost = Cost {
        fault,
        rounds_lost: 0,
        rounds_missed: 0,
        queued: queued - before,
        arrived: world.arrived(&world.log.entries()) - before,
        recovery: None,
        caught_up,
    };
    cost.count_rounds(&world.log.entries(), (first, last), end, PEOPLE);
    cost
}
