//! Help, exit codes and bad input, without a network.

mod common;

use std::fs;

use common::{failed, run, run_with, stderr, stdout, succeeded, zephyr};

#[test]
fn the_help_lists_all_commands_and_the_exit_codes() {
    let output = run("--help");
    succeeded(&output);
    let help = stdout(&output);
    for command in [
        "register",
        "send",
        "outbox",
        "recv",
        "pipe",
        "contacts",
        "backup",
        "restore",
        "check",
        "veto",
        "unregister",
        "demo",
        "soak",
        "devnet",
        "keygen",
        "network",
        "pkg",
        "mixer",
        "info",
        "mailbox",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}");
        succeeded(&run(&format!("{command} --help")));
    }
    for code in 0..=5 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code}: {help}");
    }
}

#[test]
fn a_wrong_command_line_is_refused_with_a_sentence() {
    failed(&run("frobnicate"), 2, "frobnicate");
    failed(&run("demo --users 1"), 2, "there can be 2 to 64 people");
    failed(&run("demo --mixers 65"), 2, "there can be 1 to 64 servers");
    failed(&run("soak --clients 4"), 2, "there can be 5 to 1000 clients");
    failed(&run("send --to nobody hi"), 2, "name@example.org");
    failed(&run("send --to böb@example.org hi"), 2, "xn--");
    failed(&run("recv --wait soon"), 2, "60s");
    assert_eq!(run("").status.code(), Some(2));
}

#[test]
fn a_home_that_is_not_there_is_told_how_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for command in
        ["send --to bob@example.org hi", "outbox", "recv", "pipe", "contacts list", "check", "veto"]
    {
        failed(&run(&format!("--home {} {command}", home.display())), 4, "register");
    }
    assert!(!home.exists(), "nothing was made");
}

#[test]
fn a_key_is_made_once_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("mixer-1.key");
    let keygen = format!("keygen --role mixer --out {}", key.display());
    let output = run(&keygen);
    succeeded(&output);
    let entry = stdout(&output);
    assert!(entry.starts_with("[[mixer]]\nname = \"mixer-1\"\nidentity = \""), "{entry}");
    let secret = fs::read_to_string(&key).unwrap();
    assert_eq!(secret.trim().len(), 64);
    assert!(!entry.contains(secret.trim()) && !stderr(&output).contains(secret.trim()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    failed(&run(&keygen), 1, "never overwritten");
    assert_eq!(fs::read_to_string(&key).unwrap(), secret);
}

/// Entries of a small network, as `keygen` prints them.
fn drafts(dir: &std::path::Path) -> Vec<String> {
    let servers = ["mixer-1", "mixer-2", "pkg-1", "info-1", "mailbox-1"];
    let draft = |name: &&str| {
        let role = name.split('-').next().unwrap();
        let key = dir.join(format!("{name}.key"));
        let output = run(&format!(
            "keygen --role {role} --client {name}.example.org:7100 --peer {name}.example.org:7200 --out {}",
            key.display()
        ));
        succeeded(&output);
        let draft = dir.join(format!("{name}.toml"));
        fs::write(&draft, stdout(&output)).unwrap();
        draft.display().to_string()
    };
    servers.iter().map(draft).collect()
}

#[test]
fn a_network_is_made_of_the_servers_entries_and_described() {
    let dir = tempfile::tempdir().unwrap();
    let drafts = drafts(dir.path());
    let file = dir.path().join("network.toml");
    let init = format!("network init --out {} {}", file.display(), drafts.join(" "));
    succeeded(&run(&init));
    failed(&run(&init), 1, "never overwritten");
    let shown = stdout(&run(&format!("network show {}", file.display())));
    for words in ["at least 2 of 2 mixers", "need 2 corrupted", "rotations", "epsilon", "mixer-2"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let manifest = run(&format!("network export {}", file.display())).stdout;
    assert!(zephyr_core::Manifest::parse(&manifest).is_ok(), "a manifest and nothing else");
    let incomplete = dir.path().join("incomplete.toml");
    let init = format!("network init --out {} {}", incomplete.display(), drafts[..3].join(" "));
    failed(&run(&init), 2, "role info");
    assert!(!incomplete.exists());
}

#[test]
fn an_altered_network_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let drafts = drafts(dir.path());
    let file = dir.path().join("network.toml");
    succeeded(&run(&format!("network init --out {} {}", file.display(), drafts.join(" "))));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("info-1.example.org:7100", "evil.example.org:7100")).unwrap();
    let home = dir.path().join("home");
    let register =
        format!("--home {} register a@example.org --network {}", home.display(), file.display());
    failed(&run(&register), 2, "altered");
    assert!(!home.exists());
    fs::write(&file, "not a network").unwrap();
    failed(&run(&register), 2, "not a network file");
    fs::remove_file(&file).unwrap();
    failed(&run(&register), 2, "network.toml");
}

