//! The info-node: serves the round's directory, put together from the DHT.

use std::sync::Arc;

use tokio::sync::mpsc;
use zephyr_core::wire::{InfoReply, WireError, decode, encode};
use zephyr_core::{MAX_DIRECTORY, MAX_SIGNED_MANIFEST, Round};

use crate::listen::{Close, Handler, PeerInfo, Replies, stopped};
use crate::net::Incoming;
use crate::node::drain::Left;
use crate::node::{Context, SharedBoard, Stats, context, stats};
use zephyr_machine::follow::{FollowAction, Follower};
use zephyr_machine::info::InfoRules;

/// The part that follows the rounds.
pub(crate) struct InfoNode {
    context: Context,
}

/// The part that answers clients.
pub(crate) struct InfoHandler {
    rules: InfoRules,
    board: Arc<SharedBoard>,
    stats: Arc<Stats>,
}

/// An info-node.
pub(crate) fn open(context: Context) -> (InfoNode, InfoHandler) {
    let handler = InfoHandler {
        rules: InfoRules::new(context.manifest.clone()),
        board: context.board.clone(),
        stats: context.stats.clone(),
    };
    (InfoNode { context }, handler)
}

impl InfoNode {
    /// Follows the rounds until the server stops.
    pub(crate) async fn run(self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut follow = Follow::new(&self.context);
        let mut stop = self.context.stop.clone();
        let mut draining = self.context.draining.clone();
        loop {
            // What is being answered is answered; nothing else has been begun.
            draining.tell(Left::Nothing);
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = draining.begin() => {}
                // Nothing is said to info-nodes but through the DHT; whoever calls gets no answer.
                call = incoming.recv() => if call.is_none() { return },
                () = follow.next(&self.context, |_, _| ()) => {}
            }
        }
    }
}

/// Follows the rounds from opening to directory: what info-nodes, PKGs and mailbox servers have in common.
pub(crate) struct Follow {
    follower: Follower,
    changes: tokio::sync::watch::Receiver<u64>,
}

impl Follow {
    pub(crate) fn new(context: &Context) -> Self {
        let follower = Follower::new(context.manifest.clone(), context::now());
        Self { follower, changes: context.board.changes() }
    }

    /// Something of `round` has come: its directory is wanted.
    pub(crate) fn want(&mut self, round: Round) {
        self.follower.want(round);
    }

    /// Waits for the next thing to happen; calls `agreed` with every new directory. May be dropped at any time.
    pub(crate) async fn next(&mut self, context: &Context, mut agreed: impl FnMut(Round, &[u8])) {
        tokio::select! {
            () = context::sleep_to(self.follower.wake_up(context::now())) => {}
            changed = self.changes.changed() => if changed.is_err() { std::future::pending::<()>().await },
        }
        loop {
            let action = self.follower.poll(&context.board.lock(), context::now());
            match action {
                Some(FollowAction::Fetch { keys }) => context.fetch(keys),
                Some(FollowAction::Agreed { round, directory }) => agreed(round, &directory),
                Some(FollowAction::Event(event)) => context.event(event),
                None => return,
            }
        }
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
        let mut out = vec![0; MAX_DIRECTORY.max(MAX_SIGNED_MANIFEST) + 16];
        let message = {
            let board = self.board.lock();
            let answer = self.rules.answer(&board, &request, context::now());
            if let InfoReply::Directory(_) = answer {
                stats::add(&self.stats.directories_served, 1);
            }
            encode(&answer, &mut out).expect("room for a directory or a manifest")
        };
        reply.send(message).await
    }
}
