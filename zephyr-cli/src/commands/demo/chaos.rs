//! `zephyr demo --chaos`: who dies when, and comes back.

use std::collections::VecDeque;

use zephyr_core::{Parameters, Round, Schedule, UnixMs};

use super::Plan;
use super::live::Live;
use crate::exit::Outcome;
use crate::local_network::LocalNetwork;

/// With fewer mixers none may be missing.
pub const FEWEST: usize = 3;
/// How many servers are killed.
pub const FAULTS: usize = 2;

/// The first mixer in the manifest's order is the coordinator.
const COORDINATOR: usize = 0;
/// So long after a round has opened in all servers it is in full swing.
const MOMENT_MS: u64 = 30;
/// Just another mixer.
const MIXER: usize = 2;

/// What it costs that a mixer may be missing.
pub fn price(plan: &Plan) -> String {
    let Plan { mixers, min_mixers: min, .. } = plan;
    format!(
        "Rounds take place with {min} of {mixers} mixers, so one may be dead. The price: two directories for one round, or a \
         round without an honest mixer, take {} corrupted mixers, and all {mixers} if all were needed",
        2 * min - mixers
    )
}

/// Something that happens to a mixer.
enum Act {
    /// Its process is killed.
    Kill(&'static str),
    /// It is started again.
    Start,
}

/// What is still to happen, the next first.
pub struct Chaos {
    acts: VecDeque<(UnixMs, Round, usize, Act)>,
}

impl Chaos {
    /// Nothing, or from the round `first` on: a mixer dies as the last packets come in, which loses the round however
    /// fast the others mix, and is back two rounds later; then the coordinator dies as a round opens, and is back two
    /// rounds after that.
    pub fn new(plan: &Plan, parameters: &Parameters, first: Round) -> Self {
        let mut acts = VecDeque::new();
        let mut act = |n: u64, at: fn(&Schedule) -> UnixMs, mixer, act| {
            let round = Round(first.0 + n);
            acts.push_back((at(&parameters.schedule(round)), round, mixer, act));
        };
        if plan.chaos {
            let late =
                |s: &Schedule| s.submit_from.plus(s.submit_until.since(s.submit_from) / 4 * 3);
            act(0, late, MIXER, Act::Kill("as the last packets come in"));
            act(2, |s| s.submit_from, MIXER, Act::Start);
            let kill = Act::Kill("as the round opens, of which it is the coordinator");
            act(4, |s| s.opens.plus(MOMENT_MS), COORDINATOR, kill);
            act(6, |s| s.submit_from, COORDINATOR, Act::Start);
        }
        Self { acts }
    }

    /// When something is to happen, if anything.
    pub fn next(&self) -> Option<UnixMs> {
        self.acts.front().map(|(at, ..)| *at)
    }

    /// Lets it happen.
    ///
    /// # Errors
    /// If a mixer can't be started again.
    pub async fn play(&mut self, servers: &mut LocalNetwork, live: &mut Live) -> Outcome {
        let Some((_, round, number, act)) = self.acts.pop_front() else { return Ok(()) };
        let mixer = servers.mixer(number);
        match act {
            Act::Kill(when) => {
                mixer.kill().await;
                live.stage(format_args!("round {round}: {} is KILLED {when}", mixer.name));
            }
            Act::Start => {
                mixer.start().await?;
                live.stage(format_args!("round {round}: {} is started again", mixer.name));
                if let Some(node) = mixer.node() {
                    live.watch_mixer(&mixer.name, node);
                }
            }
        }
        Ok(())
    }
}
