//! What a mixer has found out about the others: by mixer, and by link between two of them.
//!
//! A lost loop packet shows that *one* of the mixers behind this one on its route has dropped it, not which. Routes
//! change from round to round, so one who drops is on all routes with losses, and the others are not for long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zephyr_core::{Round, ServerId};

use super::loops::Way;
use super::mix::BadPackets;

/// For how many rounds a loss is held against the mixers of its route.
const MEMORY: u64 = 1000;

/// How many loop packets have been looked for, and how many of them were not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopCount {
    /// Sent, in rounds that were delivered.
    pub sent: u64,
    /// Lost of them.
    pub lost: u64,
}

impl LoopCount {
    fn add(&mut self, way: &Way) {
        self.sent += u64::from(way.sent);
        self.lost += u64::from(way.lost);
    }
}

/// Everything counted since the mixer has started.
#[derive(Clone, Debug)]
pub struct Ledger {
    own: ServerId,
    mixers: BTreeMap<ServerId, LoopCount>,
    links: BTreeMap<(ServerId, ServerId), LoopCount>,
    doubled: BTreeMap<ServerId, u64>,
    bad: BTreeMap<(Option<ServerId>, usize), BadPackets>,
    /// Routes with losses, each with its round.
    lossy: VecDeque<(Round, BTreeSet<ServerId>)>,
}

impl Ledger {
    /// Of the mixer with this identity.
    pub fn new(own: ServerId) -> Self {
        Self {
            own,
            mixers: BTreeMap::new(),
            links: BTreeMap::new(),
            doubled: BTreeMap::new(),
            bad: BTreeMap::new(),
            lossy: VecDeque::new(),
        }
    }

    /// Counts what became of the loop packets of a round.
    pub fn checked(&mut self, round: Round, ways: &[Way]) {
        for way in ways {
            let mut before = self.own;
            for &mixer in &way.route {
                self.mixers.entry(mixer).or_default().add(way);
                self.links.entry((before, mixer)).or_default().add(way);
                before = mixer;
            }
            if way.doubled > 0 {
                *self.doubled.entry(before).or_default() += u64::from(way.doubled);
            }
            if way.lost > 0 {
                self.lossy.push_back((round, way.route.iter().copied().collect()));
            }
        }
        self.lossy.retain(|(lossy, _)| lossy.0 + MEMORY > round.0);
    }

    /// Counts packets that were dropped in `phase`, by who sent them.
    pub fn dropped(&mut self, from: Option<ServerId>, phase: usize, bad: BadPackets) {
        let count = self.bad.entry((from, phase)).or_default();
        count.forged += bad.forged;
        count.replayed += bad.replayed;
        count.misrouted += bad.misrouted;
    }

    /// The loop packets through each mixer.
    pub fn mixers(&self) -> &BTreeMap<ServerId, LoopCount> {
        &self.mixers
    }

    /// The loop packets over each link, from one mixer to the next.
    pub fn links(&self) -> &BTreeMap<(ServerId, ServerId), LoopCount> {
        &self.links
    }

    /// How many loop packets each last mixer has delivered more than once, by its own signature.
    pub fn doubled(&self) -> &BTreeMap<ServerId, u64> {
        &self.doubled
    }

    /// The packets that were dropped, by who sent them (`None`: clients) and by phase.
    pub fn bad(&self) -> &BTreeMap<(Option<ServerId>, usize), BadPackets> {
        &self.bad
    }

    /// The mixers each of which alone explains all losses of the last 1000 rounds: those that are on all routes with
    /// losses. None without losses, nor if there is no such mixer, because several have dropped packets.
    ///
    /// If only one mixer drops packets, it is among them as soon as there is a loss, and honest ones leave in time.
    pub fn suspects(&self) -> BTreeSet<ServerId> {
        let mut lossy = self.lossy.iter().map(|(_, route)| route);
        let first = lossy.next().cloned().unwrap_or_default();
        lossy.fold(first, |suspects, route| &suspects & route)
    }
}
