//! What a mixer signs.

use zephyr_core::*;
use zephyr_machine::agreement::vet;
use zephyr_machine::board::{Board, MAX_SKEW_MS};
use zephyr_machine::peer::ProposalRefusal;
use zephyr_machine::record::{Record, RecordKind};

use super::world::*;

/// Three mixers of which two are enough, two PKGs.
fn three() -> World {
    World::new(Parameters { min_mixers: 2, ..parameters(RouteMode::Round, 3, 3) }, 3, 2)
}

/// A board that lacks the announcements at these places: 0 to 2 mixers, 3 and 4 PKGs.
fn board_without(world: &World, missing: &[usize]) -> Board {
    let mut board = Board::new();
    let records = world.announcements(ROUND).into_iter().enumerate();
    for (_, (key, record)) in records.filter(|(i, _)| !missing.contains(i)) {
        assert!(world.put(&mut board, key, &record, world.schedule(ROUND).opens));
    }
    board
}

/// Mixer 0 before a proposal.
struct Voter {
    world: World,
    own: MixerAnnouncement,
}

fn voter() -> Voter {
    let world = three();
    let own = *world.open(0, ROUND).announcement();
    Voter { world, own }
}

impl Voter {
    fn at(&self, body: &[u8], now: UnixMs) -> Result<(), ProposalRefusal> {
        vet::<S>(&self.world.manifest(), MixerIndex(0), &self.own, body, now).map(|_| ())
    }

    fn ask(&self, body: &[u8]) -> Result<(), ProposalRefusal> {
        self.at(body, self.world.schedule(ROUND).opens)
    }

    /// A directory of all servers, changed.
    fn changed(
        &self,
        change: impl FnOnce(
            &mut Vec<(MixerIndex, MixerAnnouncement)>,
            &mut Vec<(PkgIndex, PkgAnnouncement)>,
        ),
    ) -> Vec<u8> {
        let (mut mixers, mut pkgs) = self.world.announced(ROUND).announced(ROUND);
        change(&mut mixers, &mut pkgs);
        encode(&self.world.manifest(), ROUND, &mixers, &pkgs)
    }
}

#[test]
fn a_good_directory_of_all_or_of_enough_mixers_may_be_signed() {
    let voter = voter();
    assert_eq!(voter.ask(&voter.changed(|_, _| ())), Ok(()));
    assert_eq!(voter.ask(&voter.changed(|mixers, _| mixers.truncate(2))), Ok(()));
}

#[test]
fn directories_are_signed_from_the_opening_to_the_end_of_the_submit_phase() {
    let voter = voter();
    let body = voter.changed(|_, _| ());
    let Schedule { opens, submit_until, .. } = voter.world.schedule(ROUND);
    let early = UnixMs(opens.0 - MAX_SKEW_MS);
    assert_eq!(voter.at(&body, UnixMs(early.0 - 1)), Err(ProposalRefusal::NotOpen));
    assert_eq!(voter.at(&body, submit_until), Err(ProposalRefusal::NotOpen));
    assert_eq!(voter.at(&body, UnixMs(0)), Err(ProposalRefusal::NotOpen));
    assert_eq!(voter.at(&body, early), Ok(()));
    assert_eq!(voter.at(&body, UnixMs(submit_until.0 - 1)), Ok(()));
}

#[test]
fn a_directory_without_every_pkg_exactly_once_is_not_signed() {
    let voter = voter();
    let bodies = [
        voter.changed(|_, pkgs| pkgs.truncate(1)),
        voter.changed(|_, pkgs| pkgs.retain(|(i, _)| i.0 > 0)),
        voter.changed(|_, pkgs| pkgs.clear()),
        voter.changed(|_, pkgs| pkgs[1] = pkgs[0]),
        voter.changed(|_, pkgs| pkgs.push(pkgs[1])),
        voter.changed(|_, pkgs| pkgs.swap(0, 1)),
    ];
    for (i, body) in bodies.iter().enumerate() {
        assert_eq!(voter.ask(body), Err(ProposalRefusal::Invalid), "case {i}");
    }
}

