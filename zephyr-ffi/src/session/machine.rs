//! The session with its links: bytes in, bytes and steps out.

use rand_core::CryptoRng;
use zephyr_core::session::{Action, Draft, Event, ExchangeId, Reaction, ServerRef, Session};
use zephyr_core::{
    Address, Connection, DirectoryHash, Manifest, PayloadHeader, Received, Round, SignedManifest,
    Suite, UnixMs, UpdateError,
};

use super::link::{LinkFailure, Place, Waiting, is_wanted};

/// What the program is to do, or to know.
pub(super) enum Step {
    Nothing,
    Connect {
        connection: u32,
        server: ServerRef,
    },
    Close {
        connection: u32,
    },
    Fill {
        round: Round,
        slot: u8,
        contact: Address,
        directory: DirectoryHash,
    },
    Continue,
    /// `body` stands in the session's memory until the machine is used again.
    Fragment {
        round: Round,
        header: PayloadHeader,
        body: *const [u8],
    },
    /// The signed version of the manifest that follows, verified; `manifest` bytes of it are the manifest itself.
    Version {
        signed: *const [u8],
        manifest: usize,
        from: Round,
    },
    Event(Event),
    Over,
}

pub(super) struct Machine<'a, S: Suite> {
    pub(super) session: Session<'a, S>,
    pub(super) manifest: Manifest<'a>,
    places: &'a mut [Place<'a, S::Dh>],
    /// How many connections there have been.
    begun: u32,
    /// A connection for which a place becomes free: the session has no more of them than there are places here.
    waiting: Option<Waiting>,
    /// The newest directory that was accepted.
    directory: Option<(Round, DirectoryHash)>,
    /// The slot that the program was asked to fill.
    asked: Option<(Round, u8)>,
    /// Whether the program has been told that this version of the network is over.
    told_over: bool,
}