#[test]
fn a_server_says_what_is_wrong_with_its_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let drafts = drafts(dir.path());
    let network = dir.path().join("network.toml");
    succeeded(&run(&format!("network init --out {} {}", network.display(), drafts.join(" "))));
    let config = dir.path().join("server.toml");
    let common = "network = \"network.toml\"\nclient_listen = \"127.0.0.1:0\"\npeer_listen = \"127.0.0.1:0\"\nstate = \"state\"\n";
    let start = |role: &str, more: &str| {
        fs::write(&config, format!("{common}{more}\n")).unwrap();
        run(&format!("{role} --config {}", config.display()))
    };
    failed(&start("info", "key = \"mixer-1.key\""), 2, "zephyr mixer");
    failed(&start("info", "key = \"nothing.key\""), 1, "nothing.key");
    failed(&start("info", "key = \"network.toml\""), 2, "64 hexadecimal digits");
    failed(&start("info", "key = \"info-1.key\"\ncolour = 1"), 2, "colour");
    failed(&start("pkg", "key = \"pkg-1.key\""), 2, "[smtp]");
    let smtp = "key = \"pkg-1.key\"\n[smtp]\nhost = \"mail.example.org\"\nuser = \"a\"\npassword_env = \"ZEPHYR_NO_SUCH\"\nfrom = \"a@example.org\"";
    failed(&start("pkg", smtp), 1, "ZEPHYR_NO_SUCH");
    failed(&run("mixer --config /nowhere/mixer.toml"), 1, "/nowhere/mixer.toml");
}

#[test]
fn a_network_goes_to_its_next_version_signed_by_its_servers() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let mut drafts = drafts(dir.path());
    for name in ["mixer-3", "mixer-4"] {
        let keygen = format!("keygen --role mixer --client {name}:1 --peer {name}:2 --out");
        let entry = run(&format!("{keygen} {}", at(&format!("{name}.key"))));
        fs::write(at(&format!("{name}.toml")), stdout(&entry)).unwrap();
    }
    drafts.push(at("mixer-3.toml"));
    let (first, next) = (at("network.toml"), at("next.toml"));
    succeeded(&run(&format!("network init --out {first} {}", drafts.join(" "))));
    let show = |file: &str| stdout(&run(&format!("network show {file}")));
    let id = show(&first).lines().next().unwrap().to_owned();

    let draft = |changes: &str| run(&format!("network next {first} --out {next} {changes}"));
    failed(&draft("--remove mixer-2"), 2, "--from-round");
    failed(&draft("--in 1h --from-round 9"), 2, "cannot be used with");
    failed(&draft("--in 1h --remove mixer-9"), 2, "no server \"mixer-9\"");
    failed(&draft("--in 1h --client mixer-1"), 2, "NAME=HOST:PORT");
    failed(&draft("--in 1h --remove info-1"), 2, "role info");
    fs::write(at("longer.toml"), "[parameters]\nround_ms = 700000\n").unwrap();
    failed(&draft(&format!("--in 1h --add {}", at("longer.toml"))), 2, "round_ms");
    let changes = format!(
        "--in 1h --remove mixer-2 --add {} --client info-1=info.example.net:7100",
        at("mixer-4.toml")
    );
    let output = draft(&changes);
    succeeded(&output);
    assert!(stdout(&output).contains("at least 3 of 3 mixers"), "{}", stdout(&output));
    failed(&draft(&changes), 1, "never overwritten");
    assert!(show(&next).contains("mixers mixer-1, mixer-2, mixer-3 (one of these may be missing)"));
    // Nobody can use it yet.
    let home = at("home");
    let register = format!("--home {home} register a@example.org --network {next}");
    failed(&run(&register), 2, "not signed by enough servers");
    failed(&run(&format!("network next {next} --out {} --in 2h", at("far.toml"))), 2, "lacks");

    let sign = |what: &str| run(&format!("network sign {next} {what}"));
    let by = |name: &str| sign(&format!("--key {}", at(&format!("{name}.key"))));
    failed(&sign(""), 2, "--merge");
    failed(&by("mixer-4"), 2, "not the key of a mixer or PKG of version 0");
    failed(&by("info-1"), 2, "not the key of a mixer or PKG");
    fs::copy(&next, at("copy.toml")).unwrap();
    succeeded(&by("mixer-3"));
    succeeded(&by("mixer-3"));
    let output = by("pkg-1");
    assert!(stdout(&output).contains("not signed yet by the mixers mixer-1, mixer-2"));
    let other = run(&format!("network sign {} --key {}", at("copy.toml"), at("mixer-1.key")));
    assert!(stdout(&other).contains("the mixers mixer-2, mixer-3 (one"), "{}", stdout(&other));
    let whole = sign(&format!("--merge {}", at("copy.toml")));
    assert!(stdout(&whole).contains("signed by all who must"), "{}", stdout(&whole));
    failed(&by("mixer-2"), 2, "no version that lacks signatures");

    let shown = show(&next);
    assert_eq!(shown.lines().next().unwrap(), id, "it is the same network");
    for words in ["version  0 from round 0", "version  1 from round", "mixer-4", "info.example.net"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let servers = &shown[shown.find("newest version has").unwrap()..];
    assert!(!servers.contains("mixer-2"), "{servers}");
    failed(&run(&register), 3, "pkg-1");
    failed(
        &run(&format!("network next {next} --out {} --from-round 0", at("far.toml"))),
        2,
        "opened",
    );
}

