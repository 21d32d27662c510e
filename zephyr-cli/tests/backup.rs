//! A home that is backed up, lost and restored.

mod common;

use std::fs;

use common::{Background, Devnet, failed, run, run_with, stdout, succeeded, zephyr};

#[test]
fn a_home_is_restored_without_new_codes_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(&dir.path().join("net"));
    let at = |name: &str| dir.path().join(name);
    let (alice, bob, restored) = (at("alice"), at("bob"), at("restored"));
    devnet.register(&alice, "alice@example.org");
    devnet.register(&bob, "bob@example.org");
    let backup = at("backup");
    let in_home =
        |home: &std::path::Path, args: &str| zephyr(&format!("--home {} {args}", home.display()));
    let call = |home: &std::path::Path, args: &str, stdin: &str| {
        run_with(in_home(home, args), stdin.as_bytes())
    };
    succeeded(&call(&alice, "contacts add bob@example.org", ""));
    succeeded(&call(&bob, "contacts add alice@example.org", ""));
    succeeded(&call(&alice, "contacts block mallory@example.org", ""));

    // Bob is not there: this waits in the outbox.
    let first = "send --to bob@example.org --wait-delivered --timeout 1s first";
    failed(&call(&alice, first, ""), 5, "stays in the outbox");

    let write = format!("backup {}", backup.display());
    failed(&call(&alice, &write, "short\n"), 2, "at least 8 characters");
    assert!(!backup.exists());
    let written = call(&alice, &write, "correct horse\n");
    succeeded(&written);
    assert!(stdout(&written).contains("alice@example.org"), "{}", stdout(&written));
    failed(&call(&alice, &write, "correct horse\n"), 1, "never overwritten");
    // The home goes on for a while; what it writes now is lost with it.
    succeeded(&call(&alice, "send --to bob@example.org lost", ""));
    fs::remove_dir_all(&alice).unwrap();

    let read = format!("restore {}", backup.display());
    failed(&call(&restored, &read, "correct house\n"), 2, "the passphrase is wrong");
    assert!(!restored.exists());
    failed(&call(&bob, &read, "correct horse\n"), 1, "never overwritten");
    let file = at("passphrase");
    fs::write(&file, "correct horse\n").unwrap();
    let from_file = format!("{read} --passphrase-file {}", file.display());
    succeeded(&call(&restored, &from_file, ""));
    let other = at("other");
    let mut from_variable = in_home(&other, &read);
    succeeded(&run_with(
        std::mem::replace(from_variable.env("ZEPHYR_PASSPHRASE", "correct horse"), zephyr("")),
        b"",
    ));
    assert_eq!(
        stdout(&call(&restored, "contacts list", "")),
        "bob@example.org\nmallory@example.org  (blocked)\n"
    );

    succeeded(&run(&format!("--home {} check", restored.display())));
    let at_bob = Background::start(in_home(&bob, "recv --wait 300s --json"));
    let sent =
        call(&restored, "send --to bob@example.org --wait-delivered --timeout 120s second", "");
    succeeded(&sent);
    let texts = ["first", "second"].map(|_| {
        let message: serde_json::Value =
            serde_json::from_str(&at_bob.wait_for("{")).expect("an object");
        message["text"].as_str().expect("a text").to_owned()
    });
    assert_eq!(texts, ["first", "second"]);
    at_bob.stop();
    // Its key is the one that is registered.
    succeeded(&call(&restored, "unregister", ""));
    failed(&call(&restored, "check", ""), 1, "see what is marked");
    failed(&call(&restored, "send --to bob@example.org third", ""), 4, "not registered");
    devnet.stop();
}
