//! What the frozen vectors must do, for any backend. Negative files fail in the way that each block names.

use zephyr_core::*;

use super::vectors::{Block, files, load};

fn network(block: &Block) -> NetworkId {
    NetworkId::from_bytes(block.array("network"))
}

fn directory(block: &Block) -> DirectoryHash {
    DirectoryHash::from_bytes(block.array("directory"))
}

fn address(block: &Block, name: &str) -> Address {
    Address::from_canonical(block.get(name)).expect("a canonical address")
}

/// Every block of every file in the folder.
fn each(area: &str, mut check: impl FnMut(&str, &Block)) {
    let names = files(area);
    assert!(!names.is_empty(), "no vectors in {area}");
    for name in names {
        let blocks = load(format!("{area}/{name}"));
        assert!(!blocks.is_empty(), "{area}/{name} is empty");
        blocks.iter().for_each(|block| check(&format!("{area}/{name}"), block));
    }
}

/// `docs/vectors/hash`.
pub fn hashing() {
    each("hash", |name, block| {
        let labels = [Label::TAG, Label::MAILBOX, Label::SEAL_DIGEST, Label::ONION_HOP];
        let label = labels.into_iter().find(|l| l.as_str() == block.get("label")).expect(name);
        let parts: Vec<Vec<u8>> =
            (0..block.number("parts")).map(|i| block.hex(&format!("part_{i}"))).collect();
        let parts: Vec<&[u8]> = parts.iter().map(|p| &p[..]).collect();
        assert_eq!(hash(label, &parts), block.array("hash"), "{name}");
        assert_eq!(prf(&block.array("key"), label, &parts), block.array("prf"), "{name}");
        let derived = kdf::<64>(label, &block.hex("key"), &parts);
        assert_eq!(*derived, block.array("kdf"), "{name}");
    });
}

/// `docs/vectors/identity`.
pub fn identities<B: Pairing + Clone>() {
    each("identity", |name, block| match block.get("check") {
        "points" => assert_eq!(points_fit::<B>(block), block.get("fits") == "yes", "{name}"),
        "mailbox" => {
            let mailboxes = block.number("mailboxes") as u32;
            let mailbox = address(block, "address").mailbox(&network(block), mailboxes);
            assert_eq!(u64::from(mailbox.0), block.number("mailbox"), "{name}");
        }
        "spelling" => {
            let text = String::from_utf8(block.hex("written")).expect("text");
            let read = Address::parse(&text);
            match block.find("canonical") {
                Some(canonical) => assert_eq!(read.unwrap().as_str(), canonical, "{name}"),
                None => {
                    assert_eq!(format!("{:?}", read.unwrap_err()), block.get("error"), "{name}")
                }
            }
        }
        "canonical" => {
            let text = String::from_utf8(block.hex("written")).expect("text");
            assert_eq!(Address::from_canonical(&text), None, "{name}");
        }
        other => panic!("{name}: {other}?"),
    });
}

/// The points are those of an address exactly if they are its share from a PKG with the secret 1.
fn points_fit<B: Pairing + Clone>(block: &Block) -> bool {
    let mut key = [0; PKG_KEY_SIZE];
    B::G1::generator().encode(&mut key[..G1_SIZE]);
    B::G2::generator().encode(&mut key[G1_SIZE..G1_SIZE + G2_SIZE]);
    let key = PkgKey::<B>::decode(&key).expect("generators");
    let points = [block.hex("q1"), block.hex("q2")].concat().try_into().expect("two points");
    let identity = Identity::new(&network(block), address(block, "address"));
    let fit = key.issued(&KeyShare::from_bytes(&points).expect("two points"), &identity);
    assert_eq!(identity.points() == (block.array("q1"), block.array("q2")), fit);
    fit
}

/// `docs/vectors/ibe`.
pub fn keys<B: Pairing + Clone>() {
    each("ibe", |name, block| {
        let result = match block.get("check") {
            "key" => pkg_key::<B>(block).map_err(|e| format!("{e:?}")),
            "sum" => round_key::<B>(block).map_err(|e| format!("{e:?}")).map(|_| {
                let sum = |i: &str| block.hex(&format!("key_{i}"));
                let (a, b) = (sum("0"), sum("1"));
                assert_eq!(added::<B::Scalar, B::G1>(&a[..48], &b[..48]), block.hex("p1"));
                assert_eq!(added::<B::Scalar, B::G2>(&a[48..], &b[48..]), block.hex("p2"));
            }),
            "private" => private_key::<B>(block, "address", "sum").map(|_| {
                let share = |name| KeyShare::<B>::from_bytes(&block.array(name)).expect("a share");
                let sum = share("share_0").add(&share("share_1"));
                assert_eq!(sum.to_bytes().to_vec(), block.hex("sum"), "{name}");
            }),
            other => panic!("{name}: {other}?"),
        };
        assert_eq!(result.err().as_deref(), block.find("error"), "{name}");
    });
}

fn pkg_key<B: Pairing + Clone>(block: &Block) -> Result<(), PkgKeyError> {
    let (network, round) = (network(block), Round(block.number("round")));
    let pkg = ServerId::from_bytes(block.array("pkg"));
    let bytes = block.array::<PKG_KEY_SIZE>("key");
    PkgKey::<B>::verify(&bytes, &network, round, &pkg)?;
    let secret = B::Scalar::from_bytes(&block.array("secret")).expect("a scalar");
    assert_eq!(times::<B::Scalar, B::G1>(&secret), bytes[..48]);
    assert_eq!(times::<B::Scalar, B::G2>(&secret), bytes[48..144]);
    Ok(())
}

