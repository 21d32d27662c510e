//! What takes long: mixing, writing down, sending, receiving, asking others.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zephyr_core::wire::decode;
use zephyr_core::{Hedge, MixerIndex, Round, ServerId, SigningGuard, UnixMs};

use super::ahead::Ahead;
use super::state::GuardFile;
use crate::net::{BatchError, BatchReader, BatchWriter, NetHandle, NodeId};
use crate::node::{Native, context};
use zephyr_machine::batch::{Batch, Gathered};
use zephyr_machine::delivery::Delivery;
use zephyr_machine::mix::{Broken, Mixed, Mixing, NoiseMaker, Packets, PhaseNoise, Work};
use zephyr_machine::mixer::MAX_BATCH;
use zephyr_machine::mixer_server::Expected;
use zephyr_machine::peer::{BatchHeader, PeerReply, ProposalRefusal};

/// How long to wait before a batch that was not taken is sent again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long a mailbox server has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What has been done.
#[allow(clippy::large_enum_variant)] // short-lived, and there are never many at once
pub(super) enum Done {
    Shuffled {
        round: Round,
        phase: usize,
        mixing: Mixing,
        work: Arc<Work<Native>>,
        seen: HashSet<[u8; 32]>,
    },
    Mixed {
        round: Round,
        phase: usize,
        mixed: Mixed,
        seen: HashSet<[u8; 32]>,
    },
    Received {
        what: Expected,
        digest: [u8; 32],
        batch: Batch,
        reader: BatchReader,
    },
    Sent {
        round: Round,
        to: MixerIndex,
        phase: usize,
    },
    Uploaded {
        round: Round,
        to: ServerId,
    },
    Answered {
        round: Round,
        from: MixerIndex,
        reply: Option<PeerReply>,
    },
    Stored(bool),
    Told {
        id: u64,
        answer: Option<Vec<u8>>,
    },
    /// It failed, or there is nothing to tell.
    Nothing,
}

/// The jobs under way. Dropping them ends them.
pub(super) struct Jobs {
    net: NetHandle,
    ahead: Ahead,
    tasks: JoinSet<Done>,
}

impl Jobs {
    pub(super) fn new(net: NetHandle) -> Self {
        Self { net, ahead: Ahead::new(), tasks: JoinSet::new() }
    }

    /// The next job that is done; `None` while there is none.
    pub(super) async fn next(&mut self) -> Option<Done> {
        match self.tasks.join_next().await? {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::error!(%error, "a job of the mixer has failed");
                Some(Done::Nothing)
            }
        }
    }

    /// Gives the last words a moment.
    pub(super) async fn finish(mut self) {
        let _ = timeout(Duration::from_millis(500), async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
    }

    pub(super) fn store(&mut self, file: &Arc<GuardFile>, guard: SigningGuard) {
        let file = file.clone();
        self.tasks.spawn_blocking(move || {
            let stored = file.store(&guard);
            if let Err(error) = &stored {
                tracing::error!(%error, "can't write what was signed, so nothing is signed: check the state folder");
            }
            Done::Stored(stored.is_ok())
        });
    }

    pub(super) fn prepare(&mut self, noise: &NoiseMaker) {
        for work in self.ahead.make(noise) {
            self.tasks.spawn(async move {
                work.await;
                Done::Nothing
            });
        }
    }

    pub(super) fn mix(
        &mut self,
        round: Round,
        batch: Gathered,
        noise: PhaseNoise,
        work: Arc<Work<Native>>,
        seen: HashSet<[u8; 32]>,
        secret: &[u8; 32],
    ) {
        let (phase, urgent) = (noise.phase(), self.ahead.pause());
        // The shuffle's generator: seeded by the system and the mixer's long-term secret together.
        let seed = Hedge::new(*secret, 0).draw::<32>(&mut context::rng(), &[b"shuffle"]);
        let mut rng = ChaCha20Rng::from_seed(*seed);
        self.tasks.spawn_blocking(move || {
            let _urgent = urgent;
            let mixing = work.begin(batch, noise, &mut rng);
            Done::Shuffled { round, phase, mixing, work, seen }
        });
    }

    pub(super) fn peel(
        &mut self,
        (round, phase): (Round, usize),
        mixing: Mixing,
        work: Arc<Work<Native>>,
        mut seen: HashSet<[u8; 32]>,
    ) {
        let urgent = self.ahead.pause();
        self.tasks.spawn_blocking(move || {
            let _urgent = urgent;
            let mixed = mixing.finish(&work, &mut seen);
            Done::Mixed { round, phase, mixed, seen }
        });
    }

    pub(super) fn receive(&mut self, what: Expected, item_len: usize, mut reader: BatchReader) {
        self.tasks.spawn(async move {
            match read(&mut reader, item_len).await {
                Ok((digest, batch)) => Done::Received { what, digest, batch, reader },
                Err(error) => {
                    tracing::debug!(%error, "a batch has not come whole");
                    Done::Nothing
                }
            }
        });
    }

    pub(super) fn acknowledge(&mut self, reader: BatchReader) {
        self.tasks.spawn(async move {
            // If this gets lost the sender sends again, and is acknowledged again.
            let _ = reader.acknowledge(&[]).await;
            Done::Nothing
        });
    }

    /// Sends a batch, again and again until it is acknowledged or too late; then it is `done`.
    pub(super) fn send(
        &mut self,
        to: NodeId,
        header: &BatchHeader,
        batch: Outgoing,
        until: UnixMs,
        done: Done,
    ) {
        let (net, header) = (self.net.clone(), header.to_bytes());
        self.tasks.spawn(async move {
            if send_until(&net, to, &header, &batch, until).await { done } else { Done::Nothing }
        });
    }

    /// Calls a mixer about a directory.
    pub(super) fn propose(
        &mut self,
        round: Round,
        (to, from): (NodeId, MixerIndex),
        request: &[u8],
        within: Duration,
    ) {
        let (net, request) = (self.net.clone(), request.to_vec());
        self.tasks.spawn(async move {
            let answer = net.call(to, request, within).await.ok();
            let reply = answer.as_deref().and_then(|answer| decode(answer).ok());
            if let Some(PeerReply::Refused(why)) = &reply {
                match why {
                    ProposalRefusal::NotYourTurn | ProposalRefusal::Promised => {
                        tracing::info!(%round, mixer = %from, ?why, "a mixer waits for another proposal");
                    }
                    _ => {
                        tracing::warn!(%round, mixer = %from, ?why, "a mixer does not sign the directory");
                    }
                }
            }
            Done::Answered { round, from, reply }
        });
    }

    /// Asks a mailbox server what was delivered.
    pub(super) fn ask(&mut self, id: u64, to: NodeId, request: Vec<u8>) {
        let net = self.net.clone();
        self.tasks.spawn(async move {
            let answer = net.call(to, request, PATIENCE).await.ok();
            Done::Told { id, answer }
        });
    }

    /// Calls servers that need not answer.
    pub(super) fn tell(&mut self, to: Vec<ServerId>, request: &[u8]) {
        for id in to {
            let (net, request) = (self.net.clone(), request.to_vec());
            self.tasks.spawn(async move {
                // Whoever can't be told finds out at the deadline.
                let _ = net.call(context::node_id(&id), request, Duration::from_secs(2)).await;
                Done::Nothing
            });
        }
    }
}

