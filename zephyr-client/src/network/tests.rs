use zephyr_core::Role;

use super::*;
use crate::testing::{parameters, sample};

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
