//! What a mixer remembers of the others' failures, to do without those that stop rounds.
//!
//! Everybody has a memory of its own and believes nobody else's word. When a round is given up because of a batch
//! that did not come, then either its sender or whoever says so is at fault: both are suspected, and the one that is
//! to blame is so again in the next round, with somebody else.

use std::collections::{BTreeMap, BTreeSet};

use zephyr_core::{MixerIndex, Role, Round, ServerId};

use crate::SharedManifest;

/// Suspected so often is as good as seen to fail.
const SUSPICIONS: u32 = 2;
/// So many good rounds in a row make up for a failure: a mixer that fails in some places of a route only has good rounds
/// in between.
const GOOD_ROUNDS: u32 = 4;
/// Nobody is left out for longer than so many rounds.
const MAX_ROUNDS: u64 = 64;

/// What is remembered of one mixer.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    failures: u32,
    suspicions: u32,
    /// How many rounds have gone well since.
    good: u32,
    /// The last round in which it is left out.
    out_until: Option<Round>,
}

/// What is remembered of all mixers.
#[derive(Clone, Debug, Default)]
pub struct Reputation {
    mixers: BTreeMap<ServerId, Memory>,
}

impl Reputation {
    /// The mixer was seen to fail, while `newest` was the last round that had opened. It is left out in the next
    /// round, then in 2, 4, 8 rounds.
    pub fn failed(&mut self, mixer: &ServerId, newest: Round) {
        let memory = self.mixers.entry(*mixer).or_default();
        let rounds = 1u64.checked_shl(memory.failures).unwrap_or(MAX_ROUNDS).min(MAX_ROUNDS);
        let until = Round(newest.0.saturating_add(rounds));
        // Several failures seen at one time are one.
        if memory.out_until.is_none_or(|out| out <= newest) {
            memory.failures += 1;
            memory.out_until = Some(until);
        }
        memory.suspicions = 0;
        memory.good = 0;
    }

    /// The mixer or somebody else has failed.
    pub fn suspected(&mut self, mixer: &ServerId, newest: Round) {
        let memory = self.mixers.entry(*mixer).or_default();
        memory.suspicions += 1;
        memory.good = 0;
        if memory.suspicions >= SUSPICIONS {
            self.failed(mixer, newest);
        }
    }

    /// A round in which this mixer had work to do has gone well. After so many of them in a row as show that this is
    /// no chance, it is a little better thought of.
    pub fn served(&mut self, mixer: &ServerId) {
        let Some(memory) = self.mixers.get_mut(mixer) else { return };
        memory.good += 1;
        if memory.good >= GOOD_ROUNDS {
            memory.good = 0;
            memory.suspicions = 0;
            memory.failures = memory.failures.saturating_sub(1);
            if memory.failures == 0 {
                self.mixers.remove(mixer);
            }
        }
    }

    /// Which mixers are better done without in `round`, out of those that have announced: only so many that enough
    /// others are left.
    pub fn left_out(
        &self,
        manifest: &SharedManifest,
        round: Round,
        me: MixerIndex,
        announced: &BTreeSet<MixerIndex>,
    ) -> BTreeSet<MixerIndex> {
        let manifest = manifest.at(round);
        let min = usize::from(manifest.parameters().min_mixers);
        let mut out = BTreeMap::new();
        for (index, server) in manifest.servers(Role::Mixer).enumerate() {
            let memory = self.mixers.get(&server.id).copied().unwrap_or_default();
            let mixer = MixerIndex(index as u16);
            if mixer != me && memory.out_until.is_some_and(|until| round <= until) {
                out.insert(mixer, memory.failures);
            }
        }
        let mut left = announced.iter().filter(|mixer| !out.contains_key(mixer)).count();
        while left < min {
            // Whoever has failed the least often comes back first.
            let here = out.iter().filter(|(mixer, _)| announced.contains(mixer));
            let Some((&back, _)) = here.min_by_key(|(mixer, failures)| (**failures, **mixer))
            else {
                break;
            };
            out.remove(&back);
            left += 1;
        }
        out.into_keys().collect()
    }
}
