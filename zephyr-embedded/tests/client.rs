//! The client on virtual time, with sockets in memory and real links to the testkit's servers.

#![allow(missing_docs)]

#[path = "client/board.rs"]
mod board;
#[path = "client/clock.rs"]
mod clock;
#[path = "client/socket.rs"]
mod socket;
#[path = "client/tasks.rs"]
mod tasks;
#[path = "client/world.rs"]
mod world;

use std::cell::RefCell;
use std::rc::Rc;

use board::{Board, DiskError};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tasks::Tasks;
use world::{Shared, Trouble, World};
use zephyr_core::registration::Answer;
use zephyr_core::session;
use zephyr_core::wire::{Code, PkgRefusal};
use zephyr_core::{LinkError, Standard, Suite};
use zephyr_embedded::{Error, Event, Failure, Registration, RegistrationError};
use zephyr_testkit::{Faults, Keyed, Plan};

const ROUND: u64 = 2_000;
const SEEDS: u64 = 100;

fn world<S: Suite>(seed: u64) -> (Shared<S>, Tasks) {
    let world = World::new(Plan::small(seed), Faults::default());
    (Rc::new(RefCell::new(world)), Tasks::default())
}

fn opened(event: &session::Event) -> Option<zephyr_core::Round> {
    match event {
        session::Event::Opened { round, .. } => Some(*round),
        _ => None,
    }
}

fn scanned(event: &session::Event) -> Option<zephyr_core::Round> {
    match event {
        session::Event::Scanned { round, .. } => Some(*round),
        _ => None,
    }
}

fn sent(event: &session::Event) -> Option<zephyr_core::Round> {
    match event {
        session::Event::SlotSent { round, .. } => Some(*round),
        _ => None,
    }
}

fn takes_part<S: Suite>() {
    let (world, mut tasks) = world::<S>(1);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    ada.boot(&mut tasks);
    ada.register(&mut tasks);
    tasks.run(6 * ROUND);
    let rounds = ada.rounds(opened);
    assert!(rounds.len() >= 5, "{rounds:?}");
    assert!(rounds.is_sorted_by_key(|round| round.0));
    // All slots carry cover, and every mailbox is searched but those that are not there yet.
    assert!(ada.rounds(sent).len() >= 4 * (rounds.len() - 1));
    assert!(ada.rounds(scanned).len() + 2 >= rounds.len());
    assert!(ada.log.ended.get().is_none());
}

#[test]
fn a_client_takes_part_in_every_round() {
    takes_part::<Keyed>();
}

#[test]
fn a_client_takes_part_with_the_real_cryptography() {
    takes_part::<Standard>();
}

#[test]
fn an_address_is_registered_by_mailed_codes() {
    let (world, mut tasks) = world::<Keyed>(2);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    let client = ada.boot(&mut tasks);
    let pkgs = tasks.block_on(async move { client.pkgs().await });
    assert_eq!(pkgs, 2);
    for index in 0..pkgs {
        let pkg = tasks.block_on(async move { client.pkg(index).await }).expect("there are two");
        assert_eq!((pkg.index, pkg.name.as_str()), (index, ["pkg-0", "pkg-1"][index]));
        let answer = tasks.block_on(async move { client.request_code(index).await });
        assert!(matches!(answer, Ok(Answer::CodeSent { .. })), "{answer:?}");
        let wrong = Code::parse("0000-0000").expect("a code");
        let answer = tasks.block_on(async move { client.confirm(index, wrong).await });
        assert_eq!(
            answer,
            Err(RegistrationError::Refused(PkgRefusal::WrongCode { tries_left: 2 }))
        );
        let state = tasks.block_on(async move { client.registration(index).await });
        assert_eq!(state, Ok(Registration::CodeSent));

        let (key, code) = world.borrow().mails[&(index, "ada@example.org".into())].clone();
        let network = *zephyr_core::Manifest::parse(world.borrow().manifest()).unwrap().network();
        assert_eq!(key.fingerprint(&network), pkg.fingerprint, "the mail names the same key");
        let answer = tasks.block_on(async move { client.confirm(index, code).await });
        assert_eq!(answer, Ok(Answer::Registered));
    }
    let answer = tasks.block_on(async move { client.request_code(7).await });
    assert_eq!(answer, Err(RegistrationError::NoSuchPkg));

    let client = ada.boot(&mut tasks);
    for index in 0..pkgs {
        let state = tasks.block_on(async move { client.registration(index).await });
        assert_eq!(state, Ok(Registration::Registered), "it survives a reset");
    }
    tasks.run(3 * ROUND);
    let keyed = |event: &session::Event| matches!(event, session::Event::Keyed { .. });
    assert!(!ada.rounds(|e| keyed(e).then_some(zephyr_core::Round(0))).is_empty());
}