#[test]
fn an_unreachable_network_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let drafts = drafts(dir.path());
    for draft in &drafts {
        let text = fs::read_to_string(draft).unwrap();
        // Nobody listens on port 1.
        let host = |line: &str| match line.split_once(" = ") {
            Some((key @ ("client" | "peer"), _)) => format!("{key} = \"127.0.0.1:1\""),
            _ => line.to_owned(),
        };
        fs::write(draft, text.lines().map(host).collect::<Vec<_>>().join("\n")).unwrap();
    }
    let network = dir.path().join("network.toml");
    succeeded(&run(&format!("network init --out {} {}", network.display(), drafts.join(" "))));
    let home = dir.path().join("home");
    let register =
        format!("--home {} register a@example.org --network {}", home.display(), network.display());
    failed(&run(&register), 3, "pkg-1");
    failed(&run(&format!("{register} --code 1234")), 2, "eight letters and digits");
    failed(&run(&format!("{register} --code 7GK2-M0QX")), 2, "without --code first");
    let in_home = |command: &str| run(&format!("--home {} {command}", home.display()));
    failed(&in_home("send --to bob@example.org hi"), 4, "register");
    failed(&in_home("check"), 1, "see what is marked");
    failed(&in_home("contacts add a@example.org"), 2, "your own address");
    failed(&in_home("contacts remove bob@example.org"), 1, "contacts list");
    succeeded(&in_home("contacts add Bob@Example.org --note friend"));
    assert_eq!(stdout(&in_home("contacts list")), "bob@example.org  friend\n");
    succeeded(&in_home("contacts block mallory@example.org"));
    failed(&in_home("contacts block a@example.org"), 2, "your own address");
    failed(&in_home("contacts add mallory@example.org"), 2, "blocked: unblock it first");
    assert_eq!(
        stdout(&in_home("contacts list")),
        "bob@example.org  friend\nmallory@example.org  (blocked)\n"
    );
    let listed = stdout(&in_home("contacts list --json"));
    let listed: Vec<serde_json::Value> =
        listed.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!((&listed[0]["note"], &listed[0]["blocked"]), (&"friend".into(), &false.into()));
    assert_eq!(listed[1]["blocked"], true);
    succeeded(&in_home("contacts unblock mallory@example.org"));
    failed(&in_home("contacts unblock mallory@example.org"), 1, "contacts list");
    succeeded(&in_home("recv --wait 0s"));
    succeeded(&in_home("outbox"));
    let other =
        format!("--home {} register b@example.org --network {}", home.display(), network.display());
    failed(&run(&other), 2, "belongs to a@example.org");
    let nothing = run_with(zephyr(&register), b"");
    failed(&nothing, 3, "pkg-1");
}
