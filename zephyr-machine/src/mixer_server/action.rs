//! What a mixer wants done, and how it is told of what has happened.

use std::collections::HashSet;
use std::sync::Arc;

use zephyr_core::{MixerIndex, Round, ServerId, SigningGuard, Suite, UnixMs};
use zeroize::Zeroizing;

use crate::batch::Gathered;
use crate::delivery::Delivery;
use crate::event::ServerEvent;
use crate::mix::{NoiseMaker, Packets, PhaseNoise, Work};
use crate::peer::{BatchHeader, PeerReply};
use crate::record::{Record, RecordKey};

/// A call that another server waits for, as the shell numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A batch that may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its round.
    pub round: Round,
    /// The phase in which this mixer works on it.
    pub phase: usize,
    /// Who sends it.
    pub from: MixerIndex,
}

/// What a mixer is to do. Effects are reported back; whatever is reported late, twice or never costs the round at
/// most.
pub enum MixerAction<S: Suite> {
    /// Put an own record on the board and into the DHT.
    Publish {
        /// Its key.
        key: RecordKey,
        /// The record.
        record: Record,
    },
    /// Ask the DHT for these records; what is found goes on the board.
    Fetch {
        /// Their keys.
        keys: Vec<RecordKey>,
    },
    /// Write down what is about to be signed, so that it survives a power cut, and report with
    /// [`guard_stored`](super::MixerServer::guard_stored): nothing is signed before.
    StoreGuard {
        /// What to write.
        guard: SigningGuard,
    },
    /// Call a mixer about a directory, and report with [`answered`](super::MixerServer::answered).
    Propose {
        /// The round.
        round: Round,
        /// Whom to ask.
        to: ServerId,
        /// Its index in the round.
        index: MixerIndex,
        /// The encoded [`PeerRequest`](crate::peer::PeerRequest).
        request: Arc<[u8]>,
    },
    /// Answer a call.
    Reply {
        /// The call.
        call: CallId,
        /// The answer.
        reply: PeerReply,
    },
    /// Make the round's noise while there is time, by [`NoiseMaker::step`] in one thread or several, until there is
    /// nothing left to do. Nothing is to be reported: whatever is not made of it, also because nobody had time, is made
    /// when it is mixed.
    Prepare {
        /// The round.
        round: Round,
        /// Makes it.
        noise: NoiseMaker,
    },
    /// Mix with [`Work::run`], which may take long, and report with [`mixed`](super::MixerServer::mixed). Or
    /// [begin](Work::begin), report with [`mixing`](super::MixerServer::mixing) to have sent what is peeled, and
    /// finish.
    Mix {
        /// The round.
        round: Round,
        /// The phase.
        phase: usize,
        /// The packets.
        batch: Gathered,
        /// The mixer's own packets of the phase.
        noise: PhaseNoise,
        /// The keys.
        work: Arc<Work<S>>,
        /// The ephemeral keys seen in the round; give them back with the result.
        seen: HashSet<[u8; 32]>,
        /// Seeds the shuffle, together with the shell's own randomness.
        secret: Zeroizing<[u8; 32]>,
    },
    /// Send a batch to a mixer, again and again until it is acknowledged or it is `until`; report the
    /// acknowledgement with [`sent`](super::MixerServer::sent).
    Send {
        /// The round.
        round: Round,
        /// The phase in which the receiver works on it.
        phase: usize,
        /// To whom.
        to: ServerId,
        /// Its index in the round.
        index: MixerIndex,
        /// What goes before the packets.
        header: BatchHeader,
        /// The packets, of which some may not be peeled yet.
        packets: Packets,
        /// When it is too late.
        until: UnixMs,
    },
    /// The same to a mailbox server, reported with [`uploaded`](super::MixerServer::uploaded).
    Upload {
        /// The round.
        round: Round,
        /// To whom.
        to: ServerId,
        /// What goes before the items.
        header: BatchHeader,
        /// Lists and messages.
        delivery: Delivery,
        /// When it is too late.
        until: UnixMs,
    },
    /// Call these servers to tell them that the round is void; whoever can't be told finds out at the deadline.
    TellVoid {
        /// The round.
        round: Round,
        /// Whom.
        to: Vec<ServerId>,
        /// The encoded [`PeerRequest`](crate::peer::PeerRequest).
        request: Arc<[u8]>,
    },
    /// Call a mailbox server, and report with [`told`](super::MixerServer::told).
    Ask {
        /// To be given back with the answer.
        id: u64,
        /// Whom to call.
        to: ServerId,
        /// The request.
        request: Vec<u8>,
    },
    /// Something to report.
    Event(ServerEvent),
}