#[test]
fn who_is_not_registered_sends_cover_all_the_same() {
    let (world, mut tasks) = world::<Keyed>(3);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    ada.boot(&mut tasks);
    tasks.run(5 * ROUND);
    let refused = |event: &session::Event| match event {
        session::Event::PkgRefused { round, why: PkgRefusal::NotRegistered, .. } => Some(*round),
        _ => None,
    };
    assert!(!ada.rounds(refused).is_empty());
    assert!(ada.rounds(sent).len() >= 4 * (ada.rounds(opened).len() - 1));
}

#[test]
fn a_pulled_cable_blocks_nothing_and_costs_only_its_rounds() {
    let (world, mut tasks) = world::<Keyed>(4);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    let client = ada.boot(&mut tasks);
    ada.register(&mut tasks);
    tasks.run(3 * ROUND + 300);
    world.borrow_mut().pulled.push(0);
    let (before, polls) = (ada.rounds(opened).len(), tasks.polls);
    tasks.run(2 * ROUND);
    assert!(ada.rounds(opened).len() <= before + 1);
    assert!(tasks.polls - polls < 6_000, "{} polls in two rounds", tasks.polls - polls);
    // Questions to a PKG end too.
    let answer = tasks.block_on(async move { client.request_code(0).await });
    assert_eq!(answer, Err(RegistrationError::Unreachable(Failure::TookTooLong)));
    world.borrow_mut().pulled.clear();
    let before = ada.rounds(opened).len();
    tasks.run(4 * ROUND);
    assert!(ada.rounds(opened).len() >= before + 3);
}

#[test]
fn there_are_never_more_sockets_than_connections() {
    let (world, mut tasks) = world::<Keyed>(5);
    world.borrow_mut().trouble = Trouble::some();
    let mut ada = Board::new(&world, 0, "ada@example.org");
    ada.boot(&mut tasks);
    ada.register(&mut tasks);
    let sockets = world.clone();
    let too_many = tasks.run_until(10 * ROUND, move || {
        sockets.borrow().sockets.get(&0).is_some_and(|open| *open > board::CONNECTIONS)
    });
    assert!(!too_many);
    assert!(ada.rounds(opened).len() >= 5);
}

#[test]
fn a_storage_that_fails_ends_the_client() {
    for writes in 0..6 {
        let (world, mut tasks) = world::<Keyed>(6);
        let mut ada = Board::new(&world, 0, "ada@example.org");
        ada.boot(&mut tasks);
        ada.register(&mut tasks);
        ada.disk.fail_after(writes);
        let log = ada.log.clone();
        let end = 10 * ROUND;
        assert!(tasks.run_until(end, move || log.ended.get().is_some()), "{writes} writes");
        assert_eq!(ada.log.ended.get(), Some(Error::Storage(DiskError)));
        // Slots of a round whose beginning isn't written down stay empty.
        assert!(ada.rounds(sent).len() <= 4 * ada.rounds(opened).len());
    }
}

