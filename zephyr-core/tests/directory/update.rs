//! Later versions of a manifest: what may follow what, and whose signatures it takes.

use proptest::prelude::*;
use zephyr_core::*;

use super::world::*;
use crate::common::S;

const M: Role = Role::Mixer;
const P: Role = Role::Pkg;
/// Everybody who may sign.
const ALL: [(Role, usize); 5] = [(M, 0), (M, 1), (M, 2), (P, 0), (P, 1)];

/// Version 1 without the third mixer.
fn without_a_mixer(previous: &Manifest<'_>) -> Vec<u8> {
    next_version(previous, ROUND, previous.parameters(), Some((M, 2))).unwrap()
}

fn verdict(signed: &[u8], previous: &Manifest<'_>) -> Result<(), UpdateError> {
    SignedManifest::parse(signed).unwrap().verify::<S>(previous)
}

#[test]
fn a_later_version_is_read_as_it_was_written() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    assert_eq!((first.from_round(), first.previous()), (Round(0), None));
    let next = without_a_mixer(&first);
    let next = Manifest::parse(&next).unwrap();
    assert_eq!((next.version(), next.from_round()), (1, ROUND));
    assert_eq!((next.previous(), next.network()), (Some(first.hash()), first.network()));
    assert_ne!(next.hash(), first.hash());
    assert_eq!(next.servers(M).count(), 2);
    assert_eq!(next.find(&id(P, 1)), Some((P, 1)));
}

#[test]
fn versions_form_a_chain() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let second = signed_by(&without_a_mixer(&first), &ALL);
    let second = SignedManifest::parse(&second).unwrap();
    assert_eq!(second.verify::<S>(&first), Ok(()));
    let second = second.manifest();
    let third =
        next_version(second, Round(ROUND.0 + 1), second.parameters(), Some((Role::Mailbox, 0)));
    // Replicas on two servers are no longer possible.
    assert_eq!(third, Err(ManifestError::Parameter("replicas")));
    let parameters = Parameters { replicas: 1, ..parameters() };
    let third = next_version(second, Round(ROUND.0 + 1), &parameters, Some((Role::Mailbox, 0)));
    let third = signed_by(&third.unwrap(), &[(M, 0), (P, 0), (P, 1)]);
    assert_eq!(verdict(&third, second), Ok(()));
    assert_eq!(verdict(&third, &first), Err(UpdateError::Version));
}

#[test]
fn all_pkgs_and_all_mixers_but_one_must_sign() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let next = without_a_mixer(&first);
    for who in 0..1 << ALL.len() {
        let signers: Vec<_> =
            (0..ALL.len()).filter(|i| who >> i & 1 == 1).map(|i| ALL[i]).collect();
        let count = |role| signers.iter().filter(|(r, _)| *r == role).count();
        let signed = signed_by(&next, &signers);
        let good = count(M) >= 2 && count(P) == 2;
        assert_eq!(verdict(&signed, &first).is_ok(), good, "{signers:?}");
        let missing: Vec<_> = SignedManifest::parse(&signed).unwrap().missing(&first).collect();
        assert_eq!(missing.len() + signers.len(), ALL.len());
        assert!(missing.iter().all(|(r, i)| !signers.contains(&(*r, usize::from(*i)))));
    }
    let none = verdict(&signed_by(&next, &[]), &first);
    assert_eq!(none, Err(UpdateError::PkgMissing(0)));
    let one = verdict(&signed_by(&next, &[(M, 1), (P, 0), (P, 1)]), &first);
    assert_eq!(one, Err(UpdateError::MixersMissing));
}

#[test]
fn a_networks_only_mixer_must_sign() {
    let parameters = Parameters { min_mixers: 1, ..parameters() };
    let bytes = encode(&parameters, [1, 1, 1, 2]).unwrap();
    let first = Manifest::parse(&bytes).unwrap();
    let next = next_version(&first, ROUND, &parameters, None).unwrap();
    assert_eq!(verdict(&signed_by(&next, &[(P, 0)]), &first), Err(UpdateError::MixersMissing));
    assert_eq!(verdict(&signed_by(&next, &[(M, 0), (P, 0)]), &first), Ok(()));
}

#[test]
fn signers_stand_in_order_once_and_belong_to_the_version_before() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let next = without_a_mixer(&first);
    let wrong: [&[(Role, usize)]; 5] = [
        &[(M, 1), (M, 0), (P, 0), (P, 1)],
        &[(M, 0), (M, 0), (P, 0), (P, 1)],
        &[(P, 0), (P, 1), (M, 0), (M, 1)],
        &[(M, 0), (M, 1), (M, 3), (P, 0), (P, 1)],
        &[(M, 0), (M, 1), (P, 0), (P, 1), (Role::Info, 0)],
    ];
    for signers in wrong {
        let result = verdict(&signed_by(&next, signers), &first);
        assert_eq!(result, Err(UpdateError::Signers), "{signers:?}");
    }
}

