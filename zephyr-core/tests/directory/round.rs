//! Attacks on a round's directory, each by whoever could mount it.

use proptest::prelude::*;
use zephyr_core::*;

use super::world::*;
use crate::common::S;

/// What comes of the honest directory after a change to its parts.
fn with(change: impl FnOnce(&mut Parts, &Manifest<'_>)) -> Result<DirectoryHash, DirectoryError> {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let mut parts = Parts::honest(&manifest, ROUND);
    change(&mut parts, &manifest);
    verify(&parts.directory(&manifest), &manifest)
}

/// What comes of the honest directory after a change to its body, which all mixers then sign.
fn with_body(change: impl FnOnce(&mut Vec<u8>)) -> Result<DirectoryHash, DirectoryError> {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let parts = Parts::honest(&manifest, ROUND);
    let mut body = parts.body(&manifest);
    change(&mut body);
    verify(&signed(body, &parts.signers), &manifest)
}

#[test]
fn an_honest_directory_is_accepted_and_read_as_it_was_written() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let parts = Parts::honest(&manifest, ROUND);
    let bytes = parts.directory(&manifest);
    let directory = Directory::parse(&bytes).unwrap();
    assert_eq!(directory.round(), ROUND);
    assert_eq!(directory.mixers().collect::<Vec<_>>(), parts.mixers);
    assert_eq!(directory.pkgs().collect::<Vec<_>>(), parts.pkgs);
    assert_eq!(directory.mixer_key(MixerIndex(1)), Some(parts.mixers[1].1.key));
    assert_eq!(directory.mixer_key(MixerIndex(3)), None);
    let context = directory.verify::<S>(&manifest, true).unwrap();
    assert_eq!((context.round(), *context.directory()), (ROUND, directory.hash()));
    assert_eq!(context.network(), manifest.network());
    assert_eq!(directory.routes(&manifest).unwrap().len(), 3);
}

#[test]
fn mixers_check_it_before_any_signature_is_under_it() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let body = Parts::honest(&manifest, ROUND).body(&manifest);
    let directory = Directory::parse(&body).unwrap();
    assert!(directory.check::<S>(&manifest, true).is_ok());
    let unsigned = directory.verify::<S>(&manifest, true).map(drop);
    assert_eq!(unsigned, Err(DirectoryError::Unsigned(MixerIndex(0))));
}

#[test]
fn fewer_mixers_are_accepted_down_to_the_minimum() {
    let without = |left_out: &[usize]| {
        with(|parts, _| {
            for &i in left_out {
                parts.mixers.remove(i);
                parts.signers.remove(i);
            }
        })
    };
    assert!(without(&[1]).is_ok());
    assert_eq!(without(&[1, 0]), Err(DirectoryError::TooFewMixers));
    assert_eq!(without(&[0, 0, 0]), Err(DirectoryError::TooFewMixers));
}

#[test]
fn a_directory_without_one_of_the_pkgs_is_refused() {
    for i in 0..2 {
        assert_eq!(
            with(|parts, _| parts.pkgs.retain(|(pkg, _)| usize::from(pkg.0) != i)),
            Err(DirectoryError::MissingPkg)
        );
    }
    assert_eq!(with(|parts, _| parts.pkgs.clear()), Err(DirectoryError::MissingPkg));
}

#[test]
fn a_pkg_twice_unknown_or_out_of_order_is_refused() {
    let cases: [fn(&mut Parts); 4] = [
        |parts| parts.pkgs[1] = parts.pkgs[0],
        |parts| parts.pkgs.swap(0, 1),
        |parts| parts.pkgs[1].0 = PkgIndex(2),
        |parts| parts.pkgs.push((PkgIndex(2), parts.pkgs[1].1)),
    ];
    for change in cases {
        assert_eq!(with(|parts, _| change(parts)), Err(DirectoryError::MissingPkg));
    }
}

