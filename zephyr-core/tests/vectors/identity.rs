//! Hashing, addresses, their points and mailboxes.

use super::{NETWORK, bytes};
use crate::common::reference::{self, g1};
use crate::common::vectors::{Block, store};

pub fn write() {
    labels();
    points();
    mailboxes();
    spellings();
    refused();
}

fn labels() {
    let lists: [(&str, &[&[u8]]); 6] = [
        ("TAG", &[]),
        ("TAG", &[b""]),
        ("TAG", &[b"ab", b"c"]),
        ("TAG", &[b"a", b"bc"]),
        ("MAILBOX", &[&[7; 32], b"alice@example.org"]),
        ("ONION-HOP", &[&[1; 32], &[2; 32], &[3; 32], &[4]]),
    ];
    let blocks: Vec<_> = lists
        .iter()
        .map(|(label, parts)| {
            let key = bytes("a key");
            let block = Block::default()
                .text("label", format!("ZEPHYR-V1-{label}"))
                .text("parts", parts.len());
            let named = parts.iter().enumerate();
            let block = named.fold(block, |b, (i, p)| b.bytes(&format!("part_{i}"), p));
            block
                .bytes("key", key)
                .bytes("hash", reference::hash(label, parts))
                .bytes("prf", reference::prf(&key, label, parts))
                .bytes("kdf", reference::kdf::<64>(label, &key, parts))
        })
        .collect();
    store(
        "hash/labelled.txt",
        "hash(label, parts), prf(key, label, parts), kdf64(label, key, parts).",
        &blocks,
    );
}

fn point_block(network: &[u8; 32], address: &str) -> Block {
    Block::default()
        .text("check", "points")
        .bytes("network", network)
        .text("address", address)
        .bytes("q1", g1(&reference::q1(network, address)))
        .bytes("q2", reference::q2(network, address).to_compressed())
        .text("fits", "yes")
}

fn points() {
    let longest = longest();
    let blocks: Vec<_> = ["alice@example.org", "bob+tag@xn--bcher-kva.example", &longest]
        .into_iter()
        .map(|address| point_block(&NETWORK, address))
        .chain([point_block(&[0; 32], "alice@example.org")])
        .collect();
    store("identity/points.txt", "The points Q1 and Q2 of an address in a network.", &blocks);

    let (alice, other) = (&blocks[0], point_block(&[0; 32], "alice@example.org"));
    let no = |block: &Block, from: &Block| {
        let block = block.clone().with("q1", from.hex("q1")).with("q2", from.hex("q2"));
        [block.with_text("fits", "no")]
    };
    store(
        "identity/points-of-another-network.txt",
        "Not this network's points.",
        &no(alice, &other),
    );
    store(
        "identity/points-of-another-address.txt",
        "Not this address's points.",
        &no(alice, &blocks[1]),
    );
    let q1 = alice.clone().with("q1", other.hex("q1")).with_text("fits", "no");
    store("identity/points-of-two-networks.txt", "Q1 of another network, Q2 right.", &[q1]);
}

/// 254 bytes.
fn longest() -> String {
    let label = "d".repeat(61);
    format!("{}@{label}.{label}.{label}.org", "l".repeat(64))
}

fn mailboxes() {
    let block = |address: &str, mailboxes: u32| {
        let digest = reference::hash("MAILBOX", &[&NETWORK, address.as_bytes()]);
        let head = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"));
        Block::default()
            .text("check", "mailbox")
            .bytes("network", NETWORK)
            .text("address", address)
            .text("mailboxes", mailboxes)
            .text("mailbox", head % u64::from(mailboxes))
    };
    let blocks: Vec<_> = ["alice@example.org", "bob@example.org"]
        .into_iter()
        .flat_map(|a| [1, 2, 3, 1000, u32::MAX].map(|n| block(a, n)))
        .collect();
    store("identity/mailboxes.txt", "The mailbox of an address among so many.", &blocks);
}

fn spelling(text: &str) -> Block {
    Block::default().text("check", "spelling").bytes("written", text)
}

fn spellings() {
    let longest = longest();
    assert_eq!(longest.len(), 254);
    let cases = [
        ("alice@example.org", "alice@example.org"),
        (" \t\r\nAlice@EXAMPLE.org\n", "alice@example.org"),
        ("\u{a0}alice@example.org\u{2003}", "alice@example.org"),
        ("!#$%&'*+-/=?^_`{|}~@a.b", "!#$%&'*+-/=?^_`{|}~@a.b"),
        ("first.last+tag@Sub.Example.Co", "first.last+tag@sub.example.co"),
        ("a@1.2", "a@1.2"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        (&longest, &longest),
    ];
    let blocks: Vec<_> = cases
        .into_iter()
        .map(|(text, canonical)| spelling(text).text("canonical", canonical))
        .collect();
    store("identity/spellings.txt", "Addresses as written (UTF-8 in hex) and as known.", &blocks);

    let wire =
        ["Alice@example.org", " alice@example.org", "alice@example.org\n", "alice@Example.org"];
    let blocks: Vec<_> = wire
        .into_iter()
        .map(|text| Block::default().text("check", "canonical").bytes("written", text))
        .collect();
    store(
        "identity/not-canonical-on-the-wire.txt",
        "Taken from people, refused on the wire.",
        &blocks,
    );
}

fn refused() {
    let long_local = format!("{}@example.org", "l".repeat(65));
    let long_label = format!("a@{}.org", "d".repeat(64));
    let too_long = format!("x{}", longest());
    let too_long_domain = format!("a@{}org", "dddd.".repeat(60));
    let files: [(&str, &str, &[&str]); 16] = [
        ("empty", "NoAt", &["", "  \n"]),
        ("without-at", "NoAt", &["alice", "example.org"]),
        ("without-local-part", "NoAt", &["@example.org", " @example.org"]),
        ("local-part-with-space", "Local", &["al ice@example.org", "alice @example.org"]),
        (
            "local-part-with-control-character",
            "Local",
            &["al\0ice@example.org", "a\u{7f}@example.org"],
        ),
        ("local-part-with-two-dots", "Local", &["a..b@example.org"]),
        ("local-part-begins-or-ends-with-dot", "Local", &[".a@example.org", "a.@example.org"]),
        (
            "local-part-quoted",
            "Local",
            &["\"alice\"@example.org", "a(b)@example.org", "a,b@example.org"],
        ),
        ("two-ats", "Local", &["a@b@example.org"]),
        ("local-part-too-long", "TooLong", &[&long_local]),
        ("too-long", "TooLong", &[&too_long, &too_long_domain]),
        ("domain-of-one-label", "Domain", &["a@localhost", "a@", "a@org"]),
        ("domain-with-empty-label", "Domain", &["a@x..org", "a@.org", "a@example.org."]),
        ("domain-with-outer-hyphen", "Domain", &["a@-x.org", "a@x-.org"]),
        (
            "domain-with-bad-character",
            "Domain",
            &["a@ex_ample.org", "a@[127.0.0.1]", "a@ex ample.org", "a@ example.org"],
        ),
        (
            "outside-of-ascii",
            "NotAscii",
            &["\u{e4}@example.org", "a@ex\u{e4}mple.org", "\u{212a}@example.org"],
        ),
    ];
    for (name, error, texts) in files {
        let blocks: Vec<_> = texts.iter().map(|text| spelling(text).text("error", error)).collect();
        store(&format!("identity/{name}.txt"), "No address.", &blocks);
    }
    let block = spelling(&long_label).text("error", "Domain");
    store("identity/domain-label-too-long.txt", "No address.", &[block]);
}
