//! The demonstrations of what happens when servers die. Lost rounds only make them longer, so a busy machine is no
//! reason for them to fail.

mod common;

use common::{failed, run, stderr, stdout, succeeded};

fn figures(output: &std::process::Output) -> serde_json::Value {
    let stdout = stdout(output);
    serde_json::from_str(stdout.lines().last().expect("a last line")).expect("one object")
}

#[test]
fn a_mixer_and_the_coordinator_die_and_every_message_arrives() {
    let output = run("demo --chaos --users 3 --pkgs 1 --rounds 2 --json");
    succeeded(&output);
    let told = stderr(&output);
    for words in ["3 of 4 mixers", "mixer-3 is KILLED", "mixer-1 is KILLED", "is started again"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (before, _) = told.split_once(": mixer-3 is KILLED").expect("a round");
    let round = before.lines().last().expect("its number");
    assert!(told.contains(&format!("{round}: void")), "what was in {round} was lost: {told}");
    let figures = figures(&output);
    assert_eq!((&figures["sent"], &figures["delivered"]), (&6.into(), &6.into()), "{figures}");
    assert_eq!((&figures["lost"], &figures["faults"]), (&0.into(), &2.into()), "{figures}");
    assert!(figures["rounds_lost"].as_u64().is_some_and(|lost| lost >= 1), "{figures}");
}

#[test]
fn chaos_needs_a_mixer_to_spare() {
    failed(&run("demo --chaos --mixers 2"), 2, "at least 3 mixers");
}

#[test]
fn a_short_soak_loses_nothing() {
    let output = run("soak --clients 5 --mailboxes 2 --rounds 3 --restart-every 2 --json");
    succeeded(&output);
    let figures = figures(&output);
    assert_eq!((&figures["sent"], &figures["delivered"]), (&15.into(), &15.into()), "{figures}");
    assert_eq!((&figures["duplicated"], &figures["restarts"]), (&0.into(), &1.into()));
    assert_eq!(figures["open_files"]["rounds"].as_array().map(Vec::len), Some(3), "{figures}");
}
