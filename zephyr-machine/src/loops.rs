//! Loop packets: what a mixer sends through the others and must find again.
//!
//! A mixer's noise is like any other packet on its way, and the mixer knows what becomes of it: the very message that
//! the last mixer has to deliver. So it costs nothing to watch. At the beginning of a round the mixer picks a mailbox,
//! which it tells nobody. It remembers the noise that it sends there over other mixers: the messages' hashes and their
//! routes. When the round has been delivered it asks a mailbox server for the hashes of what is in the mailbox, with
//! the lists that the delivering mixers have signed, and looks for its own.
//!
//! - What is missing from a signed list was lost before: one of the mixers of its route has dropped or replaced it.
//!   In a round that was delivered nothing gets lost otherwise, because batches come whole or the round is void.
//! - Lists that are missing, or don't match their signatures, were altered by the mailbox server.
//! - A round that is void, or whose mailbox can't be had, counts for nothing.

mod check;

use std::collections::BTreeMap;

use zephyr_core::{
    DirectoryHash, Mailbox, Manifest, MixerIndex, Parameters, Role, Round, Route, ServerId, Suite,
    UnixMs,
};

use super::peer::{PeerRequest, encode};
use check::{Check, Unread};

/// The most loop packets of one mixer and phase, whatever the noise.
const MAX_LOOPS: usize = 1024;

/// A packet of the mixer's own that must come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopPacket {
    /// The SHA-256 of the message in it.
    pub message: [u8; 32],
    /// The mixers behind the one that sends it, at least one.
    pub route: Route,
}

/// How many loop packets a mixer remembers of one phase: half of what it sends to a mailbox on average. The exact
/// number of its noise there must stay its secret, also to those who read how many loop packets it counts.
pub fn most_loops(parameters: &Parameters) -> usize {
    let cover = u64::from(parameters.min_batch) * 1000 / u64::from(parameters.mailboxes);
    let mean = u64::from(parameters.noise_mu).max(cover);
    (mean.div_ceil(2000) as usize).clamp(1, MAX_LOOPS)
}

/// What became of the loop packets over one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The mixers behind the one that sent them.
    pub route: Vec<ServerId>,
    /// How many were sent.
    pub sent: u32,
    /// How many of them are not in the mailbox.
    pub lost: u32,
    /// How many of them are there more than once, by the last mixer's own signature.
    pub doubled: u32,
}

/// What is to be done, or has been found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoopAction {
    /// Ask a mailbox server, and report with [`LoopChecks::answered`].
    Ask {
        /// To be given back with the answer.
        id: u64,
        /// The mailbox server.
        to: ServerId,
        /// The question.
        request: Vec<u8>,
    },
    /// The loop packets of a round have been looked for.
    Checked {
        /// The round.
        round: Round,
        /// What became of them, by route.
        ways: Vec<Way>,
    },
    /// A mailbox server shows lists that their mixers have not signed, or too few of them.
    Altered {
        /// The round.
        round: Round,
        /// The mailbox server.
        server: ServerId,
    },
    /// The mailbox could not be had from any of its servers until the round closed.
    Unchecked {
        /// The round.
        round: Round,
    },
}

/// The rounds whose loop packets are not yet looked for.
///
/// 1. [`remember`](Self::remember) what every phase of a round has sent, and [`forget`](Self::forget) void rounds.
/// 2. [`poll`](Self::poll) until there is nothing to do, again after every answer and at [`wake_up`](Self::wake_up).
#[derive(Default)]
pub struct LoopChecks {
    rounds: BTreeMap<Round, Check>,
    asked: u64,
}

impl LoopChecks {
    /// Without any round.
    pub fn new() -> Self {
        Self::default()
    }

    /// A phase of a round has sent `packets` to `mailbox`, always the same one in a round. `directory` is the round's,
    /// in which `exits` deliver. Without any packet the mailbox is asked for all the same: not to ask would tell that
    /// there was no noise.
    pub fn remember(
        &mut self,
        manifest: &Manifest<'_>,
        round: Round,
        (directory, exits): (&DirectoryHash, &[MixerIndex]),
        mailbox: Mailbox,
        packets: &[LoopPacket],
    ) {
        let Some(new) = Check::new(manifest, round, directory, exits, mailbox) else { return };
        let check = self.rounds.entry(round).or_insert(new);
        for packet in packets {
            let id = |mixer: &MixerIndex| Some(manifest.server(Role::Mixer, mixer.0.into())?.id);
            let Some(route) = packet.route.iter().map(id).collect::<Option<Vec<_>>>() else {
                continue;
            };
            check.packets.insert(packet.message, route);
        }
    }

    /// The round is void: nothing of it counts.
    pub fn forget(&mut self, round: Round) {
        self.rounds.remove(&round);
    }

    /// What is to be done next.
    pub fn poll(&mut self, now: UnixMs) -> Option<LoopAction> {
        let (&round, check) = self.rounds.iter_mut().find(|(_, check)| check.is_due(now))?;
        if let Some(action) = check.found.take() {
            if matches!(action, LoopAction::Checked { .. }) {
                self.rounds.remove(&round);
            }
            return Some(action);
        }
        if now >= check.closes {
            self.rounds.remove(&round);
            return Some(LoopAction::Unchecked { round });
        }
        if check.asked.take().is_some() {
            check.fail(now); // no answer has come
            return self.poll(now);
        }
        self.asked += 1;
        check.asked = Some(self.asked);
        check.next = now.plus(check.pause);
        let reading = &check.reading;
        let request = PeerRequest::Delivered {
            round,
            mailbox: check.mailbox,
            mixer: check.exits[reading.exit].0,
            from: reading.list.count(),
        };
        let to = check.servers[reading.server];
        Some(LoopAction::Ask { id: self.asked, to, request: encode(&request) })
    }

    /// What the mailbox server answered to the question `id`, if it did.
    pub fn answered<S: Suite>(&mut self, id: u64, answer: Option<&[u8]>, now: UnixMs) {
        let asked = self.rounds.iter_mut().find(|(_, check)| check.asked == Some(id));
        let Some((&round, check)) = asked else { return };
        check.asked = None;
        check.next = now;
        match check.read::<S>(answer) {
            Ok(true) => {
                check.found = Some(LoopAction::Checked { round, ways: check.ways() });
            }
            Ok(false) => {}
            Err(Unread::Refused) => check.fail(now),
            Err(Unread::Altered) => {
                let server = check.servers[check.reading.server];
                check.found = Some(LoopAction::Altered { round, server });
                check.fail(now);
            }
        }
    }

    /// When [`poll`](Self::poll) has something to do by itself; `None` while there is nothing to wait for.
    pub fn wake_up(&self) -> Option<UnixMs> {
        self.rounds.values().map(|check| check.next.min(check.closes)).min()
    }
}
