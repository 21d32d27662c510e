//! What a server reports of its rounds.

use zephyr_core::Round;

/// What happened at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// It has opened a round and announced its key.
    Opened {
        /// The round.
        round: Round,
    },
    /// It knows the round's valid directory.
    Agreed {
        /// The round.
        round: Round,
        /// How many mixers it has.
        mixers: usize,
    },
    /// A mixer has finished a phase.
    Mixed {
        /// The round.
        round: Round,
        /// The phase, from 0.
        phase: usize,
        /// How many packets came.
        packets: usize,
        /// How many of them it dropped.
        dropped: usize,
        /// How many it added.
        noise: usize,
    },
    /// A mixer has delivered to the mailboxes.
    Delivered {
        /// The round.
        round: Round,
        /// How many messages.
        messages: usize,
    },
    /// The round is void.
    Void {
        /// The round.
        round: Round,
    },
}
