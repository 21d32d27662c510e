//! The frozen vectors of `docs/vectors/directory`; `ZEPHYR_WRITE_VECTORS=1` writes them anew.

use zephyr_core::*;

use super::world::*;
use crate::common::S;
use crate::common::vectors::{Block, files, load, store};

/// What a vector's bytes are refused with, if they are.
fn error(block: &Block) -> Option<String> {
    let network = || NetworkId::from_bytes(block.array("network"));
    let server = || ServerId::from_bytes(block.array("server"));
    let unsigned = "Unsigned".to_owned();
    match block.get("check") {
        "manifest" => {
            let bytes = block.hex("manifest");
            let manifest = Manifest::parse(&bytes);
            if let Ok(manifest) = &manifest {
                assert_eq!(*manifest.network(), network());
                assert_eq!(*manifest.hash().as_bytes(), block.array("hash"));
                assert_eq!(manifest.all().count() as u64, block.number("servers"));
            }
            manifest.err().map(|e| format!("{e:?}"))
        }
        "signed manifest" => {
            let (previous, bytes) = (block.hex("previous"), block.hex("signed"));
            let previous = Manifest::parse(&previous).expect("a good manifest");
            match SignedManifest::parse(&bytes) {
                Err(error) => Some(format!("{error:?}")),
                Ok(signed) => {
                    let next = signed.manifest();
                    let verdict = signed.verify::<S>(&previous);
                    if verdict.is_ok() {
                        assert_eq!(*next.hash().as_bytes(), block.array("hash"));
                        assert_eq!(u64::from(next.version()), block.number("version"));
                        assert_eq!(next.from_round().0, block.number("from"));
                        assert_eq!(signed.signatures().count() as u64, block.number("signatures"));
                    }
                    verdict.err().map(|e| format!("{e:?}"))
                }
            }
        }
        "directory" => {
            let bytes = block.hex("manifest");
            let manifest = Manifest::parse(&bytes).expect("a good manifest");
            let hash = verify(&block.hex("directory"), &manifest);
            if let Ok(hash) = &hash {
                assert_eq!(*hash.as_bytes(), block.array("hash"));
            }
            hash.err().map(|e| format!("{e:?}"))
        }
        "mixer announcement" => {
            let announcement = MixerAnnouncement::from_slice(&block.hex("announcement"));
            let good = announcement.is_some_and(|a| a.verify::<S>(&network(), &server()));
            (!good).then_some(unsigned)
        }
        "pkg announcement" => {
            let announcement = PkgAnnouncement::from_slice(&block.hex("announcement"));
            let good = announcement.is_some_and(|a| a.verify::<S>(&network(), &server()));
            (!good).then_some(unsigned)
        }
        "delivery list" => {
            let mut list = DeliveryList::new();
            (0..block.number("messages"))
                .for_each(|i| list.push(&block.hex(&format!("message_{i}"))));
            let directory = DirectoryHash::from_bytes(block.array("directory"));
            let (mixer, mailbox) = (block.number("mixer"), block.number("mailbox"));
            let (mixer, mailbox) = (MixerIndex(mixer as u16), Mailbox(mailbox as u32));
            let signature = block.array("signature");
            let good = list.verify::<S>(&server(), &directory, mixer, mailbox, &signature);
            (!good).then_some(unsigned)
        }
        "server keys" => {
            let (identity, link) = server_keys(&block.array("seed"));
            assert_eq!(*identity, block.array("identity_seed"));
            assert_eq!(Ed25519::public(&identity), block.array("identity"));
            assert_eq!(*link, block.array("link_secret"));
            assert_eq!(X25519::public(&link), block.array("link_key"));
            None
        }
        other => panic!("{other}?"),
    }
}

#[test]
fn manifests_directories_and_lists_are_as_frozen() {
    if std::env::var_os("ZEPHYR_WRITE_VECTORS").is_some() {
        write();
    }
    let names = files("directory");
    assert!(names.len() > 30, "{}", names.len());
    for name in names {
        let blocks = load(format!("directory/{name}"));
        assert!(!blocks.is_empty(), "{name} is empty");
        for block in blocks {
            assert_eq!(error(&block).as_deref(), block.find("error"), "{name}");
        }
    }
}

