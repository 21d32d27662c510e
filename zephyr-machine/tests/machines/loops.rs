//! Loop packets: an honest network loses none, and a mixer that drops, replaces or doubles packets is named.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;
use sha2::{Digest, Sha256};
use zephyr_core::wire::{Bytes, DownloadRefusal, decode};
use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::ledger::{Ledger, LoopCount};
use zephyr_machine::loops::{LoopAction, LoopChecks, LoopPacket, Way, most_loops};
use zephyr_machine::mix::{BadPackets, Messages, Mixed};
use zephyr_machine::peer::{DeliveredReply, PeerRequest, encode};

use super::world::*;

/// Eight messages of noise from each mixer to each mailbox, so that four of them are watched.
fn noisy(mode: RouteMode, mixers: usize, mailboxes: u32) -> World {
    let quiet = parameters(mode, mixers, mixers);
    World::new(Parameters { mailboxes, replicas: 2, noise_mu: 8000, ..quiet }, mixers, 1)
}

/// How a mailbox server answers.
#[derive(Clone, Copy, PartialEq)]
enum Server {
    Honest,
    /// Tells a few hashes at a time.
    Slow,
    /// Hides the last message of each list.
    Hides,
    Refuses,
    Silent,
}

fn answer(world: &World, round: &Running, how: Server, request: &[u8]) -> Option<Vec<u8>> {
    let Ok(PeerRequest::Delivered { mailbox, mixer, from, .. }) = decode(request) else {
        panic!("a question that mailbox servers understand")
    };
    let messages: Vec<_> =
        round.delivered[&mixer].get(&mailbox).into_iter().flat_map(Messages::iter).collect();
    let mut list = DeliveryList::new();
    messages.iter().for_each(|m| list.push(m));
    let signature = list.sign::<S>(world.mixer_seed(mixer.0.into()), &round.hash, mixer, mailbox);
    let (shown, page) = match how {
        Server::Honest => (messages.len(), 1000),
        Server::Slow => (messages.len(), 3),
        Server::Hides => (messages.len().saturating_sub(1), 1000),
        Server::Refuses => return Some(encode(&DeliveredReply::Refused(DownloadRefusal::Gone))),
        Server::Silent => return None,
    };
    let hashes: Vec<u8> =
        messages[..shown].iter().skip(from as usize).take(page).flat_map(Sha256::digest).collect();
    let (messages, signature) = (shown as u32, Bytes(signature));
    Some(encode(&DeliveredReply::Page { messages, signature, hashes: &hashes }))
}

fn remember(
    checks: &mut LoopChecks,
    world: &World,
    round: &Running,
    mixer: MixerIndex,
    packets: &[LoopPacket],
) {
    let number = Directory::parse(&round.directory).unwrap().round();
    let exits = round.routes.exits();
    let mailbox = round.machines[usize::from(mixer.0)].watched();
    checks.remember(&world.manifest(), number, (&round.hash, &exits), mailbox, packets);
}

/// Remembers and looks for the loop packets of `mixer` in a round that is over.
fn check(
    world: &World,
    round: &Running,
    mixer: MixerIndex,
    servers: [Server; 2],
) -> Vec<LoopAction> {
    let (manifest, mut checks) = (world.manifest(), LoopChecks::new());
    for part in round.loops[&mixer].chunks(2) {
        remember(&mut checks, world, round, mixer, part);
    }
    let mut found = Vec::new();
    while let Some(now) = checks.wake_up() {
        while let Some(action) = checks.poll(now) {
            match action {
                LoopAction::Ask { id, to, request } => {
                    assert!(now > round.schedule.deliver_until && now < round.schedule.closes);
                    let (_, index) = manifest.find(&to).unwrap();
                    let answer = answer(world, round, servers[index], &request);
                    checks.answered::<S>(id, answer.as_deref(), now);
                    checks.answered::<S>(id, answer.as_deref(), now); // comes twice
                }
                other => found.push(other),
            }
        }
    }
    found
}

fn ways(found: &[LoopAction]) -> &[Way] {
    match found {
        [LoopAction::Checked { ways, .. }] => ways,
        other => panic!("{other:?}"),
    }
}

fn sum(ways: &[Way]) -> (u32, u32, u32) {
    ways.iter()
        .fold((0, 0, 0), |sum, way| (sum.0 + way.sent, sum.1 + way.lost, sum.2 + way.doubled))
}

