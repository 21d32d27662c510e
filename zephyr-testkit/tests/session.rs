//! Sessions in a network in which nothing goes wrong.

#![allow(missing_docs)]

use zephyr_core::Suite;
use zephyr_core::session::Event;
use zephyr_testkit::{Faults, Keyed, Network, Plan};

/// Three people who all know each other.
fn three<S: Suite>(plan: Plan, faults: Faults) -> Network<S> {
    let mut network = Network::new(plan, faults);
    for name in ["alice@example.org", "bob@example.org", "carol@example.org"] {
        network.join(name, 4);
    }
    for a in 0..3 {
        for b in (0..3).filter(|&b| b != a) {
            network.befriend(a, b);
        }
    }
    network
}

#[test]
fn messages_of_several_fragments_arrive_in_an_honest_network() {
    let mut network = three::<Keyed>(Plan::small(1), Faults::default());
    network.run_rounds(2);
    network.write(0, 1, &[1; 1_000]);
    network.write(1, 0, b"hello");
    network.write(2, 1, b"me too");
    network.run_rounds(8);
    assert!(network.all_arrived());
    network.check();
    for person in &network.people {
        let clean = |e: &Event| {
            !matches!(
                e,
                Event::Missed { .. } | Event::SlotFailed { .. } | Event::MailboxAltered { .. }
            )
        };
        let whole: Vec<_> = person.events.iter().filter(|(_, e)| !clean(e)).collect();
        assert!(whole.is_empty(), "{whole:?}");
    }
}
