//! The session and everything that it asks for, but the connections' bytes.

use embassy_futures::select::{Either3, select3};
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer};
use rand_core::CryptoRng;
use zephyr_core::session::{self, Action, Missed, Reaction, Session};
use zephyr_core::stream::resend_after;
use zephyr_core::wire::PkgRefusal;
use zephyr_core::{
    Address, CONNECTION_HEADROOM, Manifest, PkgIndex, Received, Role, Round, SignedManifest, Suite,
};

use super::place::{Job, Place, Report};
use super::{Sizes, fits};
use crate::apart;
use crate::error::Error;
use crate::event::{Event, Failure};
use crate::home::LONGEST_MANIFEST;
use crate::manifests::Version;
use crate::registration::Registration;
use crate::shared::Shared;
use crate::storage::Storage;

/// The session is asked at most this often, and at least this often, in milliseconds.
const WAITS: (u64, u64) = (1, 3_600_000);

pub(super) struct Driver<'d, 'm, 'a, N, S, R, C: Suite> {
    pub(super) shared: &'d Shared<'a, N, S, R, C>,
    pub(super) session: &'d mut Session<'m, C>,
    pub(super) manifest: &'d Manifest<'m>,
    pub(super) version: Version,
    pub(super) sizes: Sizes,
    pub(super) body: &'d mut [u8],
    pub(super) places: &'d [Place<'m, C::Dh>],
    pub(super) wake: &'d Signal<NoopRawMutex, ()>,
}

/// What came of asking the session.
enum Step {
    /// It has nothing to do now.
    Nothing,
    /// A part of a long computation.
    Computed,
    /// What it asked for.
    Acted,
}

