//! Whose turn it is to propose.

use std::collections::BTreeSet;

use zephyr_core::{Manifest, MixerIndex, Role, Round, UnixMs};

/// How many mixers may take the duty over, one after the other.
const MAX_TURNS: usize = 6;

/// The order of duty in one round, as one mixer sees it: the manifest's, of the mixers that have announced. Those
/// that are left out come last.
pub(super) struct Duty {
    order: Vec<MixerIndex>,
    opens: UnixMs,
    open_ms: u64,
    turns: usize,
}

impl Duty {
    pub(super) fn new(
        manifest: &Manifest<'_>,
        round: Round,
        announced: BTreeSet<MixerIndex>,
        left_out: &BTreeSet<MixerIndex>,
    ) -> Self {
        let (last, first): (Vec<_>, Vec<_>) =
            announced.into_iter().partition(|mixer| left_out.contains(mixer));
        let parameters = manifest.parameters();
        let others = manifest.servers(Role::Mixer).count().saturating_sub(1);
        Self {
            order: first.into_iter().chain(last).collect(),
            opens: parameters.schedule(round).opens,
            open_ms: parameters.open_ms.into(),
            turns: others.min(MAX_TURNS),
        }
    }

    /// The mixer's place in the order.
    pub(super) fn rank(&self, mixer: MixerIndex) -> Option<usize> {
        self.order.iter().position(|other| *other == mixer)
    }

    /// Those before `mixer` in the order.
    pub(super) fn before(&self, mixer: MixerIndex) -> &[MixerIndex] {
        &self.order[..self.rank(mixer).unwrap_or(0)]
    }

    /// When the duty comes to `mixer`: to the first when the round opens, to at most six others between the middle
    /// and seven eighths of the opening.
    pub(super) fn turn(&self, mixer: MixerIndex) -> Option<UnixMs> {
        match self.rank(mixer)? {
            0 => Some(self.opens),
            rank if rank > self.turns => None,
            rank => {
                let after = rank as u64 * 3 * self.open_ms / (8 * self.turns as u64);
                Some(self.opens.plus(self.open_ms / 2 + after))
            }
        }
    }
}
