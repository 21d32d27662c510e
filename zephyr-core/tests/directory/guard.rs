//! A second directory for a round.

use zephyr_core::*;

fn hash(byte: u8) -> DirectoryHash {
    DirectoryHash::from_bytes([byte; 32])
}

#[test]
fn a_mixer_signs_one_directory_a_round() {
    let mut guard = SigningGuard::default();
    assert_eq!(guard.to_bytes(), None);
    assert!(guard.admit(Round(5), &hash(1)));
    assert!(guard.admit(Round(5), &hash(1)), "the same again");
    assert!(!guard.admit(Round(5), &hash(2)), "another one");
    assert!(!guard.admit(Round(4), &hash(1)), "an older round");
    assert!(guard.admit(Round(6), &hash(2)));
    assert!(!guard.admit(Round(5), &hash(1)), "what was signed is over");
}

#[test]
fn a_mixer_that_was_started_anew_knows_what_it_signed() {
    let mut guard = SigningGuard::default();
    assert!(guard.admit(Round(5), &hash(1)));
    let mut guard = SigningGuard::from_bytes(&guard.to_bytes().unwrap());
    assert!(!guard.admit(Round(5), &hash(2)));
    assert!(!guard.admit(Round(4), &hash(2)));
    assert!(guard.admit(Round(5), &hash(1)));
    assert!(guard.admit(Round(u64::MAX), &hash(1)));
    assert!(!guard.admit(Round(u64::MAX), &hash(2)));
}

#[test]
fn a_refusal_does_not_change_the_guard() {
    let mut guard = SigningGuard::default();
    assert!(guard.admit(Round(5), &hash(1)));
    let before = guard;
    assert!(!guard.admit(Round(5), &hash(2)) && !guard.admit(Round(1), &hash(2)));
    assert_eq!(guard, before);
}

#[test]
fn a_client_notices_a_second_directory_for_a_round() {
    let mut watch = RoundWatch::default();
    assert_eq!(watch.accept(Round(5), &hash(1)), Ok(true));
    assert_eq!(watch.accept(Round(5), &hash(1)), Ok(false), "the same again");
    let both = Equivocation { round: Round(5), first: hash(1), second: hash(2) };
    assert_eq!(watch.accept(Round(5), &hash(2)), Err(both));
    assert_eq!(watch.accept(Round(4), &hash(3)), Ok(false), "an older round is not new");
    assert_eq!(watch.accept(Round(6), &hash(2)), Ok(true));
}

#[test]
fn a_client_that_was_started_anew_notices_it_too() {
    let mut watch = RoundWatch::starting_after(Some((Round(5), hash(1))));
    assert!(watch.accept(Round(5), &hash(2)).is_err());
    assert_eq!(watch.accept(Round(3), &hash(2)), Ok(false));
}
