//! The mailbox server: keeps what mixers deliver, for clients to download.

mod download;
mod front;
mod health;
mod reader;
mod server;
#[cfg(test)]
mod tests;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zephyr_core::wire::{MailboxRequest, WireError, decode};
use zephyr_core::{MixerIndex, Round};

use crate::listen::{Close, Handler, PeerInfo, Replies, stopped};
use crate::net::{BatchReader, Incoming, NodeId};
use crate::node::drain::Left;
use crate::node::{Context, Native, context};
use crate::roles::info::Follow;
use crate::store::{Database, SqlMailboxes, StoreError};
use zephyr_machine::board::under_way;
use zephyr_machine::delivery::item_len;
use zephyr_machine::event::ServerEvent;
use zephyr_machine::peer::{BatchHeader, PeerReply, PeerRequest, ProposalRefusal, encode};

pub(crate) use front::FrontServer;
use server::MailboxServer;

/// How often the server looks at the clock.
const TICK: Duration = Duration::from_millis(100);

type Server = MailboxServer<Native, SqlMailboxes>;

/// The part that follows the rounds and takes what mixers deliver.
pub(crate) struct MailboxNode {
    context: Context,
    server: Arc<Server>,
}

/// The part that answers clients.
pub(crate) struct MailboxHandler {
    server: Arc<Server>,
}

/// A mailbox server with this database.
pub(crate) async fn open(
    context: Context,
    database: &Database,
) -> Result<(MailboxNode, MailboxHandler), StoreError> {
    let store = SqlMailboxes::open(database, &context.id).await?;
    let (manifest, stats) = (context.manifest.clone(), context.stats.clone());
    let server = Server::open(manifest, context.id, store, stats, context::now()).await?;
    let server = Arc::new(server);
    let node = MailboxNode { context, server: server.clone() };
    Ok((node, MailboxHandler { server }))
}

impl MailboxNode {
    /// Follows the rounds and takes deliveries until the server stops.
    pub(crate) async fn run(self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut follow = Follow::new(&self.context);
        let mut stop = self.context.stop.clone();
        let (mut draining, mut drains) = (self.context.draining.clone(), false);
        // Dropped at the end, and with it what is under way: mixers were not acknowledged and know it.
        let mut tasks = JoinSet::new();
        let mut house = JoinSet::new();
        house.spawn(keep_house(self.server.clone()));
        loop {
            draining.tell(if tasks.is_empty() { Left::Nothing } else { Left::Until(None) });
            tokio::select! {
                () = stopped(&mut stop) => break,
                () = draining.begin() => drains = true,
                message = incoming.recv() => match message {
                    // Mixers try again: with another server, or with this one when it is back.
                    Some(Incoming::Batch { .. }) if drains => {}
                    Some(message) => self.hear(message, &mut follow, &mut tasks),
                    None => break,
                },
                Some(ended) = tasks.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        tracing::error!("a task of the mailbox server panicked");
                    }
                }
                () = follow.next(&self.context, |round, directory| {
                    self.server.agreed(round, directory);
                }) => {}
            }
        }
        tasks.shutdown().await;
        house.shutdown().await;
        self.server.store.close().await;
    }

    fn hear(&self, message: Incoming, follow: &mut Follow, tasks: &mut JoinSet<()>) {
        match message {
            Incoming::Call { from, request, reply } => {
                if let Ok(PeerRequest::Delivered { round, mailbox, mixer, from: first }) =
                    decode(&request)
                    && self.context.mixer(round, from).is_some()
                {
                    let server = self.server.clone();
                    tasks.spawn(async move {
                        reply.send(server.delivered(round, mailbox, mixer, first).await);
                    });
                    return;
                }
                // A caller that has gone finds out at the deadline.
                let _ = reply.send(encode(&self.answer(from, &request)));
            }
            Incoming::Batch { from, header, item_len, reader } => {
                if let Some(round) = self.take(from, &header, item_len, reader, tasks) {
                    self.learn(round, follow);
                }
            }
        }
    }

    fn answer(&self, from: NodeId, request: &[u8]) -> PeerReply {
        let refused = PeerReply::Refused(ProposalRefusal::NotAllowed);
        let Ok(PeerRequest::Void { round, missing }) = decode(request) else { return refused };
        let Some(mixer) = self.context.mixer(round, from) else { return refused };
        if self.server.void(mixer, round) {
            let missing = missing.into_iter().map(MixerIndex).collect();
            self.context.event(ServerEvent::Void { round, by: mixer, missing });
        }
        PeerReply::Noted
    }

    /// Takes an upload; returns its round, if it may be one.
    fn take(
        &self,
        from: NodeId,
        header: &[u8],
        len: usize,
        reader: BatchReader,
        tasks: &mut JoinSet<()>,
    ) -> Option<Round> {
        let Ok(BatchHeader::Deliver { round, directory }) = decode(header) else { return None };
        let mixer = self.context.mixer(round, from)?;
        let geometry = self.context.manifest.at(round).parameters().geometry;
        if len != item_len(geometry) {
            return None;
        }
        let server = self.server.clone();
        tasks.spawn(async move {
            if let Err(error) = server.receive(mixer, round, &directory.0, reader).await {
                tracing::debug!(%error, "a delivery was not taken");
            }
        });
        Some(round)
    }

    /// Makes sure that a round of which something comes is known, or will be when it is sent again: after a restart
    /// rounds are under way that were not followed from their opening.
    fn learn(&self, round: Round, follow: &mut Follow) {
        let known = self.server.knows(round);
        if !known && under_way(&self.context.manifest.at(round), round, context::now()) {
            follow.want(round);
        }
    }
}

/// Tells the time and deletes what is old.
async fn keep_house(server: Arc<Server>) {
    loop {
        tokio::time::sleep(TICK).await;
        server.tick(context::now());
        server.clean().await;
    }
}

impl Handler for MailboxHandler {
    async fn handle(
        &self,
        _peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> Result<(), Close> {
        let request = decode(request).map_err(|_: WireError| Close::Malformed)?;
        let MailboxRequest::Download { round, mailbox } = request;
        self.server.download(round, mailbox, reply).await
    }
}