#[test]
fn a_wrong_signature_is_never_overlooked() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let good = signed_by(&without_a_mixer(&first), &ALL);
    for (i, (role, index)) in ALL.into_iter().enumerate() {
        let mut bad = good.clone();
        let place = bad.len() - (ALL.len() - i) * 67 + 10;
        bad[place] ^= 1;
        let wrong = UpdateError::WrongSignature(role, index as u16);
        assert_eq!(verdict(&bad, &first), Err(wrong));
    }
    // The signatures are those under a version that takes effect a round later.
    let later = next_version(&first, Round(ROUND.0 + 1), &parameters(), Some((M, 2))).unwrap();
    let mut moved = signed_by(&later, &ALL);
    let place = later.len();
    let end = good.len();
    moved[place..].copy_from_slice(&good[end - 1 - 5 * 67..]);
    assert_eq!(verdict(&moved, &first), Err(UpdateError::WrongSignature(M, 0)));
}

#[test]
fn what_does_not_follow_is_refused_by_name() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let next = without_a_mixer(&first);
    // Version 0 is followed only by a version 1 that names its hash.
    let twin = Parameters { mailboxes: 9, ..parameters() };
    let other = encode(&twin, COUNTS).unwrap();
    let other = Manifest::parse(&other).unwrap();
    assert_eq!(verdict(&signed_by(&next, &ALL), &other), Err(UpdateError::OtherNetwork));

    let (a, b) = (next, next_version(&first, ROUND, &twin, None).unwrap());
    let (a, b) = (Manifest::parse(&a).unwrap(), Manifest::parse(&b).unwrap());
    let after = next_version(&a, Round(ROUND.0 + 5), &parameters(), None).unwrap();
    let after = Manifest::parse(&after).unwrap();
    assert_eq!(after.check_follows(&a), Ok(()));
    assert_eq!(after.check_follows(&b), Err(UpdateError::OtherPrevious));
    assert_eq!(after.check_follows(&first), Err(UpdateError::Version));
    assert_eq!(a.check_follows(&a), Err(UpdateError::Version));
    for from in [Round(0), Round(1), ROUND] {
        let early = next_version(&a, from, &parameters(), None).unwrap();
        let early = Manifest::parse(&early).unwrap();
        assert_eq!(early.check_follows(&a), Err(UpdateError::From(from)));
    }
}

#[test]
fn times_and_payloads_stay_and_all_else_may_change() {
    type Change = fn(&mut Parameters);
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let result = |change: Change| {
        let mut parameters = parameters();
        change(&mut parameters);
        let next = next_version(&first, ROUND, &parameters, None).unwrap();
        Manifest::parse(&next).unwrap().check_follows(&first)
    };
    let fixed: [(&str, Change); 8] = [
        ("payload_len", |p| p.geometry = Geometry::new(3, 1_025).unwrap()),
        ("genesis", |p| p.genesis.0 += 1),
        ("round_ms", |p| p.round_ms += 1),
        ("open_ms", |p| p.open_ms += 1),
        ("submit_ms", |p| p.submit_ms += 1),
        ("phase_ms", |p| p.phase_ms += 1),
        ("deliver_ms", |p| p.deliver_ms += 1),
        ("download_ms", |p| p.download_ms += 1),
    ];
    for (name, change) in fixed {
        assert_eq!(result(change), Err(UpdateError::Fixed(name)));
    }
    let free: [Change; 9] = [
        |p| p.geometry = Geometry::new(2, 1_024).unwrap(),
        |p| p.routes = RouteMode::Free,
        |p| p.min_mixers = 3,
        |p| p.packets_per_round = 1,
        |p| p.mailboxes = 1,
        |p| p.replicas = 1,
        |p| p.noise_mu = 0,
        |p| p.noise_b = 0,
        |p| p.min_batch = 0,
    ];
    for change in free {
        assert_eq!(result(change), Ok(()));
    }
}

#[test]
fn every_cut_and_every_byte_left_over_is_refused() {
    let bytes = manifest_bytes();
    let first = Manifest::parse(&bytes).unwrap();
    let good = signed_by(&without_a_mixer(&first), &ALL);
    for len in 0..good.len() {
        assert!(SignedManifest::parse(&good[..len]).is_err(), "{len}");
    }
    let longer = [&good[..], &[0]].concat();
    assert_eq!(SignedManifest::parse(&longer).err(), Some(ManifestError::Malformed));
    let long = vec![1; MAX_SIGNED_MANIFEST + 1];
    assert_eq!(SignedManifest::parse(&long).err(), Some(ManifestError::TooLong));
    // Nobody can sign the first version.
    let zero = [&bytes[..], &[0]].concat();
    assert_eq!(SignedManifest::parse(&zero).err(), Some(ManifestError::Malformed));
    let manifest = Manifest::parse(&bytes).unwrap();
    let mut out = vec![0; MAX_SIGNED_MANIFEST];
    let signed = encode_signed_manifest(&manifest, &[], &mut out);
    assert_eq!(signed, Err(ManifestError::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_are_no_trouble(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = SignedManifest::parse(&bytes);
    }

    #[test]
    fn whatever_is_changed_the_version_is_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
    ) {
        let bytes = manifest_bytes();
        let first = Manifest::parse(&bytes).unwrap();
        let good = signed_by(&without_a_mixer(&first), &ALL);
        let mut bad = good.clone();
        for (place, mask) in changes {
            let place = place.index(bad.len());
            bad[place] ^= mask;
        }
        if let Ok(signed) = SignedManifest::parse(&bad) {
            prop_assert_eq!(signed.as_bytes(), &bad[..]);
            let _ = signed.missing(&first).count();
            prop_assert_eq!(signed.verify::<S>(&first).is_ok(), bad == good);
        }
    }
}