#[test]
fn a_missing_signature_is_refused() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let bytes = Parts::honest(&manifest, ROUND).directory(&manifest);
    for missing in 1..3 {
        let cut = &bytes[..bytes.len() - 64 * missing];
        assert_eq!(verify(cut, &manifest), Err(DirectoryError::Malformed));
    }
    let none = verify(&bytes[..bytes.len() - 192], &manifest);
    assert_eq!(none, Err(DirectoryError::Unsigned(MixerIndex(0))));
    let mut blank = bytes.clone();
    let last = blank.len() - 64;
    blank[last..].fill(0);
    assert_eq!(verify(&blank, &manifest), Err(DirectoryError::Unsigned(MixerIndex(2))));
    let more = [&bytes[..], &bytes[last..]].concat();
    assert_eq!(verify(&more, &manifest), Err(DirectoryError::Malformed));
}

#[test]
fn signatures_of_others_and_in_another_order_are_refused() {
    let stranger = with(|parts, _| parts.signers[1] = [9; 32]);
    assert_eq!(stranger, Err(DirectoryError::Unsigned(MixerIndex(1))));
    let pkg = with(|parts, _| parts.signers[2] = seed(Role::Pkg, 0));
    assert_eq!(pkg, Err(DirectoryError::Unsigned(MixerIndex(2))));
    let swapped = with(|parts, _| parts.signers.swap(1, 2));
    assert_eq!(swapped, Err(DirectoryError::Unsigned(MixerIndex(1))));
}

#[test]
fn signatures_under_another_directory_are_refused() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let other = Parts::honest(&manifest, Round(ROUND.0 - 1)).directory(&manifest);
    let mut mixed = Parts::honest(&manifest, ROUND).body(&manifest);
    mixed.extend_from_slice(&other[other.len() - 192..]);
    assert_eq!(verify(&mixed, &manifest), Err(DirectoryError::Unsigned(MixerIndex(0))));
}

#[test]
fn mixers_twice_out_of_order_or_unknown_are_refused() {
    let twice = with(|parts, _| {
        parts.mixers[1] = parts.mixers[0];
        parts.signers[1] = parts.signers[0];
    });
    assert_eq!(twice, Err(DirectoryError::Servers));
    let out_of_order = with(|parts, _| {
        parts.mixers.swap(0, 1);
        parts.signers.swap(0, 1);
    });
    assert_eq!(out_of_order, Err(DirectoryError::Servers));
    for unknown in [3, 64, u16::MAX] {
        let unknown = with(|parts, _| parts.mixers[2].0 = MixerIndex(unknown));
        assert_eq!(unknown, Err(DirectoryError::Servers));
    }
}

#[test]
fn a_mixers_key_that_it_did_not_announce_is_refused() {
    let invented = with(|parts, _| parts.mixers[1].1.key = X25519::public(&[1; 32]));
    assert_eq!(invented, Err(DirectoryError::MixerKey(MixerIndex(1))));
    let somebody_elses = with(|parts, _| parts.mixers[1].1 = parts.mixers[0].1);
    assert_eq!(somebody_elses, Err(DirectoryError::MixerKey(MixerIndex(1))));
}

#[test]
fn announcements_of_another_round_or_network_are_refused() {
    let old_mixer = with(|parts, manifest| {
        parts.mixers[0].1 = Parts::honest(manifest, Round(ROUND.0 - 1)).mixers[0].1;
    });
    assert_eq!(old_mixer, Err(DirectoryError::MixerKey(MixerIndex(0))));
    let old_pkg = with(|parts, manifest| {
        parts.pkgs[1].1 = Parts::honest(manifest, Round(ROUND.0 - 1)).pkgs[1].1;
    });
    assert_eq!(old_pkg, Err(DirectoryError::PkgKey(PkgIndex(1))));
    let elsewhere = NetworkId::from_bytes([5; 32]);
    let foreign_mixer = with(|parts, _| {
        let (seed, key) = (seed(Role::Mixer, 0), parts.mixers[0].1.key);
        parts.mixers[0].1 = MixerAnnouncement::sign::<S>(&seed, &elsewhere, ROUND, key);
    });
    assert_eq!(foreign_mixer, Err(DirectoryError::MixerKey(MixerIndex(0))));
}