fn put(name: &str, comment: &str, block: Block) {
    let block = match error_or_any(&block) {
        Some(error) => block.text("error", error),
        None => block,
    };
    store(&format!("directory/{name}.txt"), comment, &[block]);
}

fn error_or_any(block: &Block) -> Option<String> {
    error(block)
}

fn write() {
    manifests();
    updates();
    directories();
    announcements();
    lists();
    let seed = [0x77; 32];
    let (identity, link) = server_keys(&seed);
    let keys = Block::default()
        .text("check", "server keys")
        .bytes("seed", seed)
        .bytes("identity_seed", *identity)
        .bytes("identity", Ed25519::public(&identity))
        .bytes("link_secret", *link)
        .bytes("link_key", X25519::public(&link));
    put("server-keys", "A server's keys from the seed in its key file.", keys);
}

fn manifests() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let block = |bytes: &[u8]| {
        Block::default()
            .text("check", "manifest")
            .bytes("manifest", bytes)
            .bytes("network", manifest.network().as_bytes())
            .bytes("hash", manifest.hash().as_bytes())
            .text("servers", 8)
    };
    put(
        "manifest",
        "A manifest of version 0: 3 mixers, 2 PKGs, 1 info-node, 2 mailbox servers.",
        block(&bytes),
    );

    let bad = |name: &str, comment: &str, bytes: &[u8]| {
        let block = Block::default().text("check", "manifest").bytes("manifest", bytes);
        put(&format!("manifest-{name}"), comment, block);
    };
    let changed = |at: usize, value: &[u8]| {
        let mut out = bytes.clone();
        out[at..at + value.len()].copy_from_slice(value);
        out
    };
    bad("cut-off", "The last byte is missing.", &bytes[..bytes.len() - 1]);
    bad("bytes-left-over", "A byte too many.", &[&bytes[..], &[0]].concat());
    bad("other-format", "The format is 2.", &changed(0, &[2]));
    bad("version-0-names-a-network", "Version 0's network field is not zero.", &changed(5, &[1]));
    bad("no-hops", "The geometry has no hops.", &changed(37, &[0]));
    bad("too-many-hops", "17 hops.", &changed(37, &[17]));
    bad("payload-too-short", "Payloads of 127 bytes.", &changed(38, &[0, 127]));
    bad("unknown-routes", "Routes of kind 3.", &changed(40, &[3]));
    bad("min-mixers-half", "1 of 3 mixers is enough.", &changed(41, &[1]));
    bad("no-packets", "0 packets a round.", &changed(42, &[0]));
    bad("no-mailboxes", "0 mailboxes.", &changed(43, &[0; 4]));
    bad("replicas-beyond-servers", "3 replicas on 2 servers.", &changed(47, &[3]));
    bad(
        "submit-longer-than-round",
        "The submit phase is longer than the round.",
        &changed(64, &[0, 9, 39, 193]),
    );
    bad("unknown-role", "A server of role 4.", &changed(94, &[4]));
    let mut twice = bytes.clone();
    let entry = 1 + 32 + 32 + 3 + "mixer-0".len() + 2 * 14;
    twice.copy_within(95..127, 95 + entry);
    bad("same-server-twice", "Two mixers with one identity.", &twice);
}

