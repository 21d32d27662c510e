//! Drives the session: connections, clock, random numbers and the home, in the order in which it asks for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter::repeat_with;
use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::thread::available_parallelism;
use std::time::Duration;

use getrandom::SysRng;
use rand_core::UnwrapErr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zephyr_blst::Native;
use zephyr_core::session::{
    self, Action, ExchangeId, Missed, Reaction, ServerRef, Session, Settings, Storage, TagEntry,
    Tried,
};
use zephyr_core::wire::PkgRefusal;
use zephyr_core::{Address, DirectoryHash, Hop, Manifest, Payload, PkgIndex, Role, Round, UnixMs};

use super::Shared;
use super::event::Event;
use super::exchange::{Exchange, Report, Waits};
use super::trials::try_side_by_side;
use crate::clock;
use crate::store::{Delivery, Incoming, MessageId, Receipt, Registration, StoreError};

/// The fewest contacts that a session has places for; with more of them it is twice as many.
const PLACES: usize = 64;
/// The session counts contacts with 16 bits.
const MOST_PLACES: usize = u16::MAX as usize;
/// Frames that wait for the session, for each processor; a server that sends more waits.
const REPORTS: usize = 16;
/// What a request is longer than the packet in it, at most.
const REQUEST: usize = 256;
/// The session is asked at most this often, and at least this often, as the clock may be set meanwhile.
const WAITS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(10));
/// Of how many rounds the directory's hash is remembered.
const DIRECTORIES: usize = 8;

/// Why a client stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It runs already.
    #[error("this client is running already")]
    Running,
    /// The home can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs for ever, unless something fails. When the future is dropped all connections are closed.
pub(super) async fn run(shared: &Shared) -> Result<(), RunError> {
    shared.store.requeue_unsent().await?;
    let mut next = None;
    loop {
        let network = shared.store.home().network();
        let opened = || network.first().parameters().opened_by(clock::now()).unwrap_or(Round(0));
        let round = next.unwrap_or_else(opened);
        next = Some(run_version(shared, &network.at(round)).await?);
    }
}

/// Takes part in the rounds of one version of the network; returns the first round of the next one when all of them
/// are over. Everybody changes over at the same time, whatever there is to be sent.
async fn run_version(shared: &Shared, manifest: &Manifest<'_>) -> Result<Round, RunError> {
    let store = &shared.store;
    let settings = Settings {
        address: store.home().address().clone(),
        seed: store.home().seed().clone(),
        contacts_only: store.contacts_only().await?,
        verify_proofs: shared.options.verify_proofs,
        last_round: store.last_round().await?,
    };
    let places = PLACES.max(2 * store.contacts().await?.len()).min(MOST_PLACES);
    let mut packets = vec![0; Storage::<Native>::packets_len(manifest)];
    let mut contacts: Vec<_> = repeat_with(|| None).take(places).collect();
    let mut tags = vec![TagEntry::default(); Storage::<Native>::tags_len(manifest, places)];
    let mut held = vec![0; Storage::<Native>::held_len(manifest, session::HELD_MESSAGES)];
    let mut hops = vec![Hop::EMPTY; Storage::<Native>::hops_len(manifest)];
    let storage = Storage {
        packets: &mut packets,
        contacts: &mut contacts,
        tags: &mut tags,
        held: &mut held,
        hops: &mut hops,
        exchanges: &mut [None; session::MAX_CONNECTIONS],
    };
    let session = Session::new(manifest.clone(), settings, storage, clock::now());

    shared.places.store(places, Ordering::Relaxed);
    let result = Driver::new(shared, manifest.clone(), session).run().await;
    shared.places.store(usize::MAX, Ordering::Relaxed);
    result
}

struct Driver<'s> {
    shared: &'s Shared,
    manifest: Manifest<'s>,
    session: Session<'s, Native>,
    rng: UnwrapErr<SysRng>,
    connections: JoinSet<()>,
    /// To the connections: what is to be sent. One that is taken out closes.
    links: HashMap<ExchangeId, mpsc::UnboundedSender<Vec<u8>>>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    /// The contacts that the session has.
    contacts: BTreeSet<Address>,
    directories: BTreeMap<Round, DirectoryHash>,
    /// Rounds in which something was sent and that are not over.
    waiting: BTreeSet<Round>,
    request: Vec<u8>,
    processors: NonZero<usize>,
}

impl<'s> Driver<'s> {
    fn new(shared: &'s Shared, manifest: Manifest<'s>, session: Session<'s, Native>) -> Self {
        let request = vec![0; manifest.parameters().geometry.packet_len() + REQUEST];
        let processors = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Self {
            shared,
            manifest,
            session,
            rng: UnwrapErr(SysRng),
            connections: JoinSet::new(),
            links: HashMap::new(),
            reports: mpsc::channel(REPORTS * processors.get()),
            contacts: BTreeSet::new(),
            directories: BTreeMap::new(),
            waiting: BTreeSet::new(),
            request,
            processors,
        }
    }

