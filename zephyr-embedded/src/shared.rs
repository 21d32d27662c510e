//! What the handle and the runner have in common.

use core::cell::{Cell, RefCell};
use core::marker::PhantomData;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::Instant;
use heapless::Deque;
use rand_core::CryptoRng;
use zephyr_core::UnixMs;

use crate::event::Event;
use crate::home::Home;
use crate::manifests::Manifests;
use crate::storage::Storage;

/// How many events wait for the application.
const EVENTS: usize = 8;

pub(crate) struct Shared<'a, N, S, R, C> {
    pub(crate) home: Mutex<NoopRawMutex, Home<'a, S>>,
    pub(crate) network: N,
    pub(crate) rng: RefCell<R>,
    pub(crate) manifests: Manifests<'a>,
    pub(crate) clock: Clock,
    pub(crate) events: Events,
    /// The home's contacts are others than before.
    pub(crate) contacts: Signal<NoopRawMutex, ()>,
    /// Something came for the user.
    pub(crate) arrived: Signal<NoopRawMutex, ()>,
    pub(crate) suite: PhantomData<C>,
}

impl<'a, N, S: Storage, R, C> Shared<'a, N, S, R, C> {
    pub(crate) fn new(home: Home<'a, S>, network: N, rng: R, manifests: Manifests<'a>) -> Self {
        Self {
            clock: Clock::new(home.clock()),
            home: Mutex::new(home),
            network,
            rng: RefCell::new(rng),
            manifests,
            events: Events::new(),
            contacts: Signal::new(),
            arrived: Signal::new(),
            suite: PhantomData,
        }
    }
}

impl<N, S, R: CryptoRng, C> Shared<'_, N, S, R, C> {
    /// Random bytes that are never used again.
    pub(crate) fn ephemeral(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.borrow_mut().fill_bytes(&mut bytes);
        bytes
    }
}

/// The time, as far as a board without a clock can know it.
pub(crate) struct Clock {
    /// The local time at which [`Instant`] was 0.
    base: u64,
    /// The network's time less the local one, in milliseconds, once an info-node has told.
    offset: Cell<Option<i64>>,
}

impl Clock {
    /// The local time goes on from `written`, so that it grows over resets.
    pub(crate) fn new(written: UnixMs) -> Self {
        Self { base: written.0.saturating_sub(Instant::now().as_millis()), offset: Cell::new(None) }
    }

    pub(crate) fn local(&self) -> UnixMs {
        UnixMs(self.base.saturating_add(Instant::now().as_millis()))
    }

    pub(crate) fn set_offset(&self, offset_ms: i64) {
        self.offset.set(Some(offset_ms));
    }

    pub(crate) fn network(&self) -> Option<UnixMs> {
        self.offset.get().map(|offset| UnixMs(self.local().0.saturating_add_signed(offset)))
    }
}

/// The newest events; who doesn't listen loses the oldest.
pub(crate) struct Events {
    waiting: RefCell<Deque<Event, EVENTS>>,
    come: Signal<NoopRawMutex, ()>,
}

impl Events {
    pub(crate) const fn new() -> Self {
        Self { waiting: RefCell::new(Deque::new()), come: Signal::new() }
    }

    pub(crate) fn tell(&self, event: Event) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_full() {
            waiting.pop_front();
        }
        // There is room now.
        let _ = waiting.push_back(event);
        self.come.signal(());
    }

    pub(crate) async fn next(&self) -> Event {
        loop {
            if let Some(event) = self.waiting.borrow_mut().pop_front() {
                return event;
            }
            self.come.wait().await;
        }
    }
}