impl<N, S: Storage, R: CryptoRng, C: Suite> Driver<'_, '_, '_, N, S, R, C> {
    /// Until all rounds of this version of the network are over; the first round of the next one.
    pub(super) async fn run(&mut self) -> Result<Round, Error<S::Error>> {
        self.look_ahead();
        apart!(self.sync_contacts()).await;
        loop {
            let step = apart!(self.step()).await?;
            match step {
                Step::Computed => {
                    yield_now().await;
                    // What came meanwhile must not wait for the end of a long computation.
                    apart!(self.read()).await?;
                    continue;
                }
                Step::Acted => continue,
                Step::Nothing => {}
            }
            self.close_unwanted();
            if apart!(self.read()).await? {
                continue;
            }
            if let Some(next) = self.until().filter(|_| self.session.is_over()) {
                return Ok(next);
            }
            apart!(self.wait()).await;
        }
    }

    /// The session's next step. Pairings are steps, and need the most stack.
    #[inline(never)]
    fn poll_session(&mut self) -> Option<Action> {
        let mut rng = self.shared.rng.borrow_mut();
        self.session.poll(self.shared.clock.local(), &mut *rng)
    }

    async fn step(&mut self) -> Result<Step, Error<S::Error>> {
        let action = self.poll_session();
        match &action {
            None => return Ok(Step::Nothing),
            Some(Action::Continue) => return Ok(Step::Computed),
            Some(Action::Connect { exchange, server }) => {
                self.connect(Job { exchange: *exchange, server: *server });
            }
            Some(Action::Fill { round, slot, contact }) => {
                apart!(self.fill(*round, *slot, contact)).await?;
            }
            Some(Action::Open) => apart!(self.open()).await?,
            Some(Action::Event(event)) => apart!(self.note(event)).await?,
        }
        Ok(Step::Acted)
    }

    /// Until the session has something to do by itself, something came over a connection, or contacts change.
    async fn wait(&mut self) {
        let wait = self.session.poll_timeout().since(self.shared.clock.local());
        let timer = Timer::after(Duration::from_millis(wait.clamp(WAITS.0, WAITS.1)));
        let changed = self.shared.contacts.wait();
        if let Either3::Third(()) = select3(timer, self.wake.wait(), changed).await {
            self.sync_contacts().await;
        }
    }

    /// The first round of the version that follows, if it is known.
    fn until(&self) -> Option<Round> {
        let newest = self.shared.manifests.newest();
        (newest.number > self.version.number).then_some(newest.from)
    }

    /// Tells the session which versions of the network are known.
    fn look_ahead(&mut self) {
        self.session.set_versions(self.shared.manifests.newest().number, self.until());
    }

    /// Brings the session's contacts to what the home says: two hashes to the curve for each new one.
    async fn sync_contacts(&mut self) {
        loop {
            let new = {
                let home = self.shared.home.lock().await;
                self.session.retain_contacts(|known| home.contacts().any(|c| c == known));
                home.contacts().find(|c| !self.session.is_contact(c)).cloned()
            };
            let Some(contact) = new else { return };
            // The session has as many places as the home.
            if !self.session.add_contact(contact) {
                return;
            }
            yield_now().await;
        }
    }

    /// The session has no more exchanges at once than there are places, so that one is free when those that it gave up
    /// are closed.
    fn connect(&mut self, job: Job) {
        self.close_unwanted();
        match self.places.iter().find(|place| place.job.get().is_none()) {
            Some(place) => place.order(Some(job)),
            None => self.session.handle_failed(job.exchange, self.shared.clock.local()),
        }
    }

    /// Closes the connections from which nothing is waited for any more: their time is over.
    fn close_unwanted(&mut self) {
        for place in self.places {
            if let Some(job) = place.job.get()
                && !self.session.waits_for(job.exchange)
            {
                place.order(None);
                self.tell(Event::Unreachable { server: job.server, why: Failure::TookTooLong });
            }
        }
    }

    /// Handles what connections report, a message of each. Whether there was anything.
    async fn read(&mut self) -> Result<bool, Error<S::Error>> {
        let mut any = false;
        for place in self.places {
            let (Some(job), Some(report)) = (place.job.get(), place.report.take()) else {
                continue;
            };
            any = true;
            let failure = match report {
                Report::Failed(why) => Some(why),
                Report::Received => apart!(self.read_message(place, job)).await?,
            };
            if let Some(why) = failure {
                place.order(None);
                self.session.handle_failed(job.exchange, self.shared.clock.local());
                self.tell(Event::Unreachable { server: job.server, why });
            }
        }
        Ok(any)
    }

    /// Hands a message to the session, and the turn back to the worker.
    async fn read_message(
        &mut self,
        place: &Place<'_, C::Dh>,
        job: Job,
    ) -> Result<Option<Failure>, Error<S::Error>> {
        let mut link = place.link.lock().await;
        let Some(connection) = &mut link.connection else { return Ok(Some(Failure::Broken)) };
        let now = self.shared.clock.local();
        let (received, free) = match connection.receive_and_free() {
            Ok(Some(received)) => received,
            Ok(None) => {
                place.turn.signal(None);
                return Ok(None);
            }
            Err(why) => return Ok(Some(Failure::Link(why))),
        };
        let out = free.get_mut(CONNECTION_HEADROOM..).unwrap_or_default();
        let reaction = match received {
            Received::Opened { handshake_hash } => {
                self.session.handle_connected(job.exchange, &handshake_hash, now, out)
            }
            Received::Message(frame) => loop {
                match self.session.handle_frame(job.exchange, frame, now, out) {
                    Reaction::Again => yield_now().await,
                    reaction => break reaction,
                }
            },
        };
        match &reaction {
            Reaction::Wait | Reaction::Again => place.turn.signal(None),
            Reaction::Send(len) => place.turn.signal(Some(*len)),
            Reaction::Version { signed } => {
                apart!(self.learn(signed)).await?;
                place.order(None);
            }
            Reaction::Close if self.session.waits_for(job.exchange) => {
                return Ok(Some(Failure::Answer));
            }
            Reaction::Close => place.order(None),
        }
        Ok(None)
    }

    /// Verifies what an info-node says is the next version, and writes it down. With one that waits already to take
    /// effect there is no room for another: info-nodes are asked for that again.
    async fn learn(&mut self, signed: &[u8]) -> Result<(), Error<S::Error>> {
        let Ok(signed) = SignedManifest::parse(signed) else { return Ok(()) };
        if self.until().is_some() || signed.verify::<C>(self.manifest).is_err() {
            return Ok(());
        }
        let (version, from) = (signed.manifest().version(), signed.manifest().from_round());
        let room = self.shared.manifests.room().min(LONGEST_MANIFEST);
        let len = signed.as_bytes().len();
        let fits = match fits(signed.manifest(), &self.sizes) {
            Ok(()) if len > room => Err(("MANIFEST", len, room)),
            fits => fits,
        };
        if let Err((what, needed, _)) = fits {
            self.tell(Event::VersionTooLarge { version, from, what, needed });
            return Ok(());
        }
        self.shared.home.lock().await.set_version(version, signed.as_bytes()).await?;
        self.shared.manifests.keep(&signed).await;
        self.look_ahead();
        self.tell(Event::NewVersion { version, from });
        Ok(())
    }

    /// Opens a message for the user, and keeps it.
    async fn open(&mut self) -> Result<(), Error<S::Error>> {
        let Some((round, payload)) = self.session.open() else { return Ok(()) };
        let events = &self.shared.events;
        let mut home = self.shared.home.lock().await;
        let delivered = |message| events.tell(Event::Delivered(message));
        let kept = apart!(home.receive(round, &payload, delivered)).await?;
        self.shared.arrived.signal(());
        if !kept {
            events.tell(Event::NoRoom);
        }
        Ok(())
    }

    async fn fill(
        &mut self,
        round: Round,
        slot: u8,
        contact: &Address,
    ) -> Result<(), Error<S::Error>> {
        let mut home = self.shared.home.lock().await;
        let patience = resend_after(self.manifest.parameters(), self.session.contacts());
        let draft = home.fill(round, slot, contact, patience, self.body).await?;
        let filled = {
            let mut rng = self.shared.rng.borrow_mut();
            self.session.fill(round, slot, draft, &mut *rng)
        };
        if !filled {
            home.failed(round, slot);
        }
        Ok(())
    }

    async fn note(&mut self, event: &session::Event) -> Result<(), Error<S::Error>> {
        match event {
            session::Event::Clock { offset_ms } => self.shared.clock.set_offset(*offset_ms),
            session::Event::Opened { round, directory, .. } => {
                let now = self.session.network_time(self.shared.clock.local());
                self.shared.home.lock().await.opened(*round, *directory, now).await?;
            }
            session::Event::SlotSent { round, slot } => {
                self.shared.home.lock().await.sent(*round, *slot);
            }
            session::Event::SlotFailed { round, slot } => {
                self.shared.home.lock().await.failed(*round, *slot);
            }
            session::Event::Missed { round, why: Missed::Void } => {
                self.shared.home.lock().await.void(*round);
            }
            session::Event::Keyed { .. } => self.confirm_registrations().await?,
            session::Event::PkgRefused { pkg, why, .. } => self.note_refusal(*pkg, *why).await?,
            _ => {}
        }
        self.tell(Event::Round(event.clone()));
        Ok(())
    }

    /// All PKGs gave their share: the address is registered with each.
    async fn confirm_registrations(&mut self) -> Result<(), Error<S::Error>> {
        let mut home = self.shared.home.lock().await;
        for pkg in self.manifest.servers(Role::Pkg) {
            if home.registration(&pkg.id).await? != Registration::Registered {
                home.set_registration(&pkg.id, Registration::Registered).await?;
            }
        }
        Ok(())
    }

    /// What a PKG's refusal says about the registration with it.
    async fn note_refusal(&self, pkg: PkgIndex, why: PkgRefusal) -> Result<(), Error<S::Error>> {
        let Some(entry) = self.manifest.server(Role::Pkg, pkg.0.into()) else { return Ok(()) };
        let mut home = self.shared.home.lock().await;
        let known = home.registration(&entry.id).await?;
        let state = match why {
            PkgRefusal::Waiting { until } => Registration::Waiting { until },
            PkgRefusal::NotRegistered if known == Registration::Registered => Registration::None,
            _ => return Ok(()),
        };
        if known != state {
            home.set_registration(&entry.id, state).await?;
        }
        Ok(())
    }

    fn tell(&self, event: Event) {
        self.shared.events.tell(event);
    }
}
