//! What a server reports of its rounds.

use std::collections::BTreeMap;
use std::fmt;

use zephyr_core::{MixerIndex, PkgIndex, Round, ServerId};

use crate::loops::Way;
use crate::mix::BadPackets;

/// What happened at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A round has opened; mixers and PKGs have announced their keys. Closed rounds may be forgotten.
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
    /// Clients should submit by now, and there is no directory.
    Unopened {
        /// The round.
        round: Round,
        /// What has not come.
        missing: Vec<Missing>,
    },
    /// A mixer has finished a phase.
    Mixed {
        /// The round.
        round: Round,
        /// The phase, from 0.
        phase: usize,
        /// How many packets came.
        packets: usize,
        /// Those of them that it dropped, by who sent them: `None` for clients.
        dropped: BTreeMap<Option<MixerIndex>, BadPackets>,
        /// How many it added.
        noise: usize,
    },
    /// A mixer has sent two different batches for one phase. The first one counts.
    OtherBatch {
        /// The round.
        round: Round,
        /// The phase, from 0.
        phase: usize,
        /// Who has sent them.
        from: MixerIndex,
    },
    /// The mixer has looked for its [loop packets](crate::loops) of a round.
    Looped {
        /// The round.
        round: Round,
        /// What became of them, by route.
        ways: Vec<Way>,
    },
    /// A mailbox server shows lists that their mixers have not signed, or too few of them.
    MailboxAltered {
        /// The round.
        round: Round,
        /// The mailbox server.
        server: ServerId,
    },
    /// The mixer could not look for its loop packets: no server has shown the mailbox until the round closed.
    NotLooped {
        /// The round.
        round: Round,
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
        /// The mixer that gave it up.
        by: MixerIndex,
        /// The mixers whose batch did not come in time, if this server waited for one.
        missing: Vec<MixerIndex>,
    },
}

/// What keeps a round from opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Missing {
    /// The key of this PKG: without it there is no directory.
    PkgKey(PkgIndex),
    /// The key of this mixer.
    MixerKey(MixerIndex),
    /// The signature of this mixer, which has announced its key.
    Signature(MixerIndex),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PkgKey(pkg) => write!(f, "the key of PKG {pkg}"),
            Self::MixerKey(mixer) => write!(f, "the key of mixer {mixer}"),
            Self::Signature(mixer) => write!(f, "the signature of mixer {mixer}"),
        }
    }
}