#[test]
fn the_network_changes_over_to_its_next_version_and_a_reset_keeps_it() {
    let (world, mut tasks) = world::<Keyed>(7);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    ada.boot(&mut tasks);
    ada.register(&mut tasks);
    tasks.run(2 * ROUND);
    for version in 1..=3 {
        world.borrow_mut().add_version(10, 4);
        ada.register(&mut tasks);
        // The clock is asked for every eighth round, and behind it the version.
        tasks.run(9 * ROUND);
        let known =
            |event: &Event| matches!(event, Event::NewVersion { version: v, .. } if *v == version);
        assert!(ada.log.events.borrow().iter().any(known), "version {version}");
        if version == 2 {
            ada.boot(&mut tasks);
        }
        let before = ada.rounds(opened).len();
        tasks.run(6 * ROUND);
        assert!(ada.rounds(opened).len() >= before + 4, "version {version}");
    }
    let rounds = ada.rounds(opened);
    assert!(rounds.windows(2).all(|pair| pair[0] < pair[1]), "no round is used twice");
}

#[test]
fn a_version_for_which_there_is_no_room_is_told_and_the_rounds_before_it_go_on() {
    let (world, mut tasks) = world::<Keyed>(8);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    ada.boot(&mut tasks);
    ada.register(&mut tasks);
    world.borrow_mut().add_version(20, 5);
    tasks.run(12 * ROUND);
    let told = |event: &Event| {
        matches!(event, Event::VersionTooLarge { version: 1, what: "SLOTS", needed: 5, .. })
    };
    assert!(ada.log.events.borrow().iter().any(told));
    assert!(ada.rounds(opened).len() >= 10);
    assert!(ada.log.ended.get().is_none());
}

#[test]
fn a_frame_longer_than_the_buffer_is_told() {
    let (world, mut tasks) = world::<Keyed>(9);
    world.borrow_mut().trouble.oversized = 1_000;
    let mut ada = Board::new(&world, 0, "ada@example.org");
    ada.boot(&mut tasks);
    tasks.run(ROUND);
    let told = |event: &Event| {
        let Event::Unreachable { why: Failure::Link(LinkError::Frame(frame)), .. } = event else {
            return false;
        };
        frame.length == 20_016
    };
    assert!(ada.log.events.borrow().iter().any(told));
}

#[test]
fn servers_that_talk_nonsense_cost_no_more_than_a_round() {
    for seed in 0..20 {
        let (world, mut tasks) = world::<Keyed>(100 + seed);
        let mut ada = Board::new(&world, 0, "ada@example.org");
        ada.boot(&mut tasks);
        ada.register(&mut tasks);
        world.borrow_mut().trouble =
            Trouble { garbage: 100, oversized: 100, breaks: 100, ..Trouble::some() };
        tasks.run(6 * ROUND);
        world.borrow_mut().trouble = Trouble::default();
        tasks.run(2 * ROUND);
        let before = ada.rounds(scanned).len();
        tasks.run(5 * ROUND);
        assert!(ada.rounds(scanned).len() >= before + 4, "seed {seed}");
        assert!(ada.log.ended.get().is_none(), "seed {seed}");
    }
}

fn talk<S: Suite>(seed: u64) {
    let (world, mut tasks) = world::<S>(seed);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    let mut bob = Board::new(&world, 1, "bob@example.org");
    for board in [&mut ada, &mut bob] {
        board.boot(&mut tasks);
        board.register(&mut tasks);
    }
    tasks.run(ROUND);
    ada.befriend(&mut tasks, &bob);
    bob.befriend(&mut tasks, &ada);
    let long = vec![b'x'; 1_000];
    let first = ada.write(&mut tasks, &bob, b"hello");
    let second = ada.write(&mut tasks, &bob, &long);
    let third = bob.write(&mut tasks, &ada, b"hello yourself");
    let (a, b) = (ada.log.clone(), bob.log.clone());
    let all = tasks.run_until(15 * ROUND, move || {
        a.delivered(first) && a.delivered(second) && b.delivered(third)
    });
    assert!(all);
    let from = |name: &str, text: &[u8]| (format!("{name}@example.org"), text.to_vec());
    assert_eq!(bob.log.messages(), [from("ada", b"hello"), from("ada", &long)]);
    assert_eq!(ada.log.messages(), [from("bob", b"hello yourself")]);
}

