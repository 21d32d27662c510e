//! The PKG: a secret a round, registrations, and shares of private keys.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;
use zephyr_core::wire::{PkgRequest, SecretShare, WireError, decode, encode};
use zephyr_core::{Address, Round, UnixMs};

use super::info::Follow;
use crate::Registrar;
use crate::listen::{Close, Handler, PeerInfo, Replies, stopped};
use crate::mail::SmtpMailer;
use crate::net::Incoming;
use crate::node::drain::Left;
use crate::node::{Context, Native, NodeError, PkgConfig, Stats, context, stats};
use crate::store::{Database, SqlRegistrations};
use zephyr_machine::pkg::{Link, PeerKey, PkgAction, PkgIdentity, PkgName, PkgRounds};

/// Shares are given side by side.
type Rounds = Arc<RwLock<PkgRounds<Native>>>;

/// The part that follows the rounds.
pub(crate) struct PkgServer {
    context: Context,
    rounds: Rounds,
}

/// The part that answers clients.
pub(crate) struct PkgHandler {
    registrar: Registrar<Native, SqlRegistrations, SmtpMailer>,
    rounds: Rounds,
    stats: Arc<Stats>,
}

/// A PKG with its database and mail server.
pub(crate) async fn open(
    context: Context,
    config: PkgConfig,
) -> Result<(PkgServer, PkgHandler), NodeError> {
    let manifest = context.manifest.clone();
    let (.., server) = manifest.find(&context.id).ok_or(NodeError::NotListed)?;
    let name = PkgName::new(server.name).map_err(|error| NodeError::Name(error.to_string()))?;
    let identity = PkgIdentity { network: manifest.network(), id: server.id, name };
    let database = config.database.clone().unwrap_or_else(Database::memory);
    let store = SqlRegistrations::open(&database, &context.id).await?;
    let mailer = SmtpMailer::new(&config.smtp)?;
    let (seed, hedge) = (context.identity_seed.clone(), context.hedge());
    let rounds = PkgRounds::new(manifest.clone(), seed, hedge, context::now());
    let rounds = Arc::new(RwLock::new(rounds));
    let handler = PkgHandler {
        registrar: Registrar::new(identity, config.rules, store, mailer),
        rounds: rounds.clone(),
        stats: context.stats.clone(),
    };
    Ok((PkgServer { context, rounds }, handler))
}

impl PkgServer {
    /// Opens rounds and erases their secrets, until the server stops.
    pub(crate) async fn run(self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut follow = Follow::new(&self.context);
        let mut stop = self.context.stop.clone();
        let mut draining = self.context.draining.clone();
        loop {
            let (wake, left) = self.advance();
            draining.tell(left);
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = draining.begin() => {
                    self.rounds.write().unwrap_or_else(PoisonError::into_inner).stop_opening();
                }
                () = wake_at(wake) => {}
                // Nothing is said to PKGs but through the DHT; whoever calls gets no answer.
                call = incoming.recv() => if call.is_none() { return },
                () = follow.next(&self.context, |_, _| ()) => {}
            }
        }
    }

    /// Does what is due; says when to look again, and what is left to be done.
    fn advance(&self) -> (Option<UnixMs>, Left) {
        let mut rounds = self.rounds.write().unwrap_or_else(PoisonError::into_inner);
        while let Some(PkgAction::Publish { key, record }) =
            rounds.poll(context::now(), &mut context::rng())
        {
            self.context.publish(key, &record);
        }
        let left = match rounds.is_idle() {
            true => Left::Nothing,
            false => Left::Until(rounds.busy_until()),
        };
        (rounds.wake_up(), left)
    }
}

async fn wake_at(time: Option<UnixMs>) {
    match time {
        Some(time) => context::sleep_to(time).await,
        None => std::future::pending().await,
    }
}

impl PkgHandler {
    fn share(&self, round: Round, address: &Address) -> Option<SecretShare> {
        let rounds = self.rounds.read().unwrap_or_else(PoisonError::into_inner);
        let share = rounds.share(round, address, context::now())?;
        stats::add(&self.stats.extractions, 1);
        Some(share)
    }
}

impl Handler for PkgHandler {
    async fn handle(
        &self,
        peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> Result<(), Close> {
        let request: PkgRequest<'_> = decode(request).map_err(|_: WireError| Close::Malformed)?;
        if !matches!(request, PkgRequest::Extract { .. }) {
            stats::add(&self.stats.registrations, 1);
        }
        let link = Link { peer: PeerKey::of(peer.ip), handshake: &peer.handshake_hash };
        let share = |round, address: &Address| self.share(round, address);
        let answer = self.registrar.handle(link, &request, context::now(), share).await;
        let mut out = zeroize::Zeroizing::new([0; 256]);
        let message = encode(&answer, out.as_mut()).expect("answers are short");
        reply.send(message).await
    }
}