fn encoded<S, T: Point<S>>(point: &T) -> Vec<u8> {
    let mut out = vec![0; T::SIZE];
    point.encode(&mut out);
    out
}

fn added<S, T: Point<S>>(a: &[u8], b: &[u8]) -> Vec<u8> {
    encoded(&T::decode(a).expect("a point").add(&T::decode(b).expect("a point")))
}

fn times<S, T: Point<S>>(scalar: &S) -> Vec<u8> {
    encoded(&T::generator().mul(scalar))
}

/// The round's key: the sum of `key_0`, `key_1`, …, each P1 ‖ P2 and maybe a proof.
fn round_key<B: Pairing + Clone>(block: &Block) -> Result<RoundKey<B>, PkgKeyError> {
    let keys = (0..).map_while(|i| {
        let name = format!("key_{i}");
        block.find(&name)?;
        let mut key = block.hex(&name);
        key.resize(PKG_KEY_SIZE, 0);
        Some(PkgKey::decode(&key.try_into().expect("a key's length")).expect("good points"))
    });
    RoundKey::sum(keys)
}

fn private_key<B: Pairing + Clone>(
    block: &Block,
    who: &str,
    sum: &str,
) -> Result<PrivateKey<B>, String> {
    let round_key = round_key(block).expect("a round key");
    let identity = Identity::new(&network(block), address(block, who));
    let share = KeyShare::from_bytes(&block.array(sum)).ok_or("Share")?;
    PrivateKey::from_sum(share, &identity, &round_key).map_err(|e| format!("{e:?}"))
}

/// `docs/vectors/seal`.
pub fn messages<B: Pairing + Clone>() {
    each("seal", |name, block| {
        let round = Round(block.number("round"));
        let key = round_key::<B>(block).expect("a round key");
        let context = RoundContext::new(network(block), round, directory(block), key);
        let own = address(block, "recipient");
        let private = private_key(block, "recipient", "recipient_key").expect("the right key");
        let opener = Opener::new(&context, &own, &private);
        let payload = block.find("payload").filter(|_| block.get("opens") == "yes");
        let expected = payload.map(|p| hex::decode(p).expect("hex"));

        let mut message = block.hex("sealed");
        let opened = opener.open(&mut message).is_some();
        assert_eq!(opened.then(|| message[SEAL_OVERHEAD..].to_vec()), expected, "{name}");

        if block.find("sender").is_some() {
            let sender = Identity::<B>::new(context.network(), address(block, "sender"));
            let slot = block.number("slot") as u16;
            let key = SenderKey::from(&sender, &own, &private);
            let mut message = block.hex("sealed");
            let opened = opener.open_from(sender.address(), &key, slot, &mut message).is_some();
            assert_eq!(opened, expected.is_some(), "{name}");
            if let Some(tag) = block.find("tag").filter(|_| opened) {
                assert_eq!(hex::encode(key.tag(context.directory(), slot)), tag, "{name}");
            }
        }
        if block.find("sender_key").is_some() {
            // The sender's side of the same key.
            let sender = address(block, "sender");
            let secret = private_key::<B>(block, "sender", "sender_key").expect("the right key");
            let key = SenderKey::to(&sender, &secret, &Identity::new(context.network(), own));
            let tag = key.tag(context.directory(), block.number("slot") as u16);
            assert_eq!(tag, block.array("tag"), "{name}");
        }
    });
}

/// `docs/vectors/onion`.
pub fn packets<S: Suite>() {
    each("onion", |name, block| match block.get("check") {
        "order" => {
            let mixers = block.get("mixers").split(' ').map(|m| MixerIndex(m.parse().unwrap()));
            let geometry = Geometry::new(block.number("hops") as usize, MIN_PAYLOAD).unwrap();
            let routes = Routes::new(RouteMode::Round, geometry, &directory(block), mixers);
            let routes = routes.expect("routes");
            let order: Vec<_> = (0..routes.len()).map(|phase| worker(&routes, phase)).collect();
            assert_eq!(order.join(" "), block.get("route"), "{name}");
        }
        "peel" => {
            let (hops, payload) = (block.number("hops"), block.number("payload_len"));
            let geometry = Geometry::new(hops as usize, payload as usize).expect("sizes");
            let key = MixerKey::from_bytes(block.array("mixer_secret"));
            let mixer = Mixer::<S>::new(geometry, directory(block), key);
            let mut packet = block.hex("packet");
            match mixer.peel(block.number("position") as usize, &mut packet) {
                Ok(Next::Mixer(next)) => {
                    assert_eq!(format!("mixer {next}"), block.get("next"), "{name}");
                    assert_eq!(packet, block.hex("next_packet"), "{name}");
                }
                Ok(Next::Mailbox(mailbox)) => {
                    assert_eq!(format!("mailbox {mailbox}"), block.get("next"), "{name}");
                    assert_eq!(packet[..geometry.sealed_len()], block.hex("sealed"), "{name}");
                }
                Err(error) => assert_eq!(format!("{error:?}"), block.get("error"), "{name}"),
            }
        }
        other => panic!("{name}: {other}?"),
    });
}

fn worker(routes: &Routes, phase: usize) -> String {
    let all = (0..=u16::MAX).map(MixerIndex);
    all.into_iter().find(|&m| routes.works(phase, m)).expect("a mixer").to_string()
}
