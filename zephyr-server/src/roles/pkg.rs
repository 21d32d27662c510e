//! The PKG: a secret a round, registrations, and shares of private keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use zephyr_core::wire::{PkgRequest, SecretShare, WireError, decode, encode};
use zephyr_core::{Address, MasterSecret, PkgAnnouncement, Role, Round, Suite};

use super::info::Follow;
use crate::Registrar;
use crate::listen::{Close, Handler, PeerInfo, Replies, stopped};
use crate::mail::SmtpMailer;
use crate::net::Incoming;
use crate::node::context::{self, Opening};
use crate::node::{Context, Native, NodeError, PkgConfig, Stats, stats};
use crate::store::SqliteRegistrations;
use zephyr_machine::SharedManifest;
use zephyr_machine::mix::wipe_stack;
use zephyr_machine::pkg::{Link, PeerKey, PkgIdentity, PkgName};
use zephyr_machine::record::{Record, RecordKey, RecordKind};

type Secret = MasterSecret<<Native as Suite>::Pairing>;

/// The secrets of the rounds that give keys now. What is taken out is erased; boxed, so that the map moves no secret
/// and leaves no copy behind.
type Secrets = Arc<Mutex<BTreeMap<Round, Box<Secret>>>>;

/// The part that follows the rounds.
pub(crate) struct PkgServer {
    context: Context,
    secrets: Secrets,
}

/// The part that answers clients.
pub(crate) struct PkgHandler {
    registrar: Registrar<Native, SqliteRegistrations, SmtpMailer>,
    secrets: Secrets,
    manifest: SharedManifest,
    stats: Arc<Stats>,
}

/// A PKG with its database and mail server.
pub(crate) async fn open(
    context: Context,
    config: PkgConfig,
) -> Result<(PkgServer, PkgHandler), NodeError> {
    let manifest = context.manifest.clone();
    let server = manifest.get().server(Role::Pkg, context.index).ok_or(NodeError::NotListed)?;
    let name = PkgName::new(server.name).map_err(|error| NodeError::Name(error.to_string()))?;
    let identity = PkgIdentity { network: *manifest.get().network(), id: server.id, name };
    let url = config.database.as_deref().unwrap_or("sqlite::memory:");
    let store = SqliteRegistrations::open(url).await?;
    let mailer = SmtpMailer::new(&config.smtp)?;
    let secrets = Secrets::default();
    let handler = PkgHandler {
        registrar: Registrar::new(identity, config.rules, store, mailer),
        secrets: secrets.clone(),
        manifest: context.manifest.clone(),
        stats: context.stats.clone(),
    };
    Ok((PkgServer { context, secrets }, handler))
}

impl PkgServer {
    /// Opens rounds and erases their secrets, until the server stops.
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut opening = Opening::new(&self.context.manifest);
        let mut follow = Follow::new(&self.context);
        let mut stop = self.context.stop.clone();
        loop {
            if let Some(round) = opening.take(&self.context.manifest) {
                self.open_round(round);
            }
            let opens = opening.at(&self.context.manifest);
            let wake = self.erase().map_or(opens, |over| over.min(opens));
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = context::sleep_to(wake) => {}
                // Nothing is said to PKGs but through the DHT; whoever calls gets no answer.
                call = incoming.recv() => if call.is_none() { return },
                () = follow.next(&self.context, |_, _| ()) => {}
            }
        }
    }

    fn open_round(&mut self, round: Round) {
        self.draw(round);
        wipe_stack();
    }

    #[inline(never)] // so that its frame can be wiped behind it
    fn draw(&mut self, round: Round) {
        let (context, mut rng) = (&mut self.context, context::rng());
        let secret: Box<Secret> = Box::new(MasterSecret::generate(&mut rng, &mut context.hedge));
        let manifest = context.manifest.get();
        let Some(server) = manifest.server(Role::Pkg, context.index) else { return };
        let network = manifest.network();
        let key = secret.public_key(network, round, &server.id, &mut rng, &mut context.hedge);
        let announcement =
            PkgAnnouncement::sign::<Native>(&context.identity_seed, network, round, key);
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(round, secret);
        let key = RecordKey { kind: RecordKind::PkgKey, round, index: context.index as u16 };
        context.publish(key, &Record::PkgKey(announcement));
    }

    /// Erases the secrets of rounds whose submit phase is over; says when the next one is.
    fn erase(&self) -> Option<zephyr_core::UnixMs> {
        let parameters = *self.context.manifest.get().parameters();
        let until = |round: &Round| parameters.schedule(*round).submit_until;
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.retain(|round, _| context::now() < until(round));
        wipe_stack();
        secrets.keys().map(until).min()
    }
}

impl PkgHandler {
    fn share(&self, round: Round, address: &Address) -> Option<SecretShare> {
        let manifest = self.manifest.get();
        let over = context::now() >= manifest.parameters().schedule(round).submit_until;
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = secrets.get(&round).filter(|_| !over)?;
        let share = secret.extract(manifest.network(), address);
        wipe_stack();
        stats::add(&self.stats.extractions, 1);
        Some(SecretShare::new(share.to_bytes()))
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