fn updates() {
    const M: Role = Role::Mixer;
    const P: Role = Role::Pkg;
    let all = [(M, 0), (M, 1), (M, 2), (P, 0), (P, 1)];
    let enough = [(M, 0), (M, 2), (P, 0), (P, 1)];
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let next = next_version(&first, ROUND, &parameters(), Some((M, 1))).unwrap();
    let block = |previous: &[u8], signed: &[u8]| {
        Block::default()
            .text("check", "signed manifest")
            .bytes("previous", previous)
            .bytes("signed", signed)
    };
    let good = |name: &str, comment: &str, previous: &[u8], signed: &[u8]| {
        let manifest = SignedManifest::parse(signed).unwrap();
        let block = block(previous, signed)
            .bytes("hash", manifest.manifest().hash().as_bytes())
            .text("version", manifest.manifest().version())
            .text("from", manifest.manifest().from_round())
            .text("signatures", manifest.signatures().count());
        put(name, comment, block);
    };
    let signed = signed_by(&next, &all);
    let comment =
        "Version 1 without the second mixer, in effect from round 1000 on, signed by all.";
    good("signed-manifest", comment, &bytes, &signed);
    let few = signed_by(&next, &enough);
    let comment = "The second mixer, which is left out, has not signed.";
    good("signed-manifest-by-all-mixers-but-one", comment, &bytes, &few);
    let second = Manifest::parse(&next).unwrap();
    let third = next_version(&second, Round(1_001), &parameters(), None).unwrap();
    let third = signed_by(&third, &[(M, 0), (P, 0), (P, 1)]);
    good("signed-manifest-version-2", "Version 2 behind version 1.", &next, &third);

    let bad = |name: &str, comment: &str, signed: &[u8]| {
        put(&format!("signed-manifest-{name}"), comment, block(&bytes, signed));
    };
    bad("cut-off", "The last byte is missing.", &signed[..signed.len() - 1]);
    bad("bytes-left-over", "A byte too many.", &[&signed[..], &[0]].concat());
    bad("of-version-0", "The first version, which nobody signs.", &[&bytes[..], &[0]].concat());
    bad("skips-a-version", "Version 2 behind version 0.", &third);
    bad("unsigned", "No signature.", &signed_by(&next, &[]));
    let by = |name: &str, comment: &str, signers: &[(Role, usize)]| {
        bad(name, comment, &signed_by(&next, signers));
    };
    by("pkg-missing", "The second PKG has not signed.", &all[..4]);
    by("mixers-missing", "Two mixers have not signed.", &all[2..]);
    by("mixer-twice", "The first mixer twice.", &[(M, 0), (M, 0), (P, 0), (P, 1)]);
    by("out-of-order", "PKGs before mixers.", &[(P, 0), (P, 1), (M, 0), (M, 1)]);
    by(
        "by-an-unknown-mixer",
        "A fourth of three mixers.",
        &[(M, 0), (M, 1), (M, 3), (P, 0), (P, 1)],
    );
    by("by-an-info-node", "An info-node.", &[(M, 0), (M, 1), (P, 0), (P, 1), (Role::Info, 0)]);
    let changed = |at: usize, value: u8| {
        let mut out = signed.clone();
        out[at] = value;
        out
    };
    let last = signed.len() - 1;
    bad("wrong-signature", "A bit of the last one is wrong.", &changed(last, signed[last] ^ 1));
    bad("by-an-unknown-role", "A signer of role 4.", &changed(last - 66, 4));
    bad("later-than-signed", "Moved to another round after signing.", &changed(76, signed[76] ^ 1));

    // Signed as they should be, but not to be taken.
    let remade = |at: usize, value: u8| {
        let mut out = next.clone();
        out[at] = value;
        signed_by(&out, &all)
    };
    bad("other-network", "Another network's id.", &remade(5, next[5] ^ 1));
    bad("other-previous", "Another version before it.", &remade(37, next[37] ^ 1));
    let from = next_version(&first, Round(0), &parameters(), None).unwrap();
    bad("from-round-0", "In effect as early as version 0.", &signed_by(&from, &all));
    let longer = Parameters { round_ms: 600_001, ..parameters() };
    let longer = next_version(&first, ROUND, &longer, None).unwrap();
    bad("round-longer", "It changes the length of rounds.", &signed_by(&longer, &all));
}

