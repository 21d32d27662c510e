//! Two people in a network of real processes and sockets.

mod common;

use std::fs;

use common::{Background, Devnet, failed, noise, read, run, run_with, stderr, succeeded, zephyr};

#[test]
fn two_people_register_and_send_each_other_texts_and_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(&dir.path().join("net"));
    let (alice, bob) = (dir.path().join("alice"), dir.path().join("bob"));
    devnet.register(&alice, "alice@example.org");
    devnet.register(&bob, "bob@example.org");
    succeeded(&run(&format!("--home {} check", alice.display())));

    let recv = |home: &std::path::Path, messages: usize| {
        let home = home.display();
        Background::start(zephyr(&format!(
            "--home {home} recv --wait 80s --messages {messages} --json"
        )))
    };
    let mut at_bob = recv(&bob, 2);
    let in_alice = |args: &str| zephyr(&format!("--home {} {args}", alice.display()));
    let text = run(&format!("--home {} send --to Bob@example.org Hello!", alice.display()));
    succeeded(&text);
    let file = noise(20_000);
    let sent = run_with(in_alice("send --to bob@example.org"), &file);
    succeeded(&sent);
    assert!(common::stdout(&sent).contains("21 packets in 6 rounds"), "{}", common::stdout(&sent));

    let lines = at_bob.output();
    let messages: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!(messages.len(), 2);
    for message in &messages {
        assert_eq!(message["from"], "alice@example.org");
        assert_eq!(message["authenticated"], true);
        assert!(message["round"].is_u64() && message["received_at"].is_string());
    }
    assert_eq!(messages[0]["text"], "Hello!");
    let path = messages[1]["file"].as_str().expect("a path");
    assert!(read(path) == file, "the file's bytes");

    let mut at_alice = recv(&alice, 1);
    succeeded(&run(&format!("--home {} send --to alice@example.org Hi", bob.display())));
    let answer: serde_json::Value = serde_json::from_str(&at_alice.output()[0]).unwrap();
    assert_eq!((&answer["from"], &answer["text"]), (&"bob@example.org".into(), &"Hi".into()));
    devnet.stop();
}

#[test]
fn a_devnet_goes_on_where_it_was_and_refuses_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let net = dir.path().join("net");
    let devnet = Devnet::start(&net);
    let alice = dir.path().join("alice");

    let codes = devnet.codes(&alice, "alice@example.org");
    let network = devnet.network();
    let confirm = |codes: &str| {
        let home = alice.display();
        run(&format!("--home {home} register alice@example.org --network {network} {codes}"))
    };
    let other = if codes[0].starts_with('0') { "1" } else { "0" };
    let wrong = format!("{other}{}", &codes[0][1..]);
    failed(&confirm(&format!("--code {wrong}")), 1, "tries left: 4");
    failed(&confirm("--code 1234"), 2, "eight letters and digits");
    failed(&confirm(&format!("--code pkg-9={}", codes[0])), 2, "pkg-9");
    failed(&run(&format!("--home {} send --to b@example.org x", alice.display())), 4, "missing");
    failed(&confirm(&format!("--code {}", codes[0])), 4, "pkg-2");
    succeeded(&confirm(&format!("--code {}", codes[1])));
    failed(&confirm(&format!("--code {}", codes[1])), 2, "no PKG waits");

    let before = read(&network);
    let second = run(&format!("devnet --dir {}", net.display()));
    failed(&second, 1, "running in");
    devnet.stop();
    failed(&run(&format!("devnet --dir {} --mixers 7", net.display())), 2, "leave the number out");
    let parameters = format!("devnet --dir {} --parameters p.toml", net.display());
    failed(&run(&parameters), 2, "leave --parameters p.toml out");
    let devnet = Devnet::start(&net);
    assert!(read(&network) == before, "the same network");
    let check = run(&format!("--home {} check", alice.display()));
    assert!(check.status.success(), "{}{}", common::stdout(&check), stderr(&check));
    devnet.stop();

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = net.join("servers/mixer-1.key");
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_devnet_takes_parameters_from_a_draft() {
    let dir = tempfile::tempdir().unwrap();
    let (net, draft) = (dir.path().join("net"), dir.path().join("parameters.toml"));
    let options =
        format!("--mixers 2 --infos 1 --mailbox-servers 1 --parameters {}", draft.display());
    fs::write(&draft, "[[mixer]]\n").unwrap();
    failed(&run(&format!("devnet {options} --dir {}", net.display())), 2, "parameters.toml");
    fs::write(&draft, "[parameters]\npayload_bytes = 256\n").unwrap();
    let devnet = Devnet::start_with(&net, 1, &options);
    let shown = common::stdout(&run(&format!("network show {}", devnet.network())));
    assert!(shown.contains("256"), "{shown}");
    devnet.stop();
}
