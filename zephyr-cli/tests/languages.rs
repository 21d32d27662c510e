//! Programs in C, C++, Kotlin and Swift and the command line in one network of real processes, writing to each other.

#[allow(dead_code)] // the test of boards uses more of it
#[path = "languages/chat.rs"]
mod chat;
mod common;

use chat::{Chat, LANGUAGES, example};
use common::{Devnet, failed};

const RUST: &str = "rust@example.org";

fn address(language: &str) -> String {
    format!("{language}@example.org")
}

/// Each has all the others as contacts.
fn introduce(people: &mut [Chat]) {
    let addresses: Vec<_> = people.iter().map(|person| person.address.clone()).collect();
    for person in people {
        let own = person.address.clone();
        addresses.iter().filter(|other| **other != own).for_each(|other| person.add(other));
    }
}

#[test]
#[ignore = "needs the examples: run `cargo xtask bindings` first"]
fn people_write_to_each_other_in_every_language() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(&dir.path().join("net"));
    let home = |language: &str| dir.path().join(language);

    let register = |language: &&str| {
        let mut person = Chat::start(language, &devnet, &home(language), &address(language));
        person.register(&devnet);
        person
    };
    let mut people: Vec<_> = LANGUAGES.iter().map(register).collect();
    devnet.register(&home("rust"), RUST);
    people.push(Chat::command_line(&home("rust"), RUST));
    introduce(&mut people);
    let of = |language: &str| {
        let index = LANGUAGES.iter().position(|other| *other == language);
        index.unwrap_or(LANGUAGES.len())
    };

    // Around the world: each passes on what it got.
    let way = ["c", "kotlin", "swift", "rust", "cpp", "c"];
    let mut text = String::from("Grüße, 世界: \"quoted\" & <marked>");
    for pair in way.windows(2) {
        let (from, to) = (of(pair[0]), of(pair[1]));
        let (sender, recipient) = (people[from].address.clone(), people[to].address.clone());
        people[from].send(&recipient, &text);
        text = people[to].wait_for_message(&sender);
    }
    assert_eq!(text, "Grüße, 世界: \"quoted\" & <marked>");

    // Both ways with the command line, and everybody sees that it was delivered.
    let command_line = of("rust");
    for language in LANGUAGES {
        let other = address(language);
        people[of(language)].send(RUST, &format!("from {language}"));
        people[command_line].send(&other, &format!("to {language}"));
    }
    for language in LANGUAGES {
        let other = address(language);
        assert_eq!(people[command_line].wait_for_message(&other), format!("from {language}"));
        assert_eq!(people[of(language)].wait_for_message(RUST), format!("to {language}"));
        people[of(language)].wait_until_delivered();
    }
    people[command_line].wait_until_delivered();

    // What is written while they are away comes when they are back, in order, and they need no codes any more.
    let mut command_line = people.pop().expect("the last of them");
    people.into_iter().for_each(Chat::quit);
    for language in LANGUAGES {
        for text in ["first", "second"] {
            command_line.send(&address(language), text);
        }
    }
    let back = |language: &&str| {
        let mut person = Chat::start(language, &devnet, &home(language), &address(language));
        person.ready();
        person
    };
    let mut people: Vec<_> = LANGUAGES.iter().map(back).collect();
    for person in &mut people {
        assert_eq!(person.wait_for_message(RUST), "first");
        assert_eq!(person.wait_for_message(RUST), "second");
    }
    command_line.wait_until_delivered();
    people.into_iter().for_each(Chat::quit);
    command_line.quit();
    devnet.stop();
}

#[test]
#[ignore = "needs the examples: run `cargo xtask bindings` first"]
fn the_examples_say_what_is_wrong_with_their_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let (home, missing) = (dir.path().join("home"), dir.path().join("missing.toml"));
    for language in LANGUAGES {
        let none = example(language).output().expect("it starts");
        failed(&none, 2, "NETWORK_FILE");
        let mut command = example(language);
        let no_file = command.arg(&missing).arg(&home).arg("somebody@example.org").output();
        failed(&no_file.expect("it starts"), 1, "missing.toml");
        let mut command = example(language);
        let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/network.toml");
        let no_address = command.arg(network).arg(&home).arg("somebody").output();
        failed(&no_address.expect("it starts"), 1, "name@example.org");
    }
}
