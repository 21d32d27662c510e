//! What takes long: mixing, sending, receiving, delivering, asking others.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zephyr_core::wire::decode;
use zephyr_core::{DirectoryHash, Hedge, Mailbox, MixerIndex, Role, Round, UnixMs};

use crate::net::{BatchError, BatchReader, NetHandle, NodeId};
use crate::node::{Context, Native, context};
use zephyr_machine::batch::Batch;
use zephyr_machine::delivery;
use zephyr_machine::mix::{Mixed, Work};
use zephyr_machine::mixer::MAX_BATCH;
use zephyr_machine::peer::{BatchHeader, PeerReply, PeerRequest, encode};

/// How long to wait before a batch that was not taken is sent again.
const AGAIN: Duration = Duration::from_millis(50);

/// What has been done.
#[allow(clippy::large_enum_variant)] // short-lived, and there are never many at once
pub(super) enum Done {
    Mixed {
        round: Round,
        phase: usize,
        packets: usize,
        mixed: Mixed,
        seen: HashSet<[u8; 32]>,
    },
    Received {
        round: Round,
        phase: usize,
        from: MixerIndex,
        digest: [u8; 32],
        batch: Batch,
        reader: BatchReader,
    },
    Sent {
        round: Round,
        to: MixerIndex,
        phase: usize,
    },
    Delivered {
        round: Round,
        messages: usize,
    },
    Signed {
        round: Round,
        mixer: MixerIndex,
    },
    /// It failed, or there is nothing to tell.
    Nothing,
}

/// The jobs under way. Dropping them ends them.
pub(super) struct Jobs(JoinSet<Done>);

impl Jobs {
    pub(super) fn new() -> Self {
        Self(JoinSet::new())
    }

    /// The next job that is done; `None` while there is none.
    pub(super) async fn next(&mut self) -> Option<Done> {
        match self.0.join_next().await? {
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
            while self.0.join_next().await.is_some() {}
        })
        .await;
    }

    pub(super) fn mix(
        &mut self,
        round: Round,
        phase: usize,
        batch: Batch,
        work: Arc<Work<Native>>,
        mut seen: HashSet<[u8; 32]>,
        secret: &[u8; 32],
    ) {
        let mut hedge = Hedge::new(*secret, 0);
        // The shuffle's generator: seeded by the system and the mixer's long-term secret together.
        let seed = hedge.draw::<32>(&mut context::rng(), &[b"shuffle"]);
        let mut rng = ChaCha20Rng::from_seed(*seed);
        self.0.spawn_blocking(move || {
            let packets = batch.len();
            let mixed = work.run(phase, batch, &mut seen, &mut rng, &mut hedge);
            Done::Mixed { round, phase, packets, mixed, seen }
        });
    }

    pub(super) fn receive(
        &mut self,
        round: Round,
        phase: usize,
        from: MixerIndex,
        item_len: usize,
        mut reader: BatchReader,
    ) {
        self.0.spawn(async move {
            match read(&mut reader, item_len).await {
                Ok((digest, batch)) => Done::Received { round, phase, from, digest, batch, reader },
                Err(error) => {
                    tracing::debug!(%error, "a batch has not come whole");
                    Done::Nothing
                }
            }
        });
    }

    pub(super) fn acknowledge(&mut self, reader: BatchReader) {
        self.0.spawn(async move {
            // If this gets lost the sender sends again, and is acknowledged again.
            let _ = reader.acknowledge(&[]).await;
            Done::Nothing
        });
    }

    /// Sends a batch, again and again until it is acknowledged or the round is over.
    pub(super) fn send(
        &mut self,
        context: &Context,
        round: Round,
        to: MixerIndex,
        phase: usize,
        header: BatchHeader,
        batch: Arc<Batch>,
    ) {
        let Some(node) = context.node(Role::Mixer, to.0.into()) else { return };
        let deadline =
            context.manifest.get().parameters().schedule(round).phase_deadline(phase - 1);
        let (net, header) = (context.net.clone(), header.to_bytes());
        self.0.spawn(async move {
            match send_until(&net, node, &header, &batch, deadline).await {
                true => Done::Sent { round, to, phase },
                false => Done::Nothing,
            }
        });
    }

    /// Delivers to all mailbox servers. It is enough when every mailbox is on one of its servers; the others are
    /// tried until the deadline.
    pub(super) fn deliver(
        &mut self,
        context: &Context,
        me: MixerIndex,
        round: Round,
        directory: DirectoryHash,
        messages: BTreeMap<Mailbox, Batch>,
    ) {
        let manifest = context.manifest.clone();
        let (net, seed) = (context.net.clone(), context.identity_seed.clone());
        let count = messages.values().map(Batch::len).sum();
        let header = BatchHeader::deliver(round, &directory).to_bytes();
        self.0.spawn(async move {
            let manifest = manifest.get();
            let parameters = *manifest.parameters();
            // Ends before the round does, so that what is on some servers only still counts.
            let deliver_until = parameters.schedule(round).deliver_until;
            let deadline = UnixMs(deliver_until.0 - u64::from(parameters.deliver_ms) / 4);
            let mut uploads = FuturesUnordered::new();
            for (index, server) in manifest.servers(Role::Mailbox).enumerate() {
                let mailboxes = kept_by(&manifest, index);
                let geometry = parameters.geometry;
                let batch =
                    delivery::pack::<Native>(geometry, mailboxes, &messages, &seed, &directory, me);
                let node = NodeId::from_bytes(*server.id.as_bytes());
                let (net, header) = (&net, &header);
                uploads.push(async move {
                    send_until(net, node, header, &batch, deadline).await.then_some(index)
                });
            }
            let mut kept = HashSet::new();
            while let Some(upload) = uploads.next().await {
                kept.extend(upload);
            }
            let enough = (0..parameters.mailboxes).all(|mailbox| {
                manifest.mailbox_servers(Mailbox(mailbox)).any(|server| kept.contains(&server))
            });
            if enough { Done::Delivered { round, messages: count } } else { Done::Nothing }
        });
    }

    /// Asks a mixer to sign a directory.
    pub(super) fn propose(&mut self, context: &Context, round: Round, to: MixerIndex, body: &[u8]) {
        let Some(node) = context.node(Role::Mixer, to.0.into()) else { return };
        let (net, request) = (context.net.clone(), encode(&PeerRequest::Propose { body }));
        let open_ms = u64::from(context.manifest.get().parameters().open_ms);
        self.0.spawn(async move {
            let answer = net.call(node, request, Duration::from_millis(open_ms)).await;
            match answer.as_deref().map(decode) {
                Ok(Ok(PeerReply::Signed(_))) => Done::Signed { round, mixer: to },
                Ok(Ok(PeerReply::Refused(why))) => {
                    tracing::warn!(%round, mixer = %to, ?why, "a mixer does not sign the directory");
                    Done::Nothing
                }
                _ => Done::Nothing,
            }
        });
    }

    /// Tells all mixers and mailbox servers that a round is void.
    pub(super) fn tell_void(&mut self, context: &Context, round: Round) {
        let manifest = context.manifest.get();
        let request = encode(&PeerRequest::Void { round });
        let others = manifest
            .all()
            .filter(|s| matches!(s.role, Role::Mixer | Role::Mailbox))
            .map(|s| NodeId::from_bytes(*s.id.as_bytes()))
            .filter(|&node| node != context.net.own());
        for node in others {
            let (net, request) = (context.net.clone(), request.clone());
            self.0.spawn(async move {
                // Whoever can't be told finds out at the deadline.
                let _ = net.call(node, request, Duration::from_secs(2)).await;
                Done::Nothing
            });
        }
    }
}

