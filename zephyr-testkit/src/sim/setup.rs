//! The network of a seed: how large, and with which parameters.

use zephyr_core::session::MAX_CONNECTIONS;
use zephyr_core::{Geometry, Parameters, RouteMode, UnixMs};

use super::dice::{Dice, dice};
use crate::Plan;

/// How fast a network's rounds are: round, opening, submissions, phase, delivery, download, in milliseconds. They
/// leave room for clocks that are off by more than servers tolerate, but for the last.
const PACES: [[u32; 6]; 4] = [
    // A round is over before the next one is submitted.
    [20_000, 6_000, 8_000, 2_000, 3_000, 3_000],
    // Rounds overlap.
    [10_000, 6_000, 6_000, 1_500, 2_500, 4_000],
    [6_000, 5_000, 5_000, 1_500, 2_500, 6_000],
    // Short of time.
    [4_000, 2_000, 2_000, 500, 1_000, 2_000],
];

/// What a simulation is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) plan: Plan,
    /// How many people, who all know each other.
    pub(super) people: usize,
}

impl Setup {
    /// The network of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = dice(seed, "setup");
        let mixers = dice.one_of(&[3, 3, 3, 4, 4, 5]);
        // More than half of them; often one can be done without.
        let least = mixers / 2 + 1;
        let min_mixers = dice.between(least, mixers);
        let mailbox_servers = dice.between(1, 2);
        let [round_ms, open_ms, submit_ms, phase_ms, deliver_ms, download_ms] = dice.one_of(&PACES);
        let hops = dice.between(2, 3) as usize;
        let routes = dice.one_of(&[
            RouteMode::Round,
            RouteMode::Round,
            RouteMode::Rotations,
            RouteMode::Free,
        ]);
        let parameters = Parameters {
            geometry: Geometry::new(hops, 128).expect("sizes in range"),
            routes,
            min_mixers: min_mixers as u8,
            packets_per_round: dice.between(1, 2) as u8,
            mailboxes: dice.between(1, 3) as u32,
            replicas: dice.between(1, mailbox_servers) as u8,
            genesis: UnixMs(1_700_000_000_000),
            round_ms,
            open_ms,
            submit_ms,
            phase_ms,
            deliver_ms,
            download_ms,
            noise_mu: dice.one_of(&[0, 0, 500]),
            noise_b: 100,
            min_batch: 0,
        };
        let (pkgs, infos) = (dice.between(1, 2) as usize, dice.between(1, 2) as usize);
        let (mixers, mailbox_servers) = (mixers as usize, mailbox_servers as usize);
        let plan = Plan {
            seed,
            mixers,
            pkgs,
            infos,
            mailbox_servers,
            parameters,
            noise: 0,
            connections: MAX_CONNECTIONS,
        };
        Self { plan, people: dice.between(2, 3) as usize }
    }

    /// How many mixers can be corrupt without two directories for one round, nor one without an honest mixer:
    /// 2m - N - 1 with at least m of N in a directory.
    pub(super) fn tolerated(&self) -> usize {
        (2 * usize::from(self.plan.parameters.min_mixers)).saturating_sub(self.plan.mixers + 1)
    }
}
