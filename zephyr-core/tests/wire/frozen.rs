//! The frozen vectors of `docs/vectors/wire`; `ZEPHYR_WRITE_VECTORS=1` writes them anew.

use zephyr_core::wire::PkgBinding;
use zephyr_core::*;

use super::samples::{self, KEY, KINDS, again};
use crate::common::vectors::{Block, files, load, store};

#[test]
fn messages_are_as_frozen() {
    if std::env::var_os("ZEPHYR_WRITE_VECTORS").is_some() {
        write();
    }
    let samples = samples::all();
    let mut seen = 0;
    for name in files("wire") {
        for block in load(format!("wire/{name}")) {
            let Some(kind) = block.find("type") else {
                check_signed(&block);
                continue;
            };
            let bytes = block.hex("bytes");
            match block.find("message") {
                Some(message) => {
                    let sample = samples.iter().find(|(k, n, _)| *k == kind && *n == message);
                    let (_, _, expected) = sample.expect("a sample of that name");
                    assert_eq!(bytes, *expected, "{name}: {message}");
                    assert_eq!(again(kind, &bytes), Ok(bytes), "{name}: {message}");
                    seen += 1;
                }
                None => assert!(again(kind, &bytes).is_err(), "{name}: {kind}"),
            }
        }
    }
    assert_eq!(seen, samples.len(), "every message is frozen");
}

/// What clients sign for PKGs, and the fingerprint of a key.
fn check_signed(block: &Block) {
    let (network, pkg) = (NetworkId::from_bytes(block.array("network")), block.array("pkg"));
    let (pkg, handshake) = (ServerId::from_bytes(pkg), block.array("handshake"));
    let binding = PkgBinding { network: &network, pkg: &pkg, handshake: &handshake };
    let address = Address::from_canonical(block.get("address")).unwrap();
    let round = Round(block.number("round"));
    assert_eq!(binding.extract(round, &address), block.array("extract"));
    assert_eq!(binding.veto(&address), block.array("veto"));
    assert_eq!(binding.unregister(&address), block.array("unregister"));
    let key = ClientKey::from_bytes(block.array("key"));
    assert_eq!(key.fingerprint(&network).to_string(), block.get("fingerprint"));
    let seed = session::client_seed(&block.array("client_seed"), &pkg);
    assert_eq!(*seed, block.array("client_signing_seed"));
    let key = session::client_key::<Standard>(&block.array("client_seed"), &pkg);
    assert_eq!(*key.as_bytes(), block.array("client_key"));
}

fn write() {
    for kind in KINDS {
        let blocks: Vec<_> = samples::all()
            .into_iter()
            .filter(|(k, _, _)| *k == kind)
            .map(|(_, message, bytes)| {
                Block::default().text("type", kind).text("message", message).bytes("bytes", bytes)
            })
            .collect();
        let name = kind.chars().fold(String::new(), |mut name, c| {
            if c.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
            name
        });
        let comment = "Messages, byte by byte. Keys are 07…07, signatures 09…09, shares 05…05.";
        store(&format!("wire/{name}.txt"), comment, &blocks);
    }
    signed();
    let bad = |name: &str, comment: &str, change: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
        let blocks: Vec<_> = samples::all()
            .into_iter()
            .filter_map(|(kind, _, bytes)| {
                let bytes = change(&bytes)?;
                again(kind, &bytes)
                    .is_err()
                    .then(|| Block::default().text("type", kind).bytes("bytes", bytes))
            })
            .collect();
        assert!(!blocks.is_empty());
        store(&format!("wire/{name}.txt"), comment, &blocks);
    };
    bad("cut-off", "The last byte is missing.", &|b| Some(b[..b.len() - 1].to_vec()));
    bad("bytes-left-over", "A byte too many.", &|b| Some([b, &[0]].concat()));
    bad("overlong-variant", "The variant in two bytes.", &|b| {
        Some([&[b[0] | 0x80, 0], &b[1..]].concat())
    });
    bad("unknown-variant", "A variant that no message has.", &|b| {
        Some([&[0x0d], &b[1..]].concat())
    });
    bad("overlong-round", "The round, 300, in three bytes.", &|b| {
        let at = b.windows(2).position(|w| w == [0xac, 0x02])?;
        Some([&b[..at], &[0xac, 0x82, 0], &b[at + 2..]].concat())
    });
    bad("address-not-utf8", "A byte of the address is 0xff.", &|b| {
        let at = b.windows(3).position(|w| w == b"bob")?;
        let mut bytes = b.to_vec();
        bytes[at] = 0xff;
        Some(bytes)
    });
    bad("length-beyond-the-frame", "A text or packet longer than the message.", &|b| {
        let at = b.windows(3).position(|w| w == b"bob" || w == [1, 2, 3])?;
        let mut bytes = b.to_vec();
        bytes[at - 1] = 0x7f;
        Some(bytes)
    });
}

fn signed() {
    let network = NetworkId::from_bytes([1; 32]);
    let (pkg, handshake) = (ServerId::from_bytes([2; 32]), [4; 32]);
    let binding = PkgBinding { network: &network, pkg: &pkg, handshake: &handshake };
    let address = Address::from_canonical(samples::ADDRESS).unwrap();
    let seed = [3; 32];
    let block = Block::default()
        .bytes("network", network.as_bytes())
        .bytes("pkg", pkg.as_bytes())
        .bytes("handshake", handshake)
        .text("address", address.as_str())
        .text("round", 300)
        .bytes("extract", binding.extract(Round(300), &address))
        .bytes("veto", binding.veto(&address))
        .bytes("unregister", binding.unregister(&address))
        .bytes("key", KEY.as_bytes())
        .text("fingerprint", KEY.fingerprint(&network))
        .bytes("client_seed", seed)
        .bytes("client_signing_seed", *session::client_seed(&seed, &pkg))
        .bytes("client_key", session::client_key::<Standard>(&seed, &pkg).as_bytes());
    let comment =
        "What the client's Ed25519 key signs for a PKG, and how keys and fingerprints are made.";
    store("wire/signed-for-pkgs.txt", comment, &[block]);
}
