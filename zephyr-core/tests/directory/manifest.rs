//! Manifests: what is refused, and the schedule that follows from one.

use proptest::prelude::*;
use zephyr_core::*;

use super::world::*;

fn refused(change: impl FnOnce(&mut Parameters)) -> ManifestError {
    let mut parameters = parameters();
    change(&mut parameters);
    encode(&parameters, COUNTS).unwrap_err()
}

#[test]
fn a_manifest_is_read_as_it_was_written() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    assert_eq!(*manifest.parameters(), parameters());
    assert_eq!((manifest.version(), manifest.as_bytes()), (0, &bytes[..]));
    assert_eq!(manifest.network().as_bytes(), manifest.hash().as_bytes());
    for (role, count) in Role::ALL.into_iter().zip(COUNTS) {
        assert_eq!(manifest.servers(role).count(), count);
        for index in 0..count {
            let server = manifest.server(role, index).unwrap();
            assert_eq!((server.role, server.id), (role, id(role, index)));
            assert_eq!(manifest.find(&server.id), Some((role, index)));
        }
        assert_eq!(manifest.server(role, count), None);
    }
    assert_eq!(manifest.mailbox_servers(Mailbox(3)).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    type Change = fn(&mut Parameters);
    let cases: [(&str, Change); 20] = [
        ("min_mixers", |p| p.min_mixers = 0),
        ("min_mixers", |p| p.min_mixers = 1),
        ("min_mixers", |p| p.min_mixers = 4),
        ("packets_per_round", |p| p.packets_per_round = 0),
        ("packets_per_round", |p| p.packets_per_round = 65),
        ("mailboxes", |p| p.mailboxes = 0),
        ("replicas", |p| p.replicas = 0),
        ("replicas", |p| p.replicas = 3),
        ("genesis", |p| p.genesis = UnixMs(1 << 48)),
        ("round_ms", |p| p.round_ms = 99),
        ("open_ms", |p| p.open_ms = 0),
        ("submit_ms", |p| p.submit_ms = 0),
        ("submit_ms", |p| p.submit_ms = p.round_ms + 1),
        ("phase_ms", |p| p.phase_ms = 0),
        ("deliver_ms", |p| p.deliver_ms = 0),
        ("download_ms", |p| p.download_ms = 0),
        ("noise_mu", |p| p.noise_mu = 1_000_000_001),
        ("noise_b", |p| p.noise_b = u32::MAX),
        ("min_batch", |p| p.min_batch = 1_000_001),
        ("genesis", |p| p.genesis = UnixMs(u64::MAX)),
    ];
    for (name, change) in cases {
        assert_eq!(refused(change), ManifestError::Parameter(name));
    }
}

#[test]
fn half_of_the_mixers_are_never_enough() {
    for mixers in 1..=8 {
        for min_mixers in 0..=9 {
            let parameters = Parameters { min_mixers, replicas: 1, ..parameters() };
            let good = encode(&parameters, [mixers, 1, 1, 1]).is_ok();
            let min = usize::from(min_mixers);
            assert_eq!(good, min * 2 > mixers && min <= mixers, "{min} of {mixers}");
        }
    }
}

#[test]
fn every_role_must_be_there() {
    for (i, role) in Role::ALL.into_iter().enumerate() {
        let mut counts = COUNTS;
        counts[i] = 0;
        assert_eq!(encode(&parameters(), counts), Err(ManifestError::Servers(role)));
    }
}

#[test]
fn more_than_64_servers_of_a_role_are_refused() {
    // The same server 65 times: that there are too many is found first.
    let server = ServerEntry {
        role: Role::Info,
        id: ServerId::from_bytes([1; 32]),
        link_key: [2; 32],
        name: "",
        client_address: "",
        peer_address: "",
    };
    let mut servers = vec![server; 65];
    for role in [Role::Mixer, Role::Pkg, Role::Mailbox] {
        servers.push(ServerEntry { role, ..server });
    }
    let parameters = Parameters { min_mixers: 1, replicas: 1, ..parameters() };
    let mut out = vec![0; MAX_MANIFEST];
    let result = Manifest::encode(&parameters, servers.into_iter(), &mut out);
    assert_eq!(result, Err(ManifestError::Servers(Role::Info)));
}

#[test]
fn a_server_listed_twice_is_refused_also_under_two_roles() {
    let bytes = manifest_bytes();
    let mut servers: Vec<_> = Manifest::parse(&bytes).unwrap().all().collect();
    for other in [1, 3] {
        let spare = servers[0].id;
        servers[0].id = servers[other].id;
        let mut out = vec![0; MAX_MANIFEST];
        let result = Manifest::encode(&parameters(), servers.iter().copied(), &mut out);
        assert_eq!(result, Err(ManifestError::Duplicate));
        servers[0].id = spare;
    }
}