#[test]
fn a_pkg_key_that_its_pkg_did_not_announce_is_refused() {
    let forged = with(|parts, manifest| {
        let key = pkg_key(manifest.network(), ROUND, &id(Role::Pkg, 1), 7);
        parts.pkgs[1].1 = PkgAnnouncement::sign::<S>(&[9; 32], manifest.network(), ROUND, key);
    });
    assert_eq!(forged, Err(DirectoryError::PkgKey(PkgIndex(1))));
}

/// The honest directory with another key of the PKG 1, which that PKG signs.
fn with_pkg_key(
    key: impl FnOnce(&Parts, &Manifest<'_>) -> [u8; PKG_KEY_SIZE],
) -> Result<DirectoryHash, DirectoryError> {
    with(|parts, manifest| {
        let key = key(parts, manifest);
        let seed = seed(Role::Pkg, 1);
        parts.pkgs[1].1 = PkgAnnouncement::sign::<S>(&seed, manifest.network(), ROUND, key);
    })
}

#[test]
fn a_corrupted_pkg_cannot_do_without_a_proof_of_its_own() {
    let refused = Err(DirectoryError::PkgKey(PkgIndex(1)));
    let missing = with_pkg_key(|parts, _| {
        let mut key = parts.pkgs[1].1.key;
        key[144..].fill(0);
        key
    });
    assert_eq!(missing, refused, "missing");
    let wrong = with_pkg_key(|parts, _| {
        let mut key = parts.pkgs[1].1.key;
        key[PKG_KEY_SIZE - 1] ^= 1;
        key
    });
    assert_eq!(wrong, refused, "wrong");
    let borrowed = with_pkg_key(|parts, _| parts.pkgs[0].1.key);
    assert_eq!(borrowed, refused, "another PKG's key and proof");
    let grafted = with_pkg_key(|parts, _| {
        let mut key = parts.pkgs[1].1.key;
        key[144..].copy_from_slice(&parts.pkgs[0].1.key[144..]);
        key
    });
    assert_eq!(grafted, refused, "its key and another PKG's proof");
    let stale = with_pkg_key(|_, manifest| {
        pkg_key(manifest.network(), Round(ROUND.0 - 1), &id(Role::Pkg, 1), 7)
    });
    assert_eq!(stale, refused, "a proof of an earlier round");
    let foreign =
        with_pkg_key(|_, _| pkg_key(&NetworkId::from_bytes([5; 32]), ROUND, &id(Role::Pkg, 1), 7));
    assert_eq!(foreign, refused, "a proof of another network");
}

#[test]
fn a_rogue_key_that_cancels_the_others_is_refused() {
    let rogue = |proof: bool| {
        let bytes = manifest_bytes();
        let manifest = Manifest::parse(&bytes).unwrap();
        let mut parts = Parts::honest(&manifest, ROUND);
        let mut key = parts.pkgs[0].1.key;
        // The sign bits of both points: -P1, -P2.
        key[0] ^= 0x20;
        key[48] ^= 0x20;
        let seed = seed(Role::Pkg, 1);
        parts.pkgs[1].1 = PkgAnnouncement::sign::<S>(&seed, manifest.network(), ROUND, key);
        let bytes = parts.directory(&manifest);
        Directory::parse(&bytes).unwrap().verify::<S>(&manifest, proof).map(drop)
    };
    assert_eq!(rogue(true), Err(DirectoryError::PkgKey(PkgIndex(1))));
    // Who leaves the proofs to the mixers still refuses a round key that is infinity.
    assert_eq!(rogue(false), Err(DirectoryError::PkgKey(PkgIndex(1))));
}

#[test]
fn times_other_than_the_manifests_are_refused() {
    for field in [73..81, 81..89, 89..93, 93..101, 101..109] {
        let moved = with_body(|body| body[field.end - 1] ^= 1);
        assert_eq!(moved, Err(DirectoryError::Times), "{field:?}");
    }
    let other_round = with_body(|body| body[72] ^= 1);
    assert_eq!(other_round, Err(DirectoryError::Times));
}

#[test]
fn another_network_or_version_of_the_manifest_is_refused() {
    assert_eq!(with_body(|body| body[1] ^= 1), Err(DirectoryError::OtherNetwork));
    assert_eq!(with_body(|body| body[33] ^= 1), Err(DirectoryError::OtherNetwork));
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let directory = Parts::honest(&manifest, ROUND).directory(&manifest);
    let bytes = encode(&Parameters { min_batch: 11, ..parameters() }, COUNTS).unwrap();
    let other = Manifest::parse(&bytes).unwrap();
    assert_eq!(verify(&directory, &other), Err(DirectoryError::OtherNetwork));
}

#[test]
fn another_format_is_no_directory() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let mut directory = Parts::honest(&manifest, ROUND).directory(&manifest);
    directory[0] = 2;
    assert_eq!(verify(&directory, &manifest), Err(DirectoryError::Malformed));
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let directory = Parts::honest(&manifest, ROUND).directory(&manifest);
    for place in 0..directory.len() {
        let mut changed = directory.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(verify(&changed, &manifest).is_err(), "byte {place}");
    }
}

