//! Numbers, acknowledgements and resending between two people: everything arrives once and in order, however
//! many rounds are lost.
//!
//! Each fragment to a contact has a number in the stream to that contact. Every payload acknowledges what has
//! come of the contact's own stream, all up to one number. What is not acknowledged goes into the contact's slot
//! again. None of this ever causes a packet: which slots there are, and whose they are, depends on the round alone.
//!
//! [`Sending`] and [`Receiving`] are one side each, of a fixed size, without a clock or storage; a [`Conversation`] is
//! both, and what is in the contact's slots. Keep them, or the parts that they are made of, on disk, and write a change
//! down before anything follows from it.

mod conversation;
mod receiving;
mod sending;
mod slots;

pub use conversation::Conversation;
pub use receiving::{Arrival, Receiving};
pub use sending::{Acked, Sending};

use crate::directory::Parameters;
use crate::ids::{Round, UnixMs};

/// How many fragments may be under way to one recipient without an acknowledgement.
pub const WINDOW: u32 = 64;

/// More slots than this no network has.
pub const SLOTS: usize = 64;

/// What is sent is not sent again in fewer rounds, however short they are.
const MIN_RESEND: u64 = 3;

/// In how many rounds a fragment without an acknowledgement is sent again, at least 3.
///
/// By then the acknowledgement can be here: with s rounds from the beginning of a round to its closing, n slots and
/// k `contacts` it is `2s + 1`, and if k > n also `2·⌈k/n⌉` until it is the contact's turn in either direction.
pub fn resend_after(parameters: &Parameters, contacts: usize) -> u64 {
    let schedule = parameters.schedule(Round(0));
    let round_ms = u64::from(parameters.round_ms).max(1);
    let way = schedule.closes.since(schedule.submit_from).div_ceil(round_ms);
    let slots = usize::from(parameters.packets_per_round).max(1);
    let turns = if contacts > slots { contacts.div_ceil(slots) as u64 } else { 0 };
    (2 * way + 1 + 2 * turns).max(MIN_RESEND)
}

/// The number of a stream that begins at `now`: Unix seconds, at least 1. Streams from one person to another only
/// grow, so that a late packet of an old one is known as such.
pub fn stream_at(now: UnixMs) -> u32 {
    u32::try_from(now.0 / 1_000).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use crate::onion::RouteMode;

    #[test]
    fn an_acknowledgement_can_be_here_before_anything_is_sent_again() {
        let minutes = 60_000;
        let mut parameters = Parameters {
            geometry: Geometry::new(3, 1_024).expect("sizes in range"),
            routes: RouteMode::Round,
            min_mixers: 3,
            packets_per_round: 4,
            mailboxes: 1,
            replicas: 1,
            genesis: UnixMs(0),
            round_ms: 10 * minutes,
            open_ms: minutes,
            submit_ms: 5 * minutes,
            phase_ms: minutes,
            deliver_ms: minutes,
            download_ms: minutes,
            noise_mu: 0,
            noise_b: 0,
            min_batch: 0,
        };
        // 5 + 3·1 + 1 + 1 minutes: within one round.
        assert_eq!([0, 4, 5, 9].map(|k| resend_after(&parameters, k)), [3, 3, 7, 9]);
        parameters.download_ms += 1;
        assert_eq!(resend_after(&parameters, 4), 5);
        parameters.round_ms = u32::MAX;
        assert_eq!(resend_after(&parameters, 0), 3);
    }

    #[test]
    fn streams_grow_with_the_time() {
        assert_eq!([0, 999, 1_999, 2_000].map(|ms| stream_at(UnixMs(ms))), [1, 1, 1, 2]);
        assert_eq!(stream_at(UnixMs(u64::MAX)), u32::MAX);
    }
}
