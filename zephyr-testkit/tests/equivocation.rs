//! A round's directory is asked for twice, of different info-nodes.

#![allow(missing_docs)]

mod common;

use common::alone::{Alone, draft};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::session::*;
use zephyr_core::wire::*;
use zephyr_core::*;
use zephyr_testkit::{Keyed, Plan};

/// A directory that all mixers have signed, with other keys than the one that the info-nodes give out.
fn another_directory(plan: &Plan, round: Round) -> Vec<u8> {
    let (mut rng, mut hedge) = (ChaCha20Rng::seed_from_u64(99), Hedge::new([9; 32], 0));
    let bytes = plan.manifest::<Keyed>();
    let manifest = Manifest::parse(&bytes).unwrap();
    let network = manifest.network();
    let pkgs: Vec<_> = (manifest.servers(Role::Pkg).enumerate())
        .map(|(i, server)| {
            let master = MasterSecret::<<Keyed as Suite>::Pairing>::generate(&mut rng, &mut hedge);
            let key = master.public_key(network, round, &server.id, &mut rng, &mut hedge);
            let seed = plan.server_seed(Role::Pkg, i);
            (PkgIndex(i as u16), PkgAnnouncement::sign::<Keyed>(&seed, network, round, key))
        })
        .collect();
    let mixers: Vec<_> = (0..plan.mixers)
        .map(|i| {
            let key = MixerKey::generate(&mut rng, &mut hedge).public::<Keyed>();
            let seed = plan.server_seed(Role::Mixer, i);
            (MixerIndex(i as u16), MixerAnnouncement::sign::<Keyed>(&seed, network, round, key))
        })
        .collect();
    let mut directory = vec![0; MAX_DIRECTORY];
    let len = encode_directory(&manifest, round, &mixers, &pkgs, &mut directory).unwrap();
    directory.truncate(len);
    let hash = Directory::parse(&directory).unwrap().hash();
    for i in 0..plan.mixers {
        directory.extend(sign_directory::<Keyed>(&plan.server_seed(Role::Mixer, i), &hash));
    }
    directory
}

/// What the second info-node to be asked does.
#[derive(Clone, Copy, PartialEq)]
enum Second {
    HasTheSame,
    HasAnother,
    Lies,
    IsSilent,
    IsAway,
}

/// Five rounds of a client that always has something to say.
struct Seen {
    events: Vec<Event>,
    /// The info-nodes that were asked for directories, round by round.
    asked: Vec<Vec<usize>>,
    /// How many slots were to be filled.
    fills: usize,
}

fn run(second: Second) -> Seen {
    let mut alone = Alone::new(Plan { infos: 3, ..Plan::small(4) }, 1, None);
    assert!(alone.session.add_contact(Address::parse("bob@example.org").unwrap()));
    let (mut asked, mut newest, mut fills) = (Vec::<Vec<usize>>::new(), None, 0);
    while asked.len() < 6 {
        match alone.next() {
            Action::Fill { round, slot, .. } => {
                fills += 1;
                assert!(alone.session.fill(round, slot, Some(draft(b"hello")), &mut alone.rng));
            }
            Action::Connect { exchange, server } if server.role == Role::Info => {
                let request = alone.request(exchange).unwrap();
                let mut frame = alone.answer(server, &request).remove(0);
                if let InfoRequest::Directory(round) = decode(&request).unwrap() {
                    if newest != Some(round) {
                        newest = Some(round);
                        asked.push(vec![server.index]);
                    } else {
                        asked.last_mut().unwrap().push(server.index);
                        let mut other = another_directory(&alone.plan, round);
                        if second == Second::Lies {
                            other[200] ^= 1;
                        }
                        let reply = match second {
                            Second::HasTheSame => None,
                            Second::HasAnother | Second::Lies => Some(InfoReply::Directory(&other)),
                            Second::IsSilent => Some(InfoReply::NoDirectory(NoDirectory::NotYet)),
                            Second::IsAway => {
                                alone.session.handle_failed(exchange, alone.now);
                                continue;
                            }
                        };
                        if let Some(reply) = reply {
                            frame.resize(MAX_FRAME, 0);
                            let len = encode(&reply, &mut frame).unwrap().len();
                            frame.truncate(len);
                        }
                    }
                }
                let now = alone.now;
                let out = &mut alone.out;
                while let Reaction::Again =
                    alone.session.handle_frame(exchange, &mut frame, now, out)
                {}
            }
            Action::Connect { exchange, server } => alone.carry_out(exchange, server),
            other => panic!("{other:?}"),
        }
    }
    // The last has just begun.
    asked.pop();
    Seen { events: alone.events, asked, fills }
}

fn count(seen: &Seen, what: impl Fn(&Event) -> bool) -> usize {
    seen.events.iter().filter(|e| what(e)).count()
}

#[test]
fn every_round_a_second_info_node_is_asked_once() {
    let seen = run(Second::HasTheSame);
    assert!(seen.asked.len() == 5 && seen.fills == 20);
    for asked in &seen.asked {
        assert!(asked.len() == 2 && asked[0] != asked[1], "{asked:?}");
    }
}

#[test]
fn a_round_with_two_valid_directories_is_reported_and_carries_only_cover() {
    let seen = run(Second::HasAnother);
    assert_eq!(count(&seen, |e| matches!(e, Event::Equivocation(_))), seen.asked.len());
    assert_eq!(seen.fills, 0, "nobody is asked for anything to send");
    let sent = count(&seen, |e| matches!(e, Event::SlotSent { .. }));
    assert!(sent == 20, "and yet {sent} packets go out");
    assert!(count(&seen, |e| matches!(e, Event::Scanned { .. })) >= 3, "and mailboxes are read");
}

#[test]
fn a_second_info_node_that_is_silent_away_or_lies_costs_nothing() {
    let good = run(Second::HasTheSame);
    for second in [Second::Lies, Second::IsSilent, Second::IsAway] {
        let seen = run(second);
        assert_eq!((seen.fills, &seen.asked), (good.fills, &good.asked));
        assert_eq!(count(&seen, |e| matches!(e, Event::Equivocation(_))), 0);
        let refused = count(&seen, |e| matches!(e, Event::DirectoryRefused { .. }));
        assert_eq!(refused > 0, second == Second::Lies);
    }
}