#[test]
fn a_signature_alone_is_verified_against_its_mixer() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let hash = DirectoryHash::from_bytes([3; 32]);
    let signature = sign_directory::<S>(&seed(Role::Mixer, 1), &hash);
    let by =
        |mixer| verify_directory_signature::<S>(&manifest, &hash, MixerIndex(mixer), &signature);
    assert!(by(1) && !by(0) && !by(3));
    let other = DirectoryHash::from_bytes([4; 32]);
    assert!(!verify_directory_signature::<S>(&manifest, &other, MixerIndex(1), &signature));
}

#[test]
fn a_directory_that_does_not_fit_is_not_written() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let Parts { mixers, pkgs, .. } = Parts::honest(&manifest, ROUND);
    let mut out = [0; 64];
    assert_eq!(encode_directory(&manifest, ROUND, &mixers, &pkgs, &mut out), None);
    let many = vec![mixers[0]; 256];
    let mut out = vec![0; 100_000];
    assert_eq!(encode_directory(&manifest, ROUND, &many, &pkgs, &mut out), None);
}

#[test]
fn announcements_are_read_as_they_were_written() {
    let bytes = manifest_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let parts = Parts::honest(&manifest, ROUND);
    let (mixer, pkg) = (parts.mixers[0].1, parts.pkgs[0].1);
    assert_eq!(MixerAnnouncement::from_slice(&mixer.to_bytes()), Some(mixer));
    assert_eq!(PkgAnnouncement::from_slice(&pkg.to_bytes()), Some(pkg));
    for cut in 0..MIXER_ANNOUNCEMENT_SIZE {
        assert_eq!(MixerAnnouncement::from_slice(&mixer.to_bytes()[..cut]), None);
    }
    let long = [&pkg.to_bytes()[..], &[0]].concat();
    assert_eq!(PkgAnnouncement::from_slice(&long), None);
    for bit in 0..MIXER_ANNOUNCEMENT_SIZE * 8 {
        let mut bytes = mixer.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = MixerAnnouncement::from_slice(&bytes).unwrap();
        assert!(!changed.verify::<S>(manifest.network(), &id(Role::Mixer, 0)), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_trouble(mut bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let manifest = manifest_bytes();
        let manifest = Manifest::parse(&manifest).unwrap();
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(directory) = Directory::parse(&bytes) {
            prop_assert!(directory.verify::<S>(&manifest, true).is_err());
            prop_assert!(directory.mixers().count() <= 255 && directory.pkgs().count() <= 255);
            let _ = directory.routes(&manifest);
        }
    }
}