fn directories() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let honest = Parts::honest(&manifest, ROUND);
    let block = |directory: &[u8]| {
        Block::default()
            .text("check", "directory")
            .bytes("manifest", &bytes)
            .bytes("directory", directory)
    };
    let good = honest.directory(&manifest);
    let hash = Directory::parse(&good).unwrap().hash();
    let positive = block(&good).text("round", ROUND).bytes("hash", hash.as_bytes());
    put("directory", "The directory of round 1000 with all its signatures.", positive);

    type Change<'a> = &'a dyn Fn(&mut Parts);
    let parts: [(&str, &str, Change<'_>); 13] = [
        ("too-few-mixers", "1 of 3 mixers, 2 are demanded.", &|p| {
            p.mixers.truncate(1);
            p.signers.truncate(1);
        }),
        ("pkg-missing", "The second PKG is left out.", &|p| p.pkgs.truncate(1)),
        ("pkg-twice", "The first PKG stands in the second's place.", &|p| p.pkgs[1] = p.pkgs[0]),
        ("pkgs-out-of-order", "The second PKG stands first.", &|p| p.pkgs.swap(0, 1)),
        ("mixer-twice", "The first mixer twice.", &|p| {
            p.mixers[1] = p.mixers[0];
            p.signers[1] = p.signers[0];
        }),
        ("mixers-out-of-order", "The second mixer stands first.", &|p| {
            p.mixers.swap(0, 1);
            p.signers.swap(0, 1);
        }),
        ("mixer-unknown", "A mixer that the manifest does not list.", &|p| {
            p.mixers[2].0 = MixerIndex(3)
        }),
        ("mixer-key-not-announced", "A key that the mixer did not sign.", &|p| {
            p.mixers[1].1.key[0] ^= 1
        }),
        ("mixer-key-of-another", "Another mixer's announcement.", &|p| {
            p.mixers[1].1 = p.mixers[0].1
        }),
        ("mixer-key-of-another-round", "The mixer's announcement of round 999.", &|p| {
            p.mixers[0].1 = Parts::honest(&manifest, Round(999)).mixers[0].1;
        }),
        ("pkg-key-of-another-round", "The PKG's announcement of round 999.", &|p| {
            p.pkgs[0].1 = Parts::honest(&manifest, Round(999)).pkgs[0].1;
        }),
        ("signed-by-a-stranger", "A stranger signs for the second mixer.", &|p| {
            p.signers[1] = [9; 32]
        }),
        ("signatures-swapped", "The mixers' signatures are in another order.", &|p| {
            p.signers.swap(0, 1)
        }),
    ];
    for (name, comment, change) in parts {
        let mut parts = honest.clone();
        change(&mut parts);
        put(&format!("directory-{name}"), comment, block(&parts.directory(&manifest)));
    }
    let keys: [(&str, &str, [u8; PKG_KEY_SIZE]); 3] = [
        ("pkg-proof-missing", "The second PKG's proof is zeros.", {
            let mut key = honest.pkgs[1].1.key;
            key[144..].fill(0);
            key
        }),
        ("pkg-proof-wrong", "A bit of the second PKG's proof is wrong.", {
            let mut key = honest.pkgs[1].1.key;
            key[207] ^= 1;
            key
        }),
        (
            "pkg-proof-borrowed",
            "The second PKG signs the first's key and proof.",
            honest.pkgs[0].1.key,
        ),
    ];
    for (name, comment, key) in keys {
        let mut parts = honest.clone();
        let seed = seed(Role::Pkg, 1);
        parts.pkgs[1].1 = PkgAnnouncement::sign::<S>(&seed, manifest.network(), ROUND, key);
        put(&format!("directory-{name}"), comment, block(&parts.directory(&manifest)));
    }
    let bodies: [(&str, &str, usize); 7] = [
        ("other-network", "Another network's id.", 1),
        ("other-manifest", "Another version of the manifest.", 33),
        ("submit-earlier", "The submit phase begins at another time.", 80),
        ("submit-longer", "The submit phase ends at another time.", 88),
        ("phase-longer", "Another length of the mix phases.", 92),
        ("delivery-later", "The delivery ends at another time.", 100),
        ("closes-later", "The round closes at another time.", 108),
    ];
    for (name, comment, place) in bodies {
        let mut body = honest.body(&manifest);
        body[place] ^= 1;
        let directory = signed(body, &honest.signers);
        put(&format!("directory-{name}"), comment, block(&directory));
    }
    let len = good.len();
    put("directory-unsigned", "No signature under it.", block(&good[..len - 192]));
    put("directory-signature-missing", "The last signature is missing.", block(&good[..len - 64]));
    let mut zero = good.clone();
    zero[len - 64..].fill(0);
    put("directory-signature-zero", "The last signature is zeros.", block(&zero));
    let other = Parts::honest(&manifest, Round(999)).directory(&manifest);
    let mixed = [&good[..len - 192], &other[other.len() - 192..]].concat();
    put(
        "directory-signatures-of-another-round",
        "The signatures are those under round 999's.",
        block(&mixed),
    );
}

