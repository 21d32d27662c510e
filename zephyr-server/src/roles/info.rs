//! The info-node: serves the round's directory, put together from the DHT.

use std::sync::Arc;

use tokio::sync::mpsc;
use zephyr_core::wire::{InfoReply, InfoRequest, NoDirectory, WireError, decode, encode};
use zephyr_core::{MAX_DIRECTORY, Round};

use crate::listen::{Close, Handler, PeerInfo, Replies, stopped};
use crate::net::Incoming;
use crate::node::context::{self, Opening};
use crate::node::{Context, NodeEvent, SharedBoard, Stats, stats};

/// The part that follows the rounds.
pub(crate) struct InfoNode {
    context: Context,
}

/// The part that answers clients.
pub(crate) struct InfoHandler {
    board: Arc<SharedBoard>,
    stats: Arc<Stats>,
    manifest: zephyr_machine::SharedManifest,
}

/// An info-node.
pub(crate) fn open(context: Context) -> (InfoNode, InfoHandler) {
    let handler = InfoHandler {
        board: context.board.clone(),
        stats: context.stats.clone(),
        manifest: context.manifest.clone(),
    };
    (InfoNode { context }, handler)
}

impl InfoNode {
    /// Follows the rounds until the server stops.
    pub(crate) async fn run(self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut follow = Follow::new(&self.context);
        let mut stop = self.context.stop.clone();
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                // Nothing is said to info-nodes but through the DHT; whoever calls gets no answer.
                call = incoming.recv() => if call.is_none() { return },
                () = follow.next(&self.context, |_, _| ()) => {}
            }
        }
    }
}

/// Follows the rounds from opening to directory: what info-nodes, PKGs and mailbox servers have in common.
pub(crate) struct Follow {
    opening: Opening,
    /// Rounds whose directory is waited for.
    waiting: Vec<Round>,
    changes: tokio::sync::watch::Receiver<u64>,
}

impl Follow {
    pub(crate) fn new(context: &Context) -> Self {
        let changes = context.board.changes();
        Self { opening: Opening::new(&context.manifest), waiting: Vec::new(), changes }
    }

    /// Waits for the next thing to happen; calls `agreed` with every new directory. May be dropped at any time.
    pub(crate) async fn next(&mut self, context: &Context, mut agreed: impl FnMut(Round, Vec<u8>)) {
        let parameters = *context.manifest.get().parameters();
        let next_open = self.opening.at(&context.manifest);
        // While a directory is late, ask for what it lacks a few times in an opening.
        let pace = u64::from(parameters.open_ms) / 4;
        let wake = match self.waiting.is_empty() {
            true => next_open,
            false => next_open.min(context::now().plus(pace.max(20))),
        };
        tokio::select! {
            () = context::sleep_to(wake) => {
                if let Some(round) = self.opening.take(&context.manifest) {
                    self.waiting.push(round);
                    context.event(NodeEvent::Opened { round });
                    context.prune().await;
                }
                for &round in &self.waiting {
                    // A directory that comes later than that is of no use to anybody.
                    if context::now() < parameters.schedule(round).submit_until {
                        context.fetch_missing(round);
                    }
                }
            }
            changed = self.changes.changed() => if changed.is_err() { std::future::pending::<()>().await },
        }
        let now = context::now();
        self.waiting.retain(|&round| {
            if let Some(directory) = context.board.directory(round) {
                let mixers =
                    zephyr_core::Directory::parse(&directory).map_or(0, |d| d.mixers().count());
                context.event(NodeEvent::Agreed { round, mixers });
                agreed(round, directory);
                return false;
            }
            now < parameters.schedule(round).closes
        });
    }
}

impl Handler for InfoHandler {
    async fn handle(
        &self,
        _peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> Result<(), Close> {
        let request = decode(request).map_err(|_: WireError| Close::Malformed)?;
        let directory;
        let answer = match request {
            InfoRequest::Clock => InfoReply::Clock(context::now()),
            InfoRequest::Directory(round) => {
                directory = self.board.directory(round);
                match &directory {
                    Some(bytes) => {
                        stats::add(&self.stats.directories_served, 1);
                        InfoReply::Directory(bytes)
                    }
                    None => InfoReply::NoDirectory(self.why_not(round)),
                }
            }
        };
        let mut out = vec![0; MAX_DIRECTORY + 16];
        let message = encode(&answer, &mut out).expect("room for a directory");
        reply.send(message).await
    }
}

impl InfoHandler {
    fn why_not(&self, round: Round) -> NoDirectory {
        let schedule = self.manifest.get().parameters().schedule(round);
        if context::now() < schedule.submit_until { NoDirectory::NotYet } else { NoDirectory::Gone }
    }
}
