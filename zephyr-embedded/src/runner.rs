//! Drives the session: connections, clock, random numbers and the home, in the order in which it asks for them.

mod driver;
mod place;
mod worker;

use core::convert::Infallible;

use embassy_futures::select::{Either, select};
use embassy_sync::signal::Signal;
use embedded_nal_async::{Dns, TcpConnect};
use rand_core::CryptoRng;
use zephyr_core::session::{self, Contact, ROUNDS_IN_FLIGHT, Session, TagEntry};
use zephyr_core::{
    CONNECTION_OVERHEAD, FRAME_PREFIX, HANDSHAKE_SIZE, Hop, Manifest, Role, Round, Suite, UnixMs,
};

use crate::apart;
use crate::apart::made;
use crate::error::Error;
use crate::home::Home;
use crate::shared::Shared;
use crate::storage::Storage;

use driver::Driver;
use place::Place;

/// What a request is longer than the packet in it, at most.
const REQUEST: usize = 256;

/// The memory that sessions use, one after the other.
pub(crate) struct Lent<'a, const CONNECTIONS: usize, C: Suite> {
    pub(crate) packets: &'a mut [u8],
    pub(crate) body: &'a mut [u8],
    pub(crate) contacts: &'a mut [Option<Contact<C::Pairing>>],
    pub(crate) exchanges: &'a mut [Option<session::Exchange>],
    pub(crate) tags: &'a mut [TagEntry],
    pub(crate) held: &'a mut [u8],
    pub(crate) hops: &'a mut [Hop],
    pub(crate) frames: [&'a mut [u8]; CONNECTIONS],
}

/// How large the parts of [`Lent`] are.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    connections: usize,
    mixers: usize,
    slots: usize,
    packet: usize,
    frame: usize,
}

impl<const CONNECTIONS: usize, C: Suite> Lent<'_, CONNECTIONS, C> {
    pub(crate) fn sizes(&self, slots: usize, packet: usize) -> Sizes {
        let frame = self.frames.first().map_or(0, |frame| frame.len());
        Sizes { connections: CONNECTIONS, mixers: self.hops.len(), slots, packet, frame }
    }
}

/// Whether a session over `manifest` has room. If not: which parameter is too small, what it must be, what it is.
pub(crate) fn fits(
    manifest: &Manifest<'_>,
    sizes: &Sizes,
) -> Result<(), (&'static str, usize, usize)> {
    let parameters = manifest.parameters();
    let packet = parameters.geometry.packet_len();
    // A request is written behind the server's handshake, or its short answer.
    let frame = FRAME_PREFIX + HANDSHAKE_SIZE + packet + REQUEST + CONNECTION_OVERHEAD;
    let needs = [
        ("CONNECTIONS", 1, sizes.connections),
        ("MIXERS", manifest.servers(Role::Mixer).count(), sizes.mixers),
        ("SLOTS", parameters.packets_per_round.into(), sizes.slots),
        ("PACKET", packet, sizes.packet),
        ("FRAME", frame, sizes.frame),
    ];
    match needs.into_iter().find(|(_, needed, given)| needed > given) {
        Some(need) => Err(need),
        None => Ok(()),
    }
}

/// How the client takes part.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) sizes: Sizes,
    pub(crate) contacts_only: bool,
    pub(crate) verify_proofs: bool,
}

/// The client at work. Spawn a task that calls [`run`](Self::run).
pub struct Runner<'a, N, S, R, const CONNECTIONS: usize, C: Suite> {
    shared: &'a Shared<'a, N, S, R, C>,
    lent: &'a mut Lent<'a, CONNECTIONS, C>,
    settings: Settings,
}

impl<'a, N, S, R, const CONNECTIONS: usize, C> Runner<'a, N, S, R, CONNECTIONS, C>
where
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
    C: Suite,
{
    pub(crate) fn new(
        shared: &'a Shared<'a, N, S, R, C>,
        lent: &'a mut Lent<'a, CONNECTIONS, C>,
        settings: Settings,
    ) -> Self {
        Self { shared, lent, settings }
    }

    /// Takes part in every round, for ever. The future may be dropped at any time, as a reset would do it.
    ///
    /// # Errors
    /// If the storage can't be read or written: nothing is done that was not written down before.
    pub async fn run(mut self) -> Result<Infallible, Error<S::Error>> {
        let last = self.shared.home.lock().await.last_round();
        let mut next = last.map_or(Round(0), |(round, _)| Round(round.0.saturating_add(1)));
        loop {
            next = apart!(self.run_version(next)).await?;
        }
    }

    /// Takes part in the rounds of one version of the network, the one for `round`; returns the first round of the next
    /// one when all of them are over. Everybody changes over at the same time, whatever there is to be sent.
    async fn run_version(&mut self, round: Round) -> Result<Round, Error<S::Error>> {
        let Self { shared, lent, settings } = self;
        let version = shared.manifests.at(round);
        let bytes = shared.manifests.enter(version).await;
        let manifest = bytes.manifest();
        lent.contacts.fill_with(|| None);
        // Of a packet's places the session uses as many as it has slots.
        let tags = ROUNDS_IN_FLIGHT
            * lent.contacts.len()
            * usize::from(manifest.parameters().packets_per_round);
        let storage = session::Storage {
            packets: &mut *lent.packets,
            contacts: &mut *lent.contacts,
            tags: &mut lent.tags[..tags],
            held: &mut *lent.held,
            hops: &mut *lent.hops,
            exchanges: &mut *lent.exchanges,
        };
        let mut session = {
            let home = shared.home.lock().await;
            begin(&manifest, &home, settings, storage, shared.clock.local())
        };
        let places = made(|| lent.frames.each_mut().map(|frame| Place::new(frame)));
        let wake = Signal::new();
        let mut driver = Driver {
            shared,
            session: &mut session,
            manifest: &manifest,
            version,
            sizes: settings.sizes,
            body: &mut *lent.body,
            places: &places,
            wake: &wake,
        };
        let (places, manifest) = (&places, &manifest);
        match select(apart!(driver.run()), apart!(worker::all(places, manifest, shared, &wake)))
            .await
        {
            Either::First(next) => next,
            Either::Second(never) => match never.first() {
                Some(&never) => match never {},
                None => Ok(round),
            },
        }
    }
}

/// A session of the home's user. Made in a stack frame of its own.
#[inline(never)]
fn begin<'m, S: Storage, C: Suite>(
    manifest: &Manifest<'m>,
    home: &Home<'_, S>,
    settings: &Settings,
    storage: session::Storage<'m, C>,
    now: UnixMs,
) -> Session<'m, C> {
    let settings = session::Settings {
        address: home.account().address().clone(),
        seed: home.account().seed().clone(),
        contacts_only: settings.contacts_only,
        verify_proofs: settings.verify_proofs,
        last_round: home.last_round(),
    };
    Session::new(manifest.clone(), settings, storage, now)
}