#[test]
fn an_honest_network_loses_nothing() {
    use Server::*;
    for (mode, mixers) in [(RouteMode::Round, 3), (RouteMode::Rotations, 4), (RouteMode::Free, 3)] {
        let world = noisy(mode, mixers, 3);
        let mut round = Running::new(&world);
        round.submit_many(9);
        round.finish();
        for i in 0..mixers {
            let mixer = MixerIndex(i as u16);
            // Behind the last mixer of a route there is nobody to watch.
            let phases = (0..mixers - 1).filter(|&k| round.routes.works(k, mixer)).count() as u32;
            for servers in [[Honest, Honest], [Slow, Slow], [Refuses, Honest], [Slow, Silent]] {
                let found = check(&world, &round, mixer, servers);
                match phases {
                    0 => assert_eq!(found, []),
                    _ => assert_eq!(sum(ways(&found)), (4 * phases, 0, 0), "{mode:?} {mixer}"),
                }
            }
        }
    }
}

#[test]
fn a_mailbox_server_that_hides_messages_is_told_apart_from_mixers_that_drop_them() {
    let world = noisy(RouteMode::Round, 2, 1);
    let mut round = Running::new(&world);
    round.finish();
    let manifest = world.manifest();
    let first = round.routes.entries()[0];
    for (servers, liar) in
        [([Server::Hides, Server::Honest], 0), ([Server::Honest, Server::Hides], 1)]
    {
        let found = check(&world, &round, first, servers);
        let server = manifest.server(Role::Mailbox, liar).unwrap().id;
        let altered = LoopAction::Altered { round: ROUND, server };
        // Which one is asked first depends on the round.
        let found = if found[0] == altered { &found[1..] } else { &found[..] };
        assert_eq!(sum(ways(found)), (4, 0, 0));
    }
    let found = check(&world, &round, first, [Server::Hides; 2]);
    assert!(found.len() > 2 && found.last() == Some(&LoopAction::Unchecked { round: ROUND }));
    let altered = |action: &LoopAction| matches!(action, LoopAction::Altered { .. });
    assert!(found[..found.len() - 1].iter().all(altered), "nobody else is blamed");
}

#[test]
fn a_round_that_is_void_or_whose_mailbox_cannot_be_had_counts_nothing() {
    let world = noisy(RouteMode::Round, 2, 1);
    let mut round = Running::new(&world);
    round.finish();
    let first = round.routes.entries()[0];
    for servers in [[Server::Refuses; 2], [Server::Silent; 2]] {
        assert_eq!(check(&world, &round, first, servers), [LoopAction::Unchecked { round: ROUND }]);
    }
    let mut checks = LoopChecks::new();
    remember(&mut checks, &world, &round, first, &round.loops[&first]);
    checks.forget(ROUND);
    assert_eq!((checks.wake_up(), checks.poll(round.schedule.closes)), (None, None));
}

#[test]
fn the_mailbox_is_asked_for_even_if_there_was_no_noise() {
    let world = noisy(RouteMode::Round, 2, 1);
    let mut round = Running::new(&world);
    round.finish();
    let mut checks = LoopChecks::new();
    let first = round.routes.entries()[0];
    remember(&mut checks, &world, &round, first, &[]);
    let now = checks.wake_up().unwrap();
    assert!(matches!(checks.poll(now), Some(LoopAction::Ask { .. })));
}

#[test]
fn a_question_without_an_answer_is_put_to_another_server() {
    let world = noisy(RouteMode::Round, 2, 1);
    let mut round = Running::new(&world);
    round.finish();
    let mut checks = LoopChecks::new();
    let first = round.routes.entries()[0];
    remember(&mut checks, &world, &round, first, &round.loops[&first]);
    let mut asked = Vec::new();
    while let Some(now) = checks.wake_up() {
        match checks.poll(now) {
            Some(LoopAction::Ask { to, .. }) => asked.push(to),
            None => {} // after all servers comes a pause
            other => assert_eq!(other, Some(LoopAction::Unchecked { round: ROUND })),
        }
    }
    assert!(asked.len() > 2 && asked.len() < 16);
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), 2);
}

/// Puts others in the place of all packets and messages.
fn tamper(mixed: &mut Mixed, mut with: impl FnMut(Batch) -> Batch) {
    mixed.packets.values_mut().for_each(|packets| *packets = with(packets.to_batch()).into());
    mixed.messages.values_mut().for_each(|messages| *messages = with(messages.to_batch()).into());
}

/// Loses about three packets of ten.
fn drop_some(mixed: &mut Mixed, rng: &mut ChaCha20Rng) {
    tamper(mixed, |batch| {
        let mut kept = Batch::new(batch.item_len());
        batch.iter().filter(|_| rng.next_u32() % 10 >= 3).for_each(|item| kept.push(item));
        kept
    });
}

