//! Some of a manifest's mixers.

use crate::ids::MixerIndex;
use crate::onion::MAX_MIXERS;

/// A bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MixerSet(u64);

const _: () = assert!(MAX_MIXERS <= u64::BITS as usize);

impl MixerSet {
    pub(super) fn contains(self, mixer: MixerIndex) -> bool {
        usize::from(mixer.0) < MAX_MIXERS && self.0 & 1 << mixer.0 != 0
    }

    /// Adds a mixer of the manifest.
    pub(super) fn insert(&mut self, mixer: MixerIndex) {
        debug_assert!(usize::from(mixer.0) < MAX_MIXERS, "no manifest lists more");
        self.0 |= 1 << (usize::from(mixer.0) % MAX_MIXERS);
    }

    pub(super) fn includes(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

impl FromIterator<MixerIndex> for MixerSet {
    fn from_iter<I: IntoIterator<Item = MixerIndex>>(mixers: I) -> Self {
        let mut set = Self::default();
        mixers.into_iter().for_each(|mixer| set.insert(mixer));
        set
    }
}
