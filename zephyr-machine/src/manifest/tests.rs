use zephyr_core::{
    MAX_MANIFEST, MAX_SIGNED_MANIFEST, ManifestSignature, Parameters, RouteMode, Signature,
    encode_signed_manifest, sign_manifest,
};

use super::*;
use crate::testing::{Paper, id, seed};
use zephyr_blst::Native;

/// The version behind `shared`'s newest one, without the servers `gone`, signed by all who may.
fn next(shared: &SharedManifest, from: u64, gone: &[ServerId]) -> Vec<u8> {
    let newest = shared.get();
    let servers: Vec<_> = newest.all().filter(|server| !gone.contains(&server.id)).collect();
    let parameters = Parameters { min_mixers: 2, replicas: 1, ..*newest.parameters() };
    let mut bytes = vec![0; MAX_MANIFEST];
    let from = Round(from);
    let len = Manifest::encode_next(&newest, from, &parameters, servers.into_iter(), &mut bytes);
    let manifest = Manifest::parse(&bytes[..len.unwrap()]).unwrap();
    let mut signatures = Vec::new();
    for role in [Role::Mixer, Role::Pkg] {
        for (index, server) in newest.servers(role).enumerate() {
            let seed = (0..3)
                .map(|i| seed(role, i))
                .find(|seed| *server.id.as_bytes() == <Native as Suite>::Signature::public(seed));
            let signature = sign_manifest::<Native>(&seed.unwrap(), &manifest);
            signatures.push(ManifestSignature { role, index: index as u16, signature });
        }
    }
    let mut out = vec![0; MAX_SIGNED_MANIFEST];
    let len = encode_signed_manifest(&manifest, &signatures, &mut out).unwrap();
    out.truncate(len);
    out
}

#[test]
fn the_version_in_effect_follows_from_the_round() {
    let shared = Paper::new(RouteMode::Round).manifest;
    let clone = shared.clone();
    let second = next(&shared, 10, &[id(Role::Mixer, 0)]);
    assert_eq!(shared.add::<Native>(&second), Ok(true));
    assert_eq!(shared.add::<Native>(&second), Ok(false), "it is known already");
    let third = next(&shared, 20, &[]);
    assert_eq!(clone.add::<Native>(&third), Ok(true), "clones are the same");
    let version = |round| shared.at(Round(round)).version();
    assert_eq!([0, 9, 10, 19, 20, u64::MAX].map(version), [0, 0, 1, 1, 2, 2]);
    assert_eq!((shared.get().version(), shared.network()), (2, *shared.at(Round(0)).network()));
    let signed = [0, 1, 2, 3].map(|version| shared.signed(version));
    assert_eq!(signed, [None, Some(&second[..]), Some(&third[..]), None]);
    // The first mixer is gone, so the others' indices are other ones.
    assert_eq!(shared.at(Round(9)).find(&id(Role::Mixer, 1)), Some((Role::Mixer, 1)));
    assert_eq!(shared.at(Round(10)).find(&id(Role::Mixer, 1)), Some((Role::Mixer, 0)));
    let (role, index, _) = shared.find(&id(Role::Mixer, 0)).expect("it was in the first version");
    assert_eq!((role, index), (Role::Mixer, 0));
}

#[test]
fn what_does_not_follow_is_refused_and_changes_nothing() {
    let shared = Paper::new(RouteMode::Round).manifest;
    let good = next(&shared, 10, &[]);
    let other = next(&shared, 11, &[]);
    let mut unsigned = good.clone();
    *unsigned.last_mut().unwrap() ^= 1;
    assert!(matches!(shared.add::<Native>(&unsigned), Err(VersionError::Update(_))));
    assert!(matches!(shared.add::<Native>(b"nonsense"), Err(VersionError::Manifest(_))));
    assert_eq!(shared.get().version(), 0);
    shared.add::<Native>(&good).unwrap();
    assert_eq!(shared.add::<Native>(&other), Err(VersionError::Update(UpdateError::Version)));
    let bytes = SignedManifest::parse(&good).unwrap().manifest().as_bytes();
    assert!(SharedManifest::new(bytes).is_err(), "it is not the first");
}

#[test]
fn servers_are_connected_before_they_come_and_until_their_last_round_is_over() {
    let paper = Paper::new(RouteMode::Round);
    let shared = paper.manifest.clone();
    let third = id(Role::Mixer, 2);
    shared.add::<Native>(&next(&shared, 10, &[third])).unwrap();
    let connected = |now| shared.servers(now).iter().any(|server| server.id == third);
    let last = paper.schedule(Round(9));
    assert!(connected(last.opens) && connected(paper.schedule(Round(10)).opens));
    assert!(connected(last.closes));
    assert!(!connected(last.closes.plus(4 * 1_000)));
    assert_eq!(shared.servers(last.opens).len(), 7, "each stands there once");
    // What begins in a later version is there from now on.
    let all = Paper::new(RouteMode::Round).manifest;
    let without = next(&all, 10, &[third]);
    let begins = SharedManifest(Arc::new(RwLock::new(
        [&without[..], &next(&all, 20, &[])]
            .map(|signed| {
                let signed: &'static [u8] = Box::leak(signed.into());
                let manifest = SignedManifest::parse(signed).unwrap().manifest().clone();
                Version { manifest, signed }
            })
            .into(),
    )));
    assert!(begins.servers(paper.schedule(Round(12)).opens).iter().any(|s| s.id == third));
}
