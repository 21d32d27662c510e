use zephyr_core::Role;

use super::*;
use crate::testing::{advanced, identity_seed, next_version, parameters, sample};

const SAMPLE: &str = include_str!("../../../docs/samples/network.toml");

#[test]
fn the_sample_is_the_text_of_its_network() {
    let network = Network::parse(SAMPLE).unwrap();
    assert_eq!(network.to_toml().unwrap(), SAMPLE);
    assert_eq!(network, sample());
}

#[test]
fn a_file_gives_the_network_that_wrote_it() {
    let network = sample();
    let text = network.to_toml().unwrap();
    assert_eq!(Network::parse(&text).unwrap(), network);
    assert_eq!(network.manifest().servers(Role::Mailbox).count(), 2);
    assert_eq!(*network.manifest().parameters(), parameters());
}

#[test]
fn every_altered_value_is_noticed() {
    let text = sample().to_toml().unwrap();
    for (from, to) in [
        ("round_ms = 600000", "round_ms = 600001"),
        ("routes = \"round\"", "routes = \"free\""),
        ("mixer-2.example.org:7100", "mallory.example.org:7100"),
        ("name = \"info-1\"", "name = \"info-2\""),
        ("noise_mu_thousandths = 20000", "noise_mu_thousandths = 0"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Network::parse(&text.replacen(from, to, 1)).unwrap_err();
        assert!(matches!(error, NetworkError::Altered { .. }), "{from}: {error}");
        assert!(error.to_string().contains("get a fresh copy"));
    }
}

#[test]
fn a_file_that_is_wrong_says_where() {
    let text = sample().to_toml().unwrap();
    let said = |text: &str| Network::parse(text).unwrap_err().to_string();
    assert!(said("").contains("missing field `id`"));
    assert!(said(&text.replacen("hops", "hop", 1)).contains("unknown field `hop`"));
    assert!(said(&format!("extra = 1\n{text}")).contains("unknown field `extra`"));
    assert!(said(&text.replacen("[[info]]", "[[infos]]", 1)).contains("unknown field `infos`"));
    assert!(said(&text.replacen("hops = 3", "hops = 300", 1)).contains("hops"));
    assert!(said(&text.replacen("hops = 3", "hops = 17", 1)).contains("1 to 16 hops"));
    assert!(said(&text.replacen("\"round\"", "\"straight\"", 1)).contains("straight"));
    assert!(said(&text.replacen("id = \"", "id = \"z", 1)).contains("id is wrong"));
    let identity = sample().manifest().server(Role::Pkg, 1).unwrap().id.to_string();
    let cut = said(&text.replace(&identity, &identity[1..]));
    assert!(cut.contains("identity of the pkg \"pkg-2\""), "{cut}");
    let twice = sample().manifest().server(Role::Pkg, 0).unwrap().id.to_string();
    assert!(said(&text.replace(&identity, &twice)).contains("same identity"));
    assert!(said(&text.replacen("min_mixers = 3", "min_mixers = 1", 1)).contains("min_mixers"));
}

#[test]
fn a_network_without_a_role_is_refused() {
    let text = sample().to_toml().unwrap();
    let start = text.find("[[mailbox]]").unwrap();
    let error = Network::parse(&text[..start]).unwrap_err();
    assert!(error.to_string().contains("role mailbox"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Network::load("/nowhere/network.toml").unwrap_err();
    assert!(error.to_string().contains("/nowhere/network.toml"));
}

#[test]
fn later_versions_stand_behind_the_first_in_the_file() {
    let first = sample();
    let network = advanced(&advanced(&first, 100), 200);
    let text = network.to_toml().unwrap();
    assert_eq!(Network::parse(&text).unwrap(), network);
    assert_eq!(Network::parse(&text).unwrap().to_toml().unwrap(), text);
    let shared = &first.to_toml().unwrap();
    let shared = &shared[shared.find("id = ").unwrap()..];
    assert!(text.contains(shared), "the first version is as it was");
    assert_eq!(network.id(), first.id());
    let version = |round| network.at(Round(round)).version();
    assert_eq!([0, 99, 100, 199, 200, u64::MAX].map(version), [0, 0, 1, 1, 2, 2]);
    let until = |round| network.until(Round(round)).map(|r| r.0);
    assert_eq!(
        [0, 99, 100, 199, 200].map(until),
        [Some(100), Some(100), Some(200), Some(200), None]
    );
    assert_eq!(network.first().as_bytes(), first.manifest().as_bytes());
    assert_eq!(network.manifest().servers(Role::Info).count(), 1);
}

#[test]
fn nothing_in_a_later_version_can_be_changed_by_hand() {
    let text = advanced(&sample(), 100).to_toml().unwrap();
    let later = text.find("\n[[update]]").unwrap();
    let said = |from: &str, to: &str| {
        assert!(text[later..].contains(from), "{from}");
        let changed = format!("{}{}", &text[..later], text[later..].replacen(from, to, 1));
        Network::parse(&changed).unwrap_err().to_string()
    };
    assert!(said("from_round = 100", "from_round = 101").contains("signature of mixer 0"));
    assert!(said("mixer-2.example.org:7100", "evil.example.org:7100").contains("signature"));
    assert!(said("noise_mu_thousandths = 20000", "noise_mu_thousandths = 0").contains("signature"));
    assert!(said("round_ms = 600000", "round_ms = 600001").contains("round_ms"));
    assert!(said("version = 1", "version = 2").contains("one after the other"));
    assert!(said("from_round = 100", "from_round = 0").contains("takes effect in round 0"));
    assert!(said("\nsignature = \"", "\nsignature = \"00").contains("128 hexadecimal digits"));
    let info = sample().manifest().server(Role::Info, 1).unwrap().id.to_string();
    let mixer = sample().manifest().server(Role::Mixer, 0).unwrap().id.to_string();
    let at = text.find("[[update.signature]]").unwrap();
    let stranger = format!("{}{}", &text[..at], text[at..].replacen(&mixer, &info[..62], 1));
    assert!(Network::parse(&stranger).unwrap_err().to_string().contains("identity"));
    let stranger = format!("{}{}", &text[..at], text[at..].replacen(&mixer, &info, 1));
    assert!(Network::parse(&stranger).unwrap_err().to_string().contains("signers"));
}

#[test]
fn a_version_is_signed_by_one_after_the_other() {
    let network = sample();
    let mut next = next_version(&network, 100);
    let missing = |next: &NextVersion| -> Vec<String> {
        next.missing().iter().map(|server| server.name.to_owned()).collect()
    };
    assert_eq!(missing(&next), ["mixer-1", "mixer-2", "mixer-3", "pkg-1", "pkg-2"]);
    // Each gets the file from the one before, and one signature comes from another copy.
    let mut copy = next.clone();
    assert!(copy.sign(&identity_seed("pkg-2")).unwrap());
    for name in ["pkg-1", "mixer-3", "mixer-1"] {
        let text = next.to_toml().unwrap();
        let error = Network::parse(&text).unwrap_err();
        assert!(matches!(error, NetworkError::Unsigned { version: 1 }), "{error}");
        let (before, read) = Network::parse_next(&text).unwrap();
        assert_eq!(before, network);
        next = read.unwrap();
        assert!(next.sign(&identity_seed(name)).unwrap());
        assert!(!next.sign(&identity_seed(name)).unwrap(), "once is enough");
    }
    assert_eq!(missing(&next), ["mixer-2", "pkg-2"]);
    assert!(matches!(next.finish(), Err(NetworkError::Update(UpdateError::PkgMissing(1)))));
    assert!(next.merge(&copy).unwrap());
    assert!(!next.merge(&copy).unwrap());
    let whole = Network::parse(&next.to_toml().unwrap()).unwrap();
    assert_eq!(whole, next.finish().unwrap());
    let other = next_version(&network, 101);
    assert!(matches!(next.merge(&other), Err(NetworkError::OtherVersion)));
    assert!(next.sign(&identity_seed("info-1")).is_err());
    assert!(next.sign(&[9; 32]).is_err());
}

#[test]
fn only_the_last_version_may_lack_signatures() {
    let network = advanced(&sample(), 100);
    let unsigned = next_version(&network, 200).to_toml().unwrap();
    assert!(Network::parse_next(&unsigned).unwrap().1.is_some());
    // Without the second PKG's signature under version 1.
    let at = unsigned.rfind("[[update.signature]]").unwrap();
    let end = unsigned[at..].find("[[update]]").map_or(unsigned.len(), |end| at + end);
    let cut = format!("{}{}", &unsigned[..at], &unsigned[end..]);
    let error = Network::parse_next(&cut).unwrap_err();
    assert!(matches!(error, NetworkError::Update(UpdateError::PkgMissing(1))), "{error}");
}