#[test]
fn a_manifest_that_does_not_fit_is_refused() {
    let bytes = manifest_bytes();
    let servers: Vec<_> = Manifest::parse(&bytes).unwrap().all().collect();
    let mut out = vec![0; bytes.len() - 1];
    let result = Manifest::encode(&parameters(), servers.iter().copied(), &mut out);
    assert_eq!(result, Err(ManifestError::TooLong));
    let long = "x".repeat(256);
    let mut out = vec![0; MAX_MANIFEST];
    let servers = servers.iter().map(|s| ServerEntry { name: &long, ..*s });
    assert_eq!(Manifest::encode(&parameters(), servers, &mut out), Err(ManifestError::TooLong));
    let result = Manifest::parse(&[1; MAX_MANIFEST + 1]).err();
    assert_eq!(result, Some(ManifestError::TooLong));
}

#[test]
fn every_cut_and_every_byte_left_over_is_refused() {
    let bytes = manifest_bytes();
    for len in 0..bytes.len() {
        assert!(Manifest::parse(&bytes[..len]).is_err(), "{len}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Manifest::parse(&longer).err(), Some(ManifestError::Malformed));
}

#[test]
fn version_0_cannot_claim_a_network() {
    let mut bytes = manifest_bytes();
    bytes[5] = 1;
    assert_eq!(Manifest::parse(&bytes).err(), Some(ManifestError::Malformed));
}

#[test]
fn every_bit_of_a_manifest_counts_for_the_network_id() {
    let bytes = manifest_bytes();
    let network = *Manifest::parse(&bytes).unwrap().network();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(manifest) = Manifest::parse(&changed) {
            assert_ne!(*manifest.network(), network, "bit {bit}");
        }
    }
}

#[test]
fn the_times_of_a_round_follow_each_other() {
    let parameters = parameters();
    let Schedule { opens, submit_from, submit_until, phase_ms, deliver_until, closes } =
        parameters.schedule(Round(2));
    assert_eq!(submit_from, parameters.genesis.plus(1_200_000));
    assert_eq!(opens.plus(60_000), submit_from);
    assert_eq!(submit_until, submit_from.plus(300_000));
    assert_eq!(phase_ms, 30_000);
    assert_eq!(deliver_until, submit_until.plus(3 * 30_000 + 30_000));
    assert_eq!(closes, deliver_until.plus(300_000));
    assert_eq!(parameters.schedule(Round(2)).phase_deadline(0), submit_until.plus(30_000));
    assert_eq!(parameters.opened_by(UnixMs(opens.0 - 1)), Some(Round(1)));
    assert_eq!(parameters.opened_by(opens), Some(Round(2)));
    assert_eq!(parameters.opened_by(UnixMs(0)), None);
    assert_eq!(parameters.span_ms(), 60_000 + 300_000 + 120_000 + 300_000);
}

/// The greatest parameters that a manifest may have.
fn extreme() -> Parameters {
    Parameters {
        geometry: Geometry::new(16, 1_024).unwrap(),
        genesis: UnixMs((1 << 48) - 1),
        round_ms: u32::MAX,
        open_ms: u32::MAX,
        submit_ms: u32::MAX,
        phase_ms: u32::MAX,
        deliver_ms: u32::MAX,
        download_ms: u32::MAX,
        ..parameters()
    }
}

#[test]
fn no_round_and_no_time_overflows_the_schedule() {
    encode(&extreme(), COUNTS).unwrap();
    for parameters in [parameters(), extreme()] {
        for round in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX].map(Round) {
            let schedule = parameters.schedule(round);
            assert!(schedule.opens <= schedule.submit_from);
            assert!(schedule.submit_from <= schedule.submit_until);
            assert!(schedule.submit_until <= schedule.deliver_until);
            assert!(schedule.deliver_until <= schedule.closes);
            for phase in [0, 15, u32::MAX as usize, usize::MAX] {
                assert!(schedule.phase_deadline(phase) >= schedule.submit_until);
            }
        }
        for now in [0, 1, u64::MAX / 2, u64::MAX].map(UnixMs) {
            let _ = parameters.opened_by(now);
        }
        let _ = parameters.span_ms();
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_trouble(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn changed_manifests_are_no_trouble(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = manifest_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(manifest) = Manifest::parse(&bytes) {
            // Whatever was taken can be worked with, and written again.
            let servers: Vec<_> = manifest.all().collect();
            prop_assert!(manifest.mailbox_servers(Mailbox(u32::MAX)).count() >= 1);
            let mut out = vec![0; MAX_MANIFEST];
            let len = Manifest::encode(manifest.parameters(), servers.into_iter(), &mut out).unwrap();
            let header = if manifest.version() == 0 { 37 } else { 77 };
            prop_assert_eq!(&out[37..len], &bytes[header..]);
        }
    }
}
