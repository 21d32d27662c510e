use super::*;
use crate::testing::{Paper, hash, id};
use zephyr_core::{RouteMode, Schedule};

const ROUND: Round = Round(10);

struct Bench {
    paper: Paper,
    directory: Vec<u8>,
    machine: MailboxMachine,
}

impl Bench {
    /// The server 0 of a network whose round has opened and whose directory has come.
    fn new() -> Self {
        let mut bench = Self::before_the_directory();
        assert!(bench.machine.agree(ROUND, &bench.directory));
        bench
    }

    fn before_the_directory() -> Self {
        let paper = Paper::new(RouteMode::Rotations);
        let directory = paper.directory(ROUND, &[0, 1, 2]);
        let now = paper.schedule(ROUND).submit_from;
        let machine = MailboxMachine::new(paper.manifest.clone(), id(Role::Mailbox, 0), now);
        Self { paper, directory, machine }
    }

    fn schedule(&self) -> Schedule {
        self.paper.schedule(ROUND)
    }

    fn deliver(&mut self, mixer: u16) -> Result<(), UploadRefusal> {
        self.machine.delivered(ROUND, MixerIndex(mixer), [mixer as u8; 32])
    }

    fn expects(&self, mixer: u16) -> Result<Expected, UploadRefusal> {
        let hash = hash(&self.directory);
        self.machine.expects(ROUND, MixerIndex(mixer), hash.as_bytes())
    }

    fn download(&self) -> Result<(), DownloadRefusal> {
        self.machine.download(ROUND, Mailbox(2))
    }
}

#[test]
fn a_round_is_given_out_when_all_exits_have_delivered() {
    let mut bench = Bench::new();
    for mixer in 0..3 {
        assert_eq!(bench.download(), Err(DownloadRefusal::NotYet));
        assert!(!bench.machine.is_complete(ROUND));
        assert_eq!(bench.expects(mixer).unwrap().before, None);
        bench.deliver(mixer).unwrap();
        assert_eq!(bench.expects(mixer).unwrap().before, Some([mixer as u8; 32]));
    }
    assert!(bench.machine.is_complete(ROUND));
    assert_eq!(bench.download(), Ok(()));
    assert_eq!(bench.machine.download(ROUND, Mailbox(1)), Err(DownloadRefusal::NotHere));
    assert_eq!(bench.machine.download(ROUND, Mailbox(4)), Err(DownloadRefusal::NotHere));
}

#[test]
fn only_exits_of_this_directory_deliver() {
    let paper = Paper::new(RouteMode::Round);
    let directory = paper.directory(ROUND, &[0, 2]);
    let now = paper.schedule(ROUND).submit_from;
    let mut machine = MailboxMachine::new(paper.manifest.clone(), id(Role::Mailbox, 0), now);
    assert!(machine.agree(ROUND, &directory));
    let digest = hash(&directory);
    let expected = |mixer| machine.expects(ROUND, MixerIndex(mixer), digest.as_bytes()).is_ok();
    assert_eq!((0..4).filter(|&mixer| expected(mixer)).count(), 1, "one mixer is the last");
    assert!(!expected(1), "not in the directory");
    let exit = MixerIndex(if expected(0) { 0 } else { 2 });
    let other = machine.expects(ROUND, exit, &[0; 32]);
    assert_eq!(other, Err(UploadRefusal::NotHere), "another directory");
    let unknown = machine.expects(Round(11), exit, digest.as_bytes());
    assert_eq!(unknown, Err(UploadRefusal::NotUnderWay));
    assert_eq!(machine.delivered(ROUND, MixerIndex(1), [0; 32]), Err(UploadRefusal::NotHere));
}

#[test]
fn the_first_delivery_of_a_mixer_counts() {
    let mut bench = Bench::new();
    bench.deliver(0).unwrap();
    bench.deliver(0).unwrap();
    let other = bench.machine.delivered(ROUND, MixerIndex(0), [9; 32]);
    assert_eq!(other, Err(UploadRefusal::Another));
}

#[test]
fn a_mixer_of_the_directory_gives_a_round_up_for_good() {
    let mut bench = Bench::new();
    bench.deliver(0).unwrap();
    assert!(!bench.machine.void(MixerIndex(3), ROUND), "there is no such mixer");
    assert!(bench.machine.void(MixerIndex(1), ROUND));
    assert!(!bench.machine.void(MixerIndex(1), ROUND), "it is void already");
    assert_eq!(bench.download(), Err(DownloadRefusal::Gone));
    assert_eq!(bench.expects(2), Err(UploadRefusal::NotUnderWay));
    assert!(!bench.machine.agree(ROUND, &bench.directory));
    assert_eq!(bench.machine.chore(), Some(Chore::Void(ROUND)));
    // It is over before that is written down.
    bench.machine.advance(bench.schedule().closes.plus(2_001));
    bench.machine.done(Chore::Void(ROUND));
    assert_eq!(bench.machine.chore(), Some(Chore::Forget(ROUND)));
    bench.machine.done(Chore::Forget(ROUND));
    assert_eq!(bench.machine.chore(), None);
}

