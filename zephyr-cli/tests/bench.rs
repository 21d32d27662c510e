//! The benchmarks at a tiny size: that they measure what they say, and that everything arrives. Never how fast.

mod common;

use common::{failed, run, stdout, succeeded};
use serde_json::Value;

/// The rows of a benchmark, each with the fields that all benchmarks' rows have.
#[track_caller]
fn rows(args: &str) -> Vec<Value> {
    let output = run(&format!("bench {args} --json"));
    succeeded(&output);
    let rows: Vec<Value> = serde_json::from_str(&stdout(&output)).expect("one array");
    for row in &rows {
        assert!(row["name"].is_string() && row["unit"].is_string(), "{row}");
        assert!(row["value"].as_f64().is_some_and(|value| value >= 0.0), "{row}");
        for field in ["against", "ratio", "limit"] {
            assert!(row.get(field).is_some(), "{row} has no {field}");
        }
    }
    rows
}

#[track_caller]
fn has(rows: &[Value], words: &[&str]) {
    let named =
        |row: &Value| row["name"].as_str().is_some_and(|n| words.iter().all(|w| n.contains(w)));
    assert_eq!(rows.iter().filter(|row| named(row)).count(), 1, "{words:?} in {rows:?}");
}

#[test]
fn a_round_of_each_kind_of_routes_arrives_whole() {
    let rows = rows("round --messages 60 --mixers 2");
    for routes in ["round", "rotations", "free"] {
        let name = format!("round of 60 messages, 2 mixers, routes {routes}");
        let row = rows.iter().find(|row| row["name"] == name.as_str()).expect("its row");
        assert!(row["ratio"].is_f64() && row["limit"] == 1.6, "{row}");
    }
}

#[test]
fn clients_get_their_keys_from_a_pkg_in_its_own_process() {
    let rows = rows("pkg --clients 40 --connections 8");
    for what in ["extractions a second", "time of a client", "processor time"] {
        has(&rows, &["PKG, 40 clients", what]);
    }
    has(&rows, &["memory at most"]);
    assert!(rows.iter().any(|row| row["unit"] == "MB" && row["limit"] == 40.0), "{rows:?}");
}

#[test]
fn clients_get_directories_from_an_info_node_in_its_own_process() {
    let rows = rows("info --clients 40 --connections 8");
    for what in ["time of a client", "processor time", "memory at most"] {
        has(&rows, &["info-node, 40 clients", what]);
    }
}

#[test]
fn mailboxes_are_filled_and_downloaded() {
    let rows = rows("mailbox --messages 200 --mailboxes 4 --clients 12 --connections 6");
    for what in ["uploaded", "for one of 12 clients", "memory at most, all of it"] {
        has(&rows, &["mailbox server, 200 messages, 4 mailboxes", what]);
    }
}

#[test]
fn what_a_client_moves_is_told_by_what_it_is_for() {
    let rows = rows("traffic --rounds 1");
    for payload in ["1024", "256"] {
        for part in ["directory", "extraction", "packets", "mailbox", "everything", "10 minutes"] {
            has(&rows, &[&format!("payloads of {payload} bytes: "), part]);
        }
    }
    // A link takes more than what is moved over it, and not much more than that.
    let ratio = |part: &str| {
        let row = rows.iter().find(|row| row["name"].as_str().is_some_and(|n| n.ends_with(part)));
        row.and_then(|row| row["ratio"].as_f64()).expect("it has one")
    };
    assert!((1.0..1.1).contains(&ratio("1024 bytes: mailbox")), "{rows:?}");
    assert!((1.0..1.3).contains(&ratio("1024 bytes: packets")), "{rows:?}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    failed(&run("bench"), 2, "Usage");
    failed(&run("bench round --messages 0"), 2, "there can be 1 to");
    failed(&run("bench round --mixers 0"), 2, "servers");
    failed(&run("bench round --sweep --mixers 3"), 2, "cannot be used");
    failed(&run("bench pkg --connections 0"), 2, "connections");
}