fn announcements() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let parts = Parts::honest(&manifest, ROUND);
    let block = |check: &str, role, announcement: &[u8]| {
        Block::default()
            .text("check", check)
            .bytes("network", manifest.network().as_bytes())
            .bytes("server", id(role, 0).as_bytes())
            .bytes("announcement", announcement)
    };
    let mixer = block("mixer announcement", Role::Mixer, &parts.mixers[0].1.to_bytes());
    let pkg = block("pkg announcement", Role::Pkg, &parts.pkgs[0].1.to_bytes());
    put("mixer-announcement", "A mixer's key of round 1000.", mixer.clone());
    put("pkg-announcement", "A PKG's key of round 1000.", pkg.clone());
    for (kind, good, size) in
        [("mixer", mixer, MIXER_ANNOUNCEMENT_SIZE), ("pkg", pkg, PKG_ANNOUNCEMENT_SIZE)]
    {
        let bytes = good.hex("announcement");
        let change = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            bytes
        };
        let bad = |name: &str, comment: &str, block: Block| {
            put(&format!("{kind}-announcement-{name}"), comment, block);
        };
        bad("of-another-round", "The round is 1001.", good.clone().with("announcement", change(7)));
        bad(
            "with-another-key",
            "A bit of the key is wrong.",
            good.clone().with("announcement", change(8)),
        );
        bad(
            "with-a-wrong-signature",
            "A bit of the signature is wrong.",
            good.clone().with("announcement", change(size - 1)),
        );
        bad(
            "cut-off",
            "The last byte is missing.",
            good.clone().with("announcement", &bytes[..size - 1]),
        );
        bad("of-another-network", "Another network.", good.clone().with("network", [5; 32]));
        bad(
            "of-another-server",
            "Another server.",
            good.clone().with("server", id(Role::Mixer, 1).as_bytes()),
        );
    }
}

fn lists() {
    let directory = DirectoryHash::from_bytes([0xd1; 32]);
    let messages = [vec![1u8; 272], vec![2; 272], vec![3; 272]];
    let signed = |messages: &[Vec<u8>]| {
        let mut list = DeliveryList::new();
        messages.iter().for_each(|m| list.push(m));
        list.sign::<S>(&seed(Role::Mixer, 2), &directory, MixerIndex(2), Mailbox(5))
    };
    let block = |shown: &[Vec<u8>], mailbox: u32, directory: [u8; 32]| {
        let block = Block::default()
            .text("check", "delivery list")
            .bytes("server", id(Role::Mixer, 2).as_bytes())
            .bytes("directory", directory)
            .text("mixer", 2)
            .text("mailbox", mailbox)
            .text("messages", shown.len());
        let add = |block: Block, (i, m): (usize, &Vec<u8>)| block.bytes(&format!("message_{i}"), m);
        shown.iter().enumerate().fold(block, add).bytes("signature", signed(&messages))
    };
    let d = *directory.as_bytes();
    put("delivery-list", "What a mixer delivered to a mailbox.", block(&messages, 5, d));
    let empty = block(&[], 5, d).with("signature", signed(&[]));
    put("delivery-list-empty", "It delivered nothing, and says so.", empty);
    put("delivery-list-message-hidden", "The last message is hidden.", block(&messages[..2], 5, d));
    let added = [&messages[..], &messages[..1]].concat();
    put("delivery-list-message-added", "A message twice.", block(&added, 5, d));
    let mut swapped = messages.clone();
    swapped.swap(0, 1);
    put("delivery-list-order-changed", "The messages in another order.", block(&swapped, 5, d));
    let mut altered = messages.clone();
    altered[1][271] ^= 1;
    put("delivery-list-message-altered", "A bit of a message is wrong.", block(&altered, 5, d));
    let mut altered = messages.clone();
    altered[1][0] ^= 1;
    put("delivery-list-tag-altered", "A bit of a message's tag is wrong.", block(&altered, 5, d));
    let mut swapped = signed(&messages);
    swapped[..64].rotate_left(32);
    let swapped = block(&messages, 5, d).with("signature", swapped);
    put("delivery-list-hashes-swapped", "The two hashes in each other's place.", swapped);
    put("delivery-list-of-another-mailbox", "Another mailbox's list.", block(&messages, 6, d));
    put("delivery-list-of-another-round", "Another round's list.", block(&messages, 5, [0xd2; 32]));
}