    async fn run(mut self) -> Result<Round, RunError> {
        self.sync_contacts().await?;
        self.look_ahead();
        let most = self.reports.0.max_capacity();
        let mut reports = Vec::with_capacity(most);
        loop {
            self.poll().await?;
            if let Some(next) = self.until().filter(|_| self.session.is_over()) {
                return Ok(next);
            }
            while self.connections.try_join_next().is_some() {}
            self.links.retain(|&id, _| self.session.waits_for(id));
            let wait = self.session.poll_timeout().since(clock::now());
            let wait = Duration::from_millis(wait).clamp(WAITS.0, WAITS.1);
            tokio::select! {
                _ = self.reports.1.recv_many(&mut reports, most) => {
                    self.handle_all(&mut reports).await?;
                }
                () = self.shared.contacts.notified() => self.sync_contacts().await?,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn poll(&mut self) -> Result<(), StoreError> {
        while let Some(action) = self.session.poll(clock::now(), &mut self.rng) {
            self.act(action).await?;
        }
        Ok(())
    }

    /// Handles what has come, in its order. What takes long, trial decryption, is done before, for all of it at once.
    async fn handle_all(&mut self, reports: &mut Vec<Report>) -> Result<(), StoreError> {
        let tried = self.run_trials(reports);
        for (report, tried) in reports.drain(..).zip(tried) {
            self.handle(report, tried).await?;
            self.poll().await?;
        }
        Ok(())
    }

    /// What was found in each of them.
    fn run_trials(&self, reports: &[Report]) -> Vec<Tried> {
        let trials: Vec<_> = reports
            .iter()
            .map(|report| match report {
                Report::Frame { id, frame } => Some((self.session.trial(*id)?, frame.as_slice())),
                _ => None,
            })
            .collect();
        try_side_by_side(&trials, self.processors)
    }

    /// The first round of the version that follows, if it is known.
    fn until(&self) -> Option<Round> {
        self.shared.store.home().network().until(self.manifest.from_round())
    }

    /// Tells the session which versions of the network are known.
    fn look_ahead(&mut self) {
        let newest = self.shared.store.home().network().manifest().version();
        self.session.set_versions(newest, self.until());
    }

    async fn learn(&mut self, signed: &[u8]) -> Result<(), StoreError> {
        if self.shared.store.add_version(signed).await? {
            self.look_ahead();
            let network = self.shared.store.home().network();
            let (version, from) = (network.manifest().version(), network.manifest().from_round());
            self.tell(Event::NewVersion { version, from });
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<(), StoreError> {
        match action {
            Action::Connect { exchange, server } => self.connect(exchange, server),
            Action::Fill { round, slot, contact } => self.fill(round, slot, &contact).await?,
            Action::Open => {
                if let Some((round, payload)) = self.session.open() {
                    let incoming = Incoming::new(round, &payload);
                    self.receive(incoming, clock::now()).await?;
                }
            }
            Action::Continue => tokio::task::yield_now().await,
            Action::Event(event) => self.note(event).await?,
        }
        Ok(())
    }

    fn connect(&mut self, id: ExchangeId, server: ServerRef) {
        let Some(entry) = self.manifest.server(server.role, server.index) else {
            return self.session.handle_failed(id, clock::now());
        };
        let set = self.shared.options.timeouts;
        let waits = Waits::new(self.manifest.parameters(), server.role, set);
        let (network, counters) = (*self.manifest.network(), self.shared.counters.clone());
        let exchange = Exchange::new(id, server, &entry, network, waits, counters);
        let (link, out) = mpsc::unbounded_channel();
        self.links.insert(id, link);
        self.connections.spawn(exchange.run(self.reports.0.clone(), out));
    }

    async fn handle(&mut self, report: Report, tried: Tried) -> Result<(), StoreError> {
        let now = clock::now();
        match report {
            Report::Connected { id, handshake } => {
                let now = clock::now();
                let reaction =
                    self.session.handle_connected(id, &handshake, now, &mut self.request);
                if matches!(reaction, Reaction::Close) {
                    // Of no effect if the session has closed it by itself.
                    self.session.handle_failed(id, now);
                }
                self.react(id, reaction).await
            }
            Report::Frame { id, frame } => self.handle_frame(id, frame, tried, now).await,
            Report::Failed { id, server: ServerRef { role, index }, why } => {
                self.links.remove(&id);
                self.session.handle_failed(id, now);
                tracing::debug!(%role, index, why, "a server failed");
                self.tell(Event::Unreachable { role, index, why: why.into() });
                Ok(())
            }
        }
    }

    async fn handle_frame(
        &mut self,
        id: ExchangeId,
        mut frame: Vec<u8>,
        mut tried: Tried,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        loop {
            let (tried, out) = (std::mem::take(&mut tried), &mut self.request);
            match self.session.handle_tried(id, &mut frame, tried, now, out) {
                Reaction::Again => tokio::task::yield_now().await,
                reaction => break self.react(id, reaction).await,
            }
        }
    }

    async fn react(&mut self, id: ExchangeId, reaction: Reaction<'_>) -> Result<(), StoreError> {
        match reaction {
            Reaction::Wait | Reaction::Again => {}
            Reaction::Send(len) => {
                if let Some(link) = self.links.get(&id) {
                    // A connection that failed has told so, or will.
                    let _ = link.send(self.request[..len].to_vec());
                }
            }
            Reaction::Version { signed } => {
                self.links.remove(&id);
                self.learn(signed).await?;
            }
            Reaction::Close => {
                self.links.remove(&id);
            }
        }
        Ok(())
    }

    async fn receive(&mut self, incoming: Incoming, now: UnixMs) -> Result<(), StoreError> {
        let payload_len = self.manifest.parameters().geometry.payload_len();
        let capacity = Payload::capacity(payload_len, incoming.sender.as_ref());
        let received = self.shared.store.receive(&incoming, capacity, now).await?;
        self.deliveries(received.changes);
        match received.receipt {
            Receipt::Kept { arrived, of } => {
                self.tell(Event::Part { from: incoming.sender, arrived, of });
            }
            Receipt::Refused(why) => self.tell(Event::Dropped(why)),
            Receipt::Empty | Receipt::Complete | Receipt::Duplicate | Receipt::Late => {}
        }
        received.messages.into_iter().for_each(|message| self.tell(Event::Message(message)));
        Ok(())
    }

    /// Messages in the outbox have come further, or fell back.
    fn deliveries(&self, changes: Vec<(MessageId, Delivery)>) {
        if changes.is_empty() {
            return;
        }
        for (id, delivery) in changes {
            self.tell(Event::Delivery { id, delivery });
        }
        self.progressed();
    }

    async fn fill(&mut self, round: Round, slot: u8, holder: &Address) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let fragment = match self.directories.get(&round) {
            Some(directory) => store.assign(round, directory, slot, holder).await?,
            None => None,
        };
        let draft = fragment.as_ref().map(|fragment| fragment.draft());
        let filled = self.session.fill(round, slot, draft, &mut self.rng);
        if let Some(fragment) = fragment {
            if !filled {
                store.requeue_slot(round, slot).await?;
            } else if !fragment.again {
                self.waiting.insert(round);
            }
            self.progressed();
        }
        Ok(())
    }

    async fn note(&mut self, event: session::Event) -> Result<(), StoreError> {
        let store = &self.shared.store;
        match &event {
            session::Event::Opened { round, directory, .. } => {
                self.shared.counters.rounds.fetch_add(1, Ordering::Relaxed);
                self.directories.insert(*round, *directory);
                if self.directories.len() > DIRECTORIES {
                    self.directories.pop_first();
                }
            }
            session::Event::SlotSent { round, slot } => {
                let change = store.mark_sent(*round, *slot).await?;
                self.deliveries(change.into_iter().collect());
            }
            session::Event::SlotFailed { round, slot } => {
                store.requeue_slot(*round, *slot).await?;
            }
            session::Event::Missed { round, why } => {
                if *why == Missed::Void {
                    let (fragments, changes) = store.requeue_round(*round).await?;
                    if fragments > 0 {
                        self.tell(Event::Requeued { round: *round, fragments });
                    }
                    self.deliveries(changes);
                }
                self.over(*round);
            }
            session::Event::Scanned { round, .. } => self.over(*round),
            session::Event::Keyed { .. } => store.confirm_registrations(&self.manifest).await?,
            session::Event::PkgRefused { pkg, why, .. } => self.note_refusal(*pkg, *why).await?,
            _ => {}
        }
        self.tell(Event::Round(event));
        Ok(())
    }

    /// What a PKG's refusal says about the registration with it.
    async fn note_refusal(&self, pkg: PkgIndex, why: PkgRefusal) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let Some(entry) = self.manifest.server(Role::Pkg, pkg.0.into()) else { return Ok(()) };
        match why {
            PkgRefusal::Waiting { until } => {
                store.set_registration(&entry.id, Registration::Waiting { until }).await
            }
            PkgRefusal::NotRegistered
                if store.registration(&entry.id).await? == Registration::Registered =>
            {
                store.set_registration(&entry.id, Registration::None).await
            }
            _ => Ok(()),
        }
    }

    fn over(&mut self, round: Round) {
        if self.waiting.remove(&round) {
            self.progressed();
        }
    }

    /// Tells those who wait for the outbox to become empty, or for a delivery.
    fn progressed(&self) {
        self.shared.waiting.send_replace(self.waiting.len());
    }

    /// Brings the session's contacts to what the home says.
    async fn sync_contacts(&mut self) -> Result<(), StoreError> {
        let wanted = self.shared.store.contacts().await?;
        let wanted: BTreeSet<_> = wanted.into_iter().map(|contact| contact.address).collect();
        for gone in self.contacts.difference(&wanted) {
            self.session.remove_contact(gone);
        }
        self.contacts.retain(|contact| wanted.contains(contact));
        for contact in wanted {
            if self.contacts.contains(&contact) {
                continue;
            }
            if self.session.add_contact(contact.clone()) {
                self.contacts.insert(contact);
            } else {
                self.tell(Event::ContactsFull);
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn tell(&self, event: Event) {
        // Nobody listens.
        let _ = self.shared.events.send(event);
    }
}