#[test]
fn a_rogue_pkg_key_is_not_signed() {
    let voter = voter();
    let world = three();
    let (first, second) = (world.pkg_key(0, ROUND), world.pkg_key(1, ROUND));
    let mut unproven = second;
    unproven[144..].fill(0);
    let mut mixed = second;
    mixed[..144].copy_from_slice(&first[..144]);
    let mut infinity = second;
    infinity[..144].fill(0);
    (infinity[0], infinity[48]) = (0xc0, 0xc0);
    let keys = [
        ("no proof", unproven),
        ("the first PKG's key with its proof", first),
        ("the first PKG's key with the second's proof", mixed),
        ("a key with the proof of another round", world.pkg_key(1, Round(8))),
        ("infinity", infinity),
    ];
    for (what, key) in keys {
        // Properly signed by the PKG itself: it is the PKG that is rogue.
        let rogue = world.sign_pkg_key(1, ROUND, key);
        let body = voter.changed(|_, pkgs| pkgs[1].1 = rogue);
        assert_eq!(voter.ask(&body), Err(ProposalRefusal::Invalid), "{what}");
    }
    let unsigned = PkgAnnouncement { signature: [0; 64], ..world.pkg_announcement(1, ROUND) };
    let body = voter.changed(|_, pkgs| pkgs[1].1 = unsigned);
    assert_eq!(voter.ask(&body), Err(ProposalRefusal::Invalid));
}

#[test]
fn a_directory_without_me_or_with_another_key_of_mine_is_not_signed() {
    let mut voter = voter();
    let without = voter.changed(|mixers, _| mixers.retain(|(i, _)| i.0 > 0));
    assert_eq!(voter.ask(&without), Err(ProposalRefusal::NotMyKey));
    let other = voter.world.mixer_announcement(0, ROUND, *b"the key of another announcement.");
    let replaced = voter.changed(|mixers, _| mixers[0].1 = other);
    assert_eq!(voter.ask(&replaced), Err(ProposalRefusal::NotMyKey));
    let body = voter.changed(|_, _| ());
    voter.own = *voter.world.open(0, Round(8)).announcement();
    assert_eq!(voter.ask(&body), Err(ProposalRefusal::NotMyKey), "announced for another round");
}

#[test]
fn other_mixers_must_have_announced_what_is_listed() {
    let voter = voter();
    let forged = MixerAnnouncement { signature: [1; 64], ..voter.own };
    let low = voter.world.mixer_announcement(1, ROUND, [0; 32]);
    let bodies = [
        voter.changed(|mixers, _| mixers[1].1 = forged),
        voter.changed(|mixers, _| mixers[1].1 = mixers[2].1),
        voter.changed(|mixers, _| mixers[2] = mixers[1]),
        voter.changed(|mixers, _| mixers.swap(1, 2)),
        voter.changed(|mixers, _| mixers[2].0 = MixerIndex(3)),
        voter.changed(|mixers, _| mixers.truncate(1)),
        voter.changed(|mixers, _| mixers[1].1 = low),
    ];
    for (i, body) in bodies.iter().enumerate() {
        assert_eq!(voter.ask(body), Err(ProposalRefusal::Invalid), "case {i}");
    }
}

#[test]
fn wrong_times_another_network_or_another_manifest_are_not_signed() {
    let voter = voter();
    let body = voter.changed(|_, _| ());
    // format 1, network 32, manifest 32, round 8, then five times
    for byte in [1, 33, 73 + 7, 81 + 7, 89 + 3, 93 + 7, 101 + 7] {
        let mut changed = body.clone();
        changed[byte] ^= 1;
        assert_eq!(voter.ask(&changed), Err(ProposalRefusal::Invalid), "byte {byte}");
    }
    let mut other_round = body.clone();
    other_round[72] ^= 0x0f;
    assert!(voter.ask(&other_round).is_err());
}

#[test]
fn anything_behind_the_body_is_not_signed() {
    let voter = voter();
    let body = voter.changed(|_, _| ());
    for more in [1, 63, 64, 3 * 64] {
        let longer = [body.clone(), vec![0; more]].concat();
        assert_eq!(voter.ask(&longer), Err(ProposalRefusal::Invalid), "{more} bytes more");
    }
    assert_eq!(voter.ask(&body[..body.len() - 1]), Err(ProposalRefusal::Invalid));
    assert_eq!(voter.ask(&[]), Err(ProposalRefusal::Invalid));
}

#[test]
fn a_mixer_that_announces_late_is_not_in_the_way_of_the_round() {
    let world = three();
    let late = world.schedule(ROUND).opens.plus(2_000);
    let mut board = board_without(&world, &[2]);
    let body = world.body(ROUND, &[0, 1]);
    for (key, record) in world.announcements(ROUND) {
        assert!(world.put(&mut board, key, &record, late));
    }
    for i in 0..2 {
        let record = Record::Signed(world.signed(i, &body));
        assert!(world.put(&mut board, key(RecordKind::Signed, ROUND, i), &record, late));
    }
    let directory = Directory::parse(board.directory(ROUND).expect("two are enough")).unwrap();
    assert!(directory.verify::<S>(&world.manifest(), true).is_ok());
    assert_eq!(directory.mixers().count(), 2);
}