fn replace_all(mixed: &mut Mixed, rng: &mut ChaCha20Rng) {
    tamper(mixed, |batch| {
        let mut new = Batch::new(batch.item_len());
        batch.iter().for_each(|item| new.push(&random(item.len(), rng)));
        new
    });
}

fn double_all(mixed: &mut Mixed, _: &mut ChaCha20Rng) {
    tamper(mixed, |batch| {
        let mut twice = batch.clone();
        batch.iter().for_each(|item| twice.push(item));
        twice
    });
}

/// What every mixer has found out in so many rounds in which `corrupt` works against them.
fn ledgers(
    world: &World,
    rounds: u64,
    corrupt: Option<(MixerIndex, Corruption)>,
) -> BTreeMap<MixerIndex, Ledger> {
    let all = (0..world.mixers() as u16).map(MixerIndex);
    let mut ledgers: BTreeMap<_, _> =
        all.map(|mixer| (mixer, Ledger::new(world.mixer_id(mixer)))).collect();
    for number in 1..=rounds {
        let mut round = Running::of(world, Round(number));
        round.corrupt = corrupt;
        round.finish();
        assert!(round.voided.is_empty());
        for (mixer, ledger) in &mut ledgers {
            let found = check(world, &round, *mixer, [Server::Honest; 2]);
            let Some(LoopAction::Checked { round, ways }) = found.first() else { continue };
            ledger.checked(*round, ways);
        }
    }
    ledgers
}

#[test]
fn a_mixer_that_drops_packets_is_named_by_all_others_and_nobody_else_is() {
    let world = noisy(RouteMode::Round, 4, 1);
    let culprit = MixerIndex(2);
    // Each round shows the culprit to a mixer before it with probability 1 - 0.7⁴ = 0.76, and clears one of the two
    // honest others if that one stood before both: see docs/threat-model.md.
    let ledgers = ledgers(&world, 40, Some((culprit, drop_some)));
    let culprit_id = world.mixer_id(culprit);
    for (mixer, ledger) in ledgers {
        if mixer == culprit {
            assert!(ledger.suspects().is_empty(), "behind it nothing gets lost");
            continue;
        }
        assert_eq!(ledger.suspects(), BTreeSet::from([culprit_id]), "{mixer}");
        let rate = |count: &LoopCount| count.lost as f64 / count.sent as f64;
        let (theirs, others): (Vec<_>, Vec<_>) =
            ledger.mixers().iter().partition(|(id, _)| **id == culprit_id);
        assert!((0.2..0.4).contains(&rate(theirs[0].1)), "{ledger:?}");
        assert!(others.iter().all(|(_, count)| rate(count) < rate(theirs[0].1)), "{ledger:?}");
        let lost: u64 = ledger
            .links()
            .iter()
            .filter(|((_, to), _)| *to == culprit_id)
            .map(|(_, c)| c.lost)
            .sum();
        assert_eq!(lost, theirs[0].1.lost, "every loss came over a link to it");
    }
}

#[test]
fn a_mixer_that_replaces_packets_is_seen_in_the_first_round_behind_which_it_stands() {
    let world = noisy(RouteMode::Round, 2, 1);
    let mut round = Running::new(&world);
    let route = round.routes.pick(&mut rng(0));
    round.corrupt = Some((route[1], replace_all));
    round.finish();
    let found = check(&world, &round, route[0], [Server::Honest; 2]);
    let way = Way { route: vec![world.mixer_id(route[1])], sent: 4, lost: 4, doubled: 0 };
    assert_eq!(ways(&found), [way]);
}

#[test]
fn a_last_mixer_that_delivers_twice_is_named_by_its_own_signature() {
    let world = noisy(RouteMode::Round, 3, 1);
    let mut round = Running::new(&world);
    let route = round.routes.pick(&mut rng(0));
    round.corrupt = Some((route[2], double_all));
    round.finish();
    for mixer in &route[..2] {
        let found = check(&world, &round, *mixer, [Server::Honest; 2]);
        assert_eq!(sum(ways(&found)), (4, 0, 4));
        let mut ledger = Ledger::new(world.mixer_id(*mixer));
        ledger.checked(ROUND, ways(&found));
        assert_eq!(*ledger.doubled(), BTreeMap::from([(world.mixer_id(route[2]), 4)]));
        assert!(ledger.suspects().is_empty());
    }
}