/// The mailboxes that the mailbox server with `index` keeps, ascending.
pub(crate) fn kept_by(
    manifest: &zephyr_core::Manifest<'_>,
    index: usize,
) -> impl Iterator<Item = Mailbox> {
    (0..manifest.parameters().mailboxes)
        .map(Mailbox)
        .filter(move |&mailbox| manifest.mailbox_servers(mailbox).any(|server| server == index))
}

async fn read(reader: &mut BatchReader, item_len: usize) -> Result<([u8; 32], Batch), BatchError> {
    let mut batch = Batch::new(item_len);
    let mut digest = Sha256::new();
    let mut item = vec![0; item_len];
    while reader.next_item(&mut item).await?.is_some() {
        if batch.len() >= MAX_BATCH {
            return Err(BatchError::Form);
        }
        digest.update(&item);
        batch.push(&item);
    }
    Ok((digest.finalize().into(), batch))
}

/// Whether the batch was acknowledged before the deadline.
async fn send_until(
    net: &NetHandle,
    to: NodeId,
    header: &[u8],
    batch: &Batch,
    deadline: UnixMs,
) -> bool {
    loop {
        let left = deadline.since(context::now());
        if left == 0 {
            return false;
        }
        match timeout(Duration::from_millis(left), send_once(net, to, header, batch)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::debug!(%error, "a batch is sent again"),
            Err(_) => return false,
        }
        sleep(AGAIN).await;
    }
}

async fn send_once(
    net: &NetHandle,
    to: NodeId,
    header: &[u8],
    batch: &Batch,
) -> Result<(), BatchError> {
    let mut writer = net.open_batch(to, header.to_vec(), batch.item_len()).await?;
    for item in batch.iter() {
        writer.write_item(item).await?;
    }
    writer.finish().await.map(drop)
}
