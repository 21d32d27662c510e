//! What a sender sees of its messages: queued, sent, delivered.

mod common;

use common::{Background, Devnet, failed, run, stdout, succeeded, zephyr};

fn outbox(home: &std::path::Path) -> Vec<serde_json::Value> {
    let output = run(&format!("--home {} outbox --json", home.display()));
    succeeded(&output);
    stdout(&output).lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn a_sender_sees_that_a_message_is_sent_and_when_it_is_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(&dir.path().join("net"));
    let (alice, bob) = (dir.path().join("alice"), dir.path().join("bob"));
    devnet.register(&alice, "alice@example.org");
    devnet.register(&bob, "bob@example.org");
    assert!(outbox(&alice).is_empty());

    // Nobody is there to confirm it.
    let send = format!("--home {} send --to bob@example.org", alice.display());
    let late = run(&format!("{send} --wait-delivered --timeout 1s first"));
    failed(&late, 5, "bob@example.org has not confirmed");
    let listed = outbox(&alice);
    assert_eq!((listed.len(), &listed[0]["to"]), (1, &"bob@example.org".into()));
    assert_ne!(listed[0]["state"], "delivered");

    // Bob's program runs, and Alice is his contact.
    succeeded(&run(&format!("--home {} contacts add alice@example.org", bob.display())));
    let recv = format!("--home {} recv --wait 300s --json", bob.display());
    let at_bob = Background::start(zephyr(&recv));
    let sent = run(&format!("{send} --wait-delivered --timeout 120s second"));
    succeeded(&sent);
    assert!(stdout(&sent).contains("Delivered to bob@example.org."), "{}", stdout(&sent));
    let texts: Vec<_> = (0..2)
        .map(|_| {
            let line = at_bob.wait_for("{");
            let message: serde_json::Value = serde_json::from_str(&line).expect("an object");
            message["text"].as_str().expect("a text").to_owned()
        })
        .collect();
    assert_eq!(texts, ["first", "second"], "in order");
    at_bob.stop();

    let listed = outbox(&alice);
    assert!(listed.iter().all(|message| message["state"] == "delivered"), "{listed:?}");
    assert!(listed.iter().all(|message| message["delivered_at"].is_string()));
    let shown = stdout(&run(&format!("--home {} outbox", alice.display())));
    assert!(shown.lines().all(|line| line.contains("delivered, confirmed at")), "{shown}");
    devnet.stop();
}