#[test]
fn bad_packets_are_counted_by_who_sent_them() {
    let world = World::simple(RouteMode::Round, 3, 3);
    for (corruption, bad) in [
        (replace_all as Corruption, BadPackets { forged: 5, ..BadPackets::default() }),
        (double_all, BadPackets { replayed: 5, ..BadPackets::default() }),
    ] {
        let mut round = Running::new(&world);
        let route = round.routes.pick(&mut rng(0));
        round.corrupt = Some((route[0], corruption));
        round.submit_many(5);
        round.finish();
        assert_eq!(round.bad, BTreeMap::from([((route[1], Some(route[0])), bad)]));
    }
    let mut round = Running::new(&world);
    let route = round.routes.pick(&mut rng(0));
    let hops = round.hops_of(&route);
    let back = [hops[0], Hop { mixer: route[0], ..hops[1] }, hops[2]];
    let packet = round.wrap(&back, Mailbox(0), &vec![0; round.geometry.sealed_len()]);
    let now = round.schedule.submit_from;
    round.machine(route[0]).submit(&packet, now).unwrap();
    round.finish();
    let bad = BadPackets { misrouted: 1, ..BadPackets::default() };
    assert_eq!(round.bad, BTreeMap::from([((route[0], None), bad)]), "a client's");
}

#[test]
fn each_of_several_predecessors_is_counted_by_itself() {
    let world = World::simple(RouteMode::Free, 3, 3);
    let mut round = Running::new(&world);
    round.submit_many(12);
    round.corrupt = Some((MixerIndex(1), replace_all));
    round.finish();
    assert!(round.bad.len() >= 2);
    let from_others = round.bad.keys().filter(|(_, from)| *from != Some(MixerIndex(1)));
    assert_eq!(from_others.count(), 0, "{:?}", round.bad);
}

#[test]
fn what_is_remembered_says_nothing_of_how_much_noise_there_was_and_is_bounded() {
    let quiet = parameters(RouteMode::Round, 3, 3);
    let most = |mu, min_batch, mailboxes| {
        most_loops(&Parameters { noise_mu: mu, min_batch, mailboxes, ..quiet })
    };
    assert_eq!(most(20_000, 0, 1), 10, "half of the mean");
    assert_eq!(most(0, 100, 10), 5, "or of the cover");
    assert_eq!(most(0, 0, 1), 1);
    assert_eq!(most(u32::MAX, 0, 1), 1024);
    let loud = World::new(Parameters { noise_mu: 3000, mailboxes: 1, ..quiet }, 3, 1);
    let mut round = Running::new(&loud);
    round.finish();
    assert!(round.loops.values().all(|packets| packets.len() <= 2));
}

fn some_page() -> impl Strategy<Value = Vec<u8>> {
    let hashes = prop::collection::vec(any::<u8>(), 0..200);
    (any::<u32>(), hashes, any::<bool>()).prop_map(|(messages, hashes, short)| {
        let messages = if short { messages % 5 } else { messages };
        encode(&DeliveredReply::Page { messages, signature: Bytes([1; 128]), hashes: &hashes })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_of_a_mailbox_server_makes_a_loss(
        answers in prop::collection::vec(prop_oneof![prop::collection::vec(any::<u8>(), 0..50), some_page()], 1..20)
    ) {
        let world = noisy(RouteMode::Round, 2, 1);
        let (hash, exits) = (DirectoryHash::from_bytes([4; 32]), [MixerIndex(1)]);
        let route = Route::from_slice(&[MixerIndex(1)]).unwrap();
        let packet = LoopPacket { message: [3; 32], route };
        let mut checks = LoopChecks::new();
        checks.remember(&world.manifest(), ROUND, (&hash, &exits), Mailbox(0), &[packet]);
        let mut answers = answers.iter().cycle();
        let schedule = world.manifest().parameters().schedule(ROUND);
        // However long a list pretends to be: an answer takes its time, and the round closes.
        let (mut now, takes) = (schedule.deliver_until, schedule.closes.since(schedule.deliver_until) / 50);
        for _ in 0..200 {
            let Some(next) = checks.wake_up() else { break };
            now = now.max(next);
            match checks.poll(now) {
                Some(LoopAction::Ask { id, .. }) => {
                    now = now.plus(takes);
                    checks.answered::<S>(id, answers.next().map(Vec::as_slice), now);
                }
                Some(LoopAction::Checked { .. }) => prop_assert!(false),
                _ => {}
            }
        }
        prop_assert_eq!(checks.wake_up(), None, "it gives up in the end");
    }
}