impl<'a, S: Suite> Machine<'a, S> {
    pub(super) fn new(
        session: Session<'a, S>,
        manifest: Manifest<'a>,
        places: &'a mut [Place<'a, S::Dh>],
    ) -> Self {
        Self {
            session,
            manifest,
            places,
            begun: 0,
            waiting: None,
            directory: None,
            asked: None,
            told_over: false,
        }
    }

    /// What is to be done next. Each call does a small piece of work.
    pub(super) fn step(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Step {
        if let Some((round, slot)) = self.asked.take() {
            // A slot that the program leaves empty carries cover: that it does must not be seen.
            self.session.fill(round, slot, None, rng);
        }
        loop {
            if let Some(step) = self.close().or_else(|| self.connect(rng)) {
                return step;
            }
            let Some(action) = self.session.poll(now, rng) else { break };
            match action {
                Action::Connect { exchange, server } => {
                    self.waiting = Some((exchange, server));
                }
                Action::Fill { round, slot, contact } => {
                    match self.directory.filter(|(known, _)| *known == round) {
                        Some((_, directory)) => {
                            self.asked = Some((round, slot));
                            return Step::Fill { round, slot, contact, directory };
                        }
                        // Not without the directory: the slot carries cover.
                        None => drop(self.session.fill(round, slot, None, rng)),
                    }
                }
                Action::Open => {
                    if let Some((round, payload)) = self.session.open() {
                        let body = &raw const *payload.body;
                        return Step::Fragment { round, header: payload.header, body };
                    }
                }
                Action::Continue => return Step::Continue,
                Action::Event(event) => {
                    if let Event::Opened { round, directory, .. } = &event {
                        self.directory = Some((*round, *directory));
                    }
                    return Step::Event(event);
                }
            }
        }
        // Behind the session's events, so that none is lost; what has expired is closed before.
        if let Some(step) = self.close().or_else(|| self.read(now)) {
            return step;
        }
        if self.session.is_over() && !self.told_over {
            self.told_over = true;
            return Step::Over;
        }
        Step::Nothing
    }

    /// Closes a connection from which nothing is waited for any more.
    fn close(&mut self) -> Option<Step> {
        let session = &self.session;
        let unwanted = |place: &Place<'_, S::Dh>| !place.is_free() && !is_wanted(session, place);
        let place = self.places.iter_mut().find(|place| unwanted(place))?;
        place.end();
        Some(Step::Close { connection: place.number })
    }

    /// Gives a connection that waits a free place.
    fn connect(&mut self, rng: &mut impl CryptoRng) -> Option<Step> {
        let (exchange, server) = self.waiting.filter(|(id, _)| self.session.waits_for(*id))?;
        let index = self.places.iter().position(Place::is_free)?;
        self.waiting = None;
        let entry = self.manifest.server(server.role, server.index)?;
        let mut ephemeral = [0; 32];
        rng.fill_bytes(&mut ephemeral);
        let network = self.manifest.network();
        self.places[index]
            .begin(exchange, |buffer| Connection::new(network, &entry.link_key, ephemeral, buffer));
        // Another number each time, so that what is still said of an old connection is not taken for the new one's; and
        // less all multiples of the places the place's index.
        let places = self.places.len() as u32;
        self.begun = (self.begun + 1) % (u32::MAX / places);
        let connection = self.begun * places + index as u32;
        self.places[index].number = connection;
        Some(Step::Connect { connection, server })
    }

    /// Handles one message that has come whole over one of the links.
    fn read(&mut self, now: UnixMs) -> Option<Step> {
        let (session, manifest) = (&mut self.session, &self.manifest);
        for place in self.places.iter_mut() {
            let Some((link, mut out)) = place.parts() else { continue };
            if !link.connection.has_received() {
                continue;
            }
            let exchange = link.exchange;
            let fail = |session: &mut Session<'a, S>| {
                session.handle_failed(exchange, now);
                Some(Step::Continue)
            };
            if !out.is_empty() {
                return fail(session);
            }
            let reaction = match link.connection.receive() {
                Ok(None) => continue,
                Err(_) => return fail(session),
                Ok(Some(Received::Opened { handshake_hash })) => {
                    session.handle_connected(exchange, &handshake_hash, now, out.request())
                }
                Ok(Some(Received::Message(frame))) => loop {
                    match session.handle_frame(exchange, frame, now, out.request()) {
                        Reaction::Again => {}
                        reaction => break reaction,
                    }
                },
            };
            return match reaction {
                Reaction::Wait | Reaction::Again => Some(Step::Continue),
                Reaction::Send(len) => {
                    if out.seal(&mut link.connection, len) {
                        Some(Step::Continue)
                    } else {
                        fail(session)
                    }
                }
                // Of no effect if the session has closed it by itself.
                Reaction::Close => fail(session),
                Reaction::Version { signed } => Some(match learn(session, manifest, signed) {
                    Ok((manifest, from)) => {
                        Step::Version { signed: &raw const *signed, manifest, from }
                    }
                    // One that lies, or knows of a version further on.
                    Err(_) => Step::Continue,
                }),
            };
        }
        None
    }

    /// Tells of the version that follows this one.
    pub(super) fn set_next(&mut self, signed: &[u8]) -> Result<(), UpdateError> {
        learn(&mut self.session, &self.manifest, signed).map(drop)
    }

    pub(super) fn fill(
        &mut self,
        round: Round,
        slot: u8,
        draft: Option<Draft<'_>>,
        rng: &mut impl CryptoRng,
    ) -> bool {
        self.asked = self.asked.filter(|asked| *asked != (round, slot));
        self.session.fill(round, slot, draft, rng)
    }

    pub(super) fn place(&mut self, connection: u32) -> Result<&mut Place<'a, S::Dh>, LinkFailure> {
        let index = connection as usize % self.places.len().max(1);
        let place = self.places.get_mut(index).filter(|place| place.number == connection);
        place.ok_or(LinkFailure::Gone)
    }

    /// What waits to be sent over the connection.
    pub(super) fn to_send(&self, connection: u32) -> Result<&[u8], LinkFailure> {
        let index = connection as usize % self.places.len().max(1);
        let place = self.places.get(index).filter(|place| place.number == connection);
        place.ok_or(LinkFailure::Gone)?.to_send()
    }

    /// The program could not open the connection, or it broke.
    pub(super) fn failed(&mut self, connection: u32, now: UnixMs) -> Result<(), LinkFailure> {
        let exchange: ExchangeId = self.place(connection)?.end().ok_or(LinkFailure::Gone)?;
        self.session.handle_failed(exchange, now);
        Ok(())
    }

    /// When [`step`](Self::step) has something to do by itself.
    pub(super) fn wake_up(&self) -> UnixMs {
        self.session.poll_timeout()
    }
}

/// Verifies a signed manifest, and tells the session until when its own version is in effect: the length of the
/// manifest in it, and from when on that is.
fn learn<S: Suite>(
    session: &mut Session<'_, S>,
    manifest: &Manifest<'_>,
    signed: &[u8],
) -> Result<(usize, Round), UpdateError> {
    let signed = SignedManifest::parse(signed).map_err(|_| UpdateError::Version)?;
    signed.verify::<S>(manifest)?;
    let (next, from) = (signed.manifest(), signed.manifest().from_round());
    session.set_versions(next.version(), Some(from));
    Ok((next.as_bytes().len(), from))
}