#[test]
fn two_clients_talk() {
    talk::<Keyed>(10);
}

#[test]
fn two_clients_talk_with_the_real_cryptography() {
    talk::<Standard>(11);
}

#[test]
fn strangers_are_heard_unless_only_contacts_are_wanted() {
    for contacts_only in [false, true] {
        let (world, mut tasks) = world::<Keyed>(12);
        let mut ada = Board::new(&world, 0, "ada@example.org");
        let mut bob = Board::new(&world, 1, "bob@example.org");
        bob.contacts_only = contacts_only;
        for board in [&mut ada, &mut bob] {
            board.boot(&mut tasks);
            board.register(&mut tasks);
        }
        tasks.run(ROUND);
        ada.befriend(&mut tasks, &bob);
        ada.write(&mut tasks, &bob, b"you don't know me");
        tasks.run(8 * ROUND);
        let heard = bob.log.messages();
        assert_eq!(heard.len(), usize::from(!contacts_only));
    }
}

/// Everything goes wrong now and then: servers, connections, cables, and both boards lose their power at any moment.
fn weather(seed: u64) {
    let (world, mut tasks) = world::<Keyed>(1_000 + seed);
    let mut ada = Board::new(&world, 0, "ada@example.org");
    let mut bob = Board::new(&world, 1, "bob@example.org");
    for board in [&mut ada, &mut bob] {
        board.boot(&mut tasks);
        board.register(&mut tasks);
    }
    tasks.run(ROUND);
    ada.befriend(&mut tasks, &bob);
    bob.befriend(&mut tasks, &ada);
    world.borrow_mut().trouble = Trouble::some();
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let (mut from_ada, mut from_bob) = (Vec::new(), Vec::new());
    for i in 0..6 {
        let len = 1 + chance.next_u32() as usize % 600;
        let text = |who: u8| [&[who, i][..], &vec![b'.'; len]].concat();
        ada.write(&mut tasks, &bob, &text(b'a'));
        from_ada.push(("ada@example.org".to_string(), text(b'a')));
        bob.write(&mut tasks, &ada, &text(b'b'));
        from_bob.push(("bob@example.org".to_string(), text(b'b')));
        match chance.next_u32() % 3 {
            0 => world.borrow_mut().pulled = vec![chance.next_u32() as usize % 2],
            1 => world.borrow_mut().pulled.clear(),
            _ => {}
        }
        tasks.run(u64::from(chance.next_u32()) % (2 * ROUND));
        // Somewhere between two steps.
        for _ in 0..chance.next_u32() % 40 {
            tasks.step();
        }
        match chance.next_u32() % 4 {
            0 => drop(ada.boot(&mut tasks)),
            1 => drop(bob.boot(&mut tasks)),
            _ => {}
        }
    }
    world.borrow_mut().pulled.clear();
    world.borrow_mut().trouble = Trouble::default();
    let (a, b) = (ada.log.clone(), bob.log.clone());
    let all = tasks.run_until(60 * ROUND, || {
        let parts = |log: &board::Log| log.parts.borrow().len();
        parts(&a) >= from_bob.len()
            && parts(&b) >= from_ada.len()
            && a.messages().len() == from_bob.len()
            && b.messages().len() == from_ada.len()
    });
    assert!(all, "seed {seed}: {} of {:?}", ada.log.messages().len(), bob.log.messages().len());
    tasks.run(3 * ROUND);
    assert_eq!(bob.log.messages(), from_ada, "seed {seed}");
    assert_eq!(ada.log.messages(), from_bob, "seed {seed}");
    for board in [&ada, &bob] {
        assert!(board.log.ended.get().is_none(), "seed {seed}");
        let rounds = board.rounds(opened);
        assert!(rounds.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {rounds:?}");
    }
}

#[test]
fn everything_arrives_once_and_in_order_whatever_happens() {
    (0..SEEDS / 2).for_each(weather);
}

#[test]
fn everything_arrives_once_and_in_order_whatever_else_happens() {
    (SEEDS / 2..SEEDS).for_each(weather);
}