async fn read(reader: &mut BatchReader, item_len: usize) -> Result<([u8; 32], Batch), BatchError> {
    let mut batch = Batch::new(item_len);
    let mut digest = Sha256::new();
    while let items @ 1.. = reader.announced().await? {
        if batch.len() + items > MAX_BATCH {
            return Err(BatchError::Form);
        }
        let items = batch.grow(items);
        reader.read(items).await?;
        digest.update(items);
    }
    Ok((digest.finalize().into(), batch))
}

/// A batch to be sent.
pub(super) enum Outgoing {
    /// To a mixer, while it is being peeled.
    Packets(Packets),
    /// To a mailbox server.
    Delivery(Delivery),
}

impl Outgoing {
    fn item_len(&self) -> usize {
        match self {
            Self::Packets(packets) => packets.item_len(),
            Self::Delivery(delivery) => delivery.item_len(),
        }
    }

    async fn write(&self, writer: &mut BatchWriter) -> Result<(), SendError> {
        match self {
            Self::Packets(packets) => {
                let mut k = 0;
                while let Some(piece) = packets.piece(k).await? {
                    for packet in piece {
                        writer.write_item(packet).await?;
                    }
                    k += 1;
                }
            }
            Self::Delivery(delivery) => {
                let mut bytes = vec![0; delivery.item_len()];
                for (mailbox, item) in delivery.items() {
                    item.encode(mailbox, &mut bytes);
                    writer.write_item(&bytes).await?;
                }
            }
        }
        Ok(())
    }
}

/// Why a batch was not sent.
#[derive(Debug, thiserror::Error)]
enum SendError {
    /// It did not get through.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// It will never be whole.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Whether the batch was acknowledged before the deadline.
async fn send_until(
    net: &NetHandle,
    to: NodeId,
    header: &[u8],
    batch: &Outgoing,
    deadline: UnixMs,
) -> bool {
    loop {
        let left = deadline.since(context::now());
        if left == 0 {
            return false;
        }
        match timeout(Duration::from_millis(left), send_once(net, to, header, batch)).await {
            Ok(Ok(())) => return true,
            Ok(Err(SendError::Broken(_))) | Err(_) => return false,
            Ok(Err(error)) => tracing::debug!(%error, "a batch is sent again"),
        }
        sleep(AGAIN).await;
    }
}

async fn send_once(
    net: &NetHandle,
    to: NodeId,
    header: &[u8],
    batch: &Outgoing,
) -> Result<(), SendError> {
    let mut writer = net.open_batch(to, header.to_vec(), batch.item_len()).await?;
    batch.write(&mut writer).await?;
    writer.finish().await?;
    Ok(())
}