#[test]
fn a_mixer_outside_the_directory_is_not_believed() {
    let mut bench = Bench::before_the_directory();
    bench.directory = bench.paper.directory(ROUND, &[0, 2]);
    assert!(!bench.machine.void(MixerIndex(1), ROUND), "before the directory");
    assert!(bench.machine.agree(ROUND, &bench.directory));
    assert!(!bench.machine.void(MixerIndex(1), ROUND), "after it");
    assert_eq!(bench.download(), Err(DownloadRefusal::NotYet));
}

#[test]
fn a_round_that_was_given_up_before_its_directory_came_is_void() {
    let mut bench = Bench::before_the_directory();
    assert!(!bench.machine.void(MixerIndex(1), ROUND));
    assert_eq!(bench.download(), Err(DownloadRefusal::NotYet));
    assert!(!bench.machine.knows(ROUND));
    assert!(!bench.machine.agree(ROUND, &bench.directory));
    assert_eq!(bench.download(), Err(DownloadRefusal::Gone));
    assert!(bench.machine.knows(ROUND), "there is no need to ask for it");
}

#[test]
fn what_has_been_delivered_by_all_can_not_be_given_up() {
    let mut bench = Bench::new();
    (0..3).for_each(|mixer| bench.deliver(mixer).unwrap());
    assert!(!bench.machine.void(MixerIndex(1), ROUND));
    assert_eq!(bench.download(), Ok(()));
}

#[test]
fn a_round_that_is_incomplete_at_the_deadline_is_void() {
    let mut bench = Bench::new();
    bench.deliver(0).unwrap();
    let deadline = bench.schedule().deliver_until.plus(MAX_SKEW_MS);
    bench.machine.advance(UnixMs(deadline.0 - 1));
    assert_eq!(bench.download(), Err(DownloadRefusal::NotYet));
    bench.machine.advance(deadline);
    assert_eq!(bench.download(), Err(DownloadRefusal::Gone));
    assert_eq!(bench.deliver(1), Err(UploadRefusal::NotUnderWay));
    assert_eq!(bench.machine.chore(), Some(Chore::Void(ROUND)));
}

#[test]
fn a_complete_round_is_kept_until_it_has_been_closed_for_two_rounds() {
    let mut bench = Bench::new();
    (0..3).for_each(|mixer| bench.deliver(mixer).unwrap());
    let last = bench.schedule().closes.plus(2_000);
    bench.machine.advance(last);
    assert_eq!((bench.download(), bench.machine.chore()), (Ok(()), None));
    bench.machine.advance(last.plus(1));
    assert_eq!(bench.download(), Err(DownloadRefusal::Gone));
    assert_eq!(bench.machine.chore(), Some(Chore::Forget(ROUND)));
    assert!(!bench.machine.agree(ROUND, &bench.directory));
}

#[test]
fn a_round_that_nothing_is_known_of_is_not_yet_there_until_its_time_is_over() {
    let mut bench = Bench::before_the_directory();
    assert_eq!(bench.download(), Err(DownloadRefusal::NotYet));
    bench.machine.advance(bench.schedule().closes);
    assert_eq!(bench.download(), Err(DownloadRefusal::Gone));
    assert_eq!(bench.machine.chore(), None);
}

#[test]
fn after_a_restart_what_is_in_the_store_counts() {
    let mut bench = Bench::before_the_directory();
    let stored = [0, 1].map(|mixer| (MixerIndex(mixer), [mixer as u8; 32]));
    bench.machine.restore(ROUND, &bench.directory, stored);
    assert_eq!(bench.expects(1).unwrap().before, Some([1; 32]));
    assert!(!bench.machine.agree(ROUND, &bench.directory), "known already");
    bench.deliver(2).unwrap();
    assert_eq!(bench.download(), Ok(()));
}

#[test]
fn a_round_that_was_void_before_a_restart_stays_void() {
    let mut bench = Bench::before_the_directory();
    bench.machine.restore_void(ROUND);
    assert!(!bench.machine.agree(ROUND, &bench.directory));
    assert_eq!((bench.download(), bench.machine.chore()), (Err(DownloadRefusal::Gone), None));
    bench.machine.advance(bench.schedule().closes.plus(60_000));
    assert_eq!(bench.machine.chore(), Some(Chore::Forget(ROUND)));
}

#[test]
fn after_a_restart_what_can_not_become_complete_is_forgotten() {
    let mut late = Bench::before_the_directory();
    late.machine.advance(late.schedule().closes);
    late.machine.restore(ROUND, &late.directory, [(MixerIndex(0), [0; 32])]);
    assert_eq!(late.machine.chore(), Some(Chore::Void(ROUND)));

    let mut over = Bench::before_the_directory();
    over.machine.advance(over.schedule().closes.plus(60_000));
    over.machine.restore(ROUND, &over.directory, [(MixerIndex(0), [0; 32])]);
    assert_eq!(over.machine.chore(), Some(Chore::Forget(ROUND)));
}

#[test]
fn rounds_that_are_not_open_and_bytes_that_are_no_directory_are_not_taken() {
    let mut bench = Bench::before_the_directory();
    let later = bench.paper.directory(Round(50), &[0, 1, 2]);
    assert!(!bench.machine.agree(Round(50), &later));
    assert!(!bench.machine.agree(Round(11), &bench.directory), "of another round");
    assert!(!bench.machine.agree(ROUND, &[1, 2, 3]));
    assert!(!bench.machine.void(MixerIndex(0), Round(50)));
}
