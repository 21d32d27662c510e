//! How far a mixer has come, told to everybody: for operators, nobody waits for it.

use std::collections::BTreeMap;

use zephyr_core::{MixerIndex, Round, Suite, UnixMs};

use super::MixerServer;
use crate::record::{ReadyRecord, Record, RecordKind};

/// A signature and a record to all servers are nothing beside a phase of many packets, and more than one of few.
const PAUSE_MS: u64 = 1_000;

/// The last phases that a mixer has finished and not yet told of.
#[derive(Default)]
pub(super) struct Progress {
    finished: BTreeMap<Round, (MixerIndex, usize)>,
    /// Nothing is told before.
    from: Option<UnixMs>,
}

impl Progress {
    pub(super) fn finished(&mut self, round: Round, me: MixerIndex, phase: usize) {
        self.finished.insert(round, (me, phase));
    }

    /// When something will be told.
    pub(super) fn wake_up(&self) -> Option<UnixMs> {
        self.from.filter(|_| !self.finished.is_empty())
    }

    /// What is to be told now.
    fn take(&mut self, now: UnixMs) -> BTreeMap<Round, (MixerIndex, usize)> {
        if self.finished.is_empty() || self.from.is_some_and(|from| now < from) {
            return BTreeMap::new();
        }
        self.from = Some(now.plus(PAUSE_MS));
        std::mem::take(&mut self.finished)
    }
}

impl<S: Suite> MixerServer<S> {
    /// Puts up which phases are finished, once a second at most.
    pub(super) fn tell_progress(&mut self, now: UnixMs) {
        for (round, (me, phase)) in self.progress.take(now) {
            let (seed, manifest) = (&self.identity_seed, self.manifest.at(round));
            let ready = ReadyRecord::sign::<S>(seed, manifest.network(), round, phase as u8);
            self.publish(RecordKind::Ready, round, me, Record::Ready(ready));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_phases_that_follow_each_other_fast_the_last_is_told() {
        let (round, me, mut progress) = (Round(1), MixerIndex(2), Progress::default());
        assert_eq!(told(&mut progress, 5), None);
        progress.finished(round, me, 0);
        assert_eq!(told(&mut progress, 5), Some(0));
        progress.finished(round, me, 1);
        progress.finished(round, me, 2);
        assert_eq!(told(&mut progress, 1_004), None);
        assert_eq!(progress.wake_up(), Some(UnixMs(1_005)));
        assert_eq!(told(&mut progress, 1_005), Some(2));
        assert_eq!((progress.wake_up(), told(&mut progress, 9_000)), (None, None));
    }

    /// The phase that is told at `now`.
    fn told(progress: &mut Progress, now: u64) -> Option<usize> {
        progress.take(UnixMs(now)).into_values().next().map(|(_, phase)| phase)
    }
}
