//! Loop packets: cover that happens to go to the client's own mailbox, and so must come back.
//!
//! Nothing is sent for their sake. A mixer cannot tell them from anything else, so one that drops or replaces
//! packets loses some of them, too.

use heapless::Vec;

use crate::geometry::MAX_HOPS;
use crate::ids::MixerIndex;
use crate::mailbox::message_digest;
use crate::onion::{MAX_MIXERS, Route};

/// How many of a round are remembered.
const LOOPS: usize = 4;
const START: usize = 4;

const _: () = assert!(MAX_MIXERS <= 256);

/// One that is under way.
struct Loop {
    slot: u8,
    /// The first bytes of the message, so that others need not be hashed.
    start: [u8; START],
    digest: [u8; 32],
    /// The mixers' indices; no manifest has more than fit a byte.
    route: Vec<u8, MAX_HOPS, u8>,
}

/// Those of one round.
#[derive(Default)]
pub(super) struct Loops(Vec<Loop, LOOPS, u8>);

impl Loops {
    /// Remembers the cover `sealed` in `slot`, if there is room.
    pub(super) fn add(&mut self, slot: u8, sealed: &[u8], route: &Route) {
        let route = route.iter().map(|mixer| mixer.0 as u8).collect();
        let mut start = [0; START];
        start.copy_from_slice(&sealed[..START]);
        let _ = self.0.push(Loop { slot, start, digest: message_digest(sealed), route });
    }

    /// Forgets those that no mixer took.
    pub(super) fn keep(&mut self, sent: impl Fn(u8) -> bool) {
        self.0.retain(|l| sent(l.slot));
    }

    /// Whether the message is one of them, and if so a bit for it.
    pub(super) fn find(&self, message: &[u8]) -> Option<u8> {
        let same = |l: &Loop| message.starts_with(&l.start) && l.digest == message_digest(message);
        self.0.iter().position(same).map(|place| 1 << place)
    }

    pub(super) fn len(&self) -> u8 {
        self.0.len() as u8
    }

    /// The routes of those without a bit in `returned`.
    pub(super) fn lost(&self, returned: u8) -> impl Iterator<Item = Route> {
        let lost = move |place: usize| returned & 1 << place == 0;
        self.0
            .iter()
            .enumerate()
            .filter(move |(place, _)| lost(*place))
            .map(|(_, l)| l.route.iter().map(|&mixer| MixerIndex(mixer.into())).collect())
    }
}
