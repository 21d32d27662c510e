//! Telling the application what happens. Each listener has a thread of its own, so that it may take its time and call
//! back into the client; a listener that fails is told of the next event all the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use zephyr_client::Event;

use crate::events::RoundEvent;
use crate::types::{DeliveryUpdate, Message};

/// A listener failed. It is told of what happens next all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// What it threw.
    #[error("a listener failed: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

/// Is told of messages that arrive.
#[uniffi::export(with_foreign)]
pub trait MessageListener: Send + Sync {
    /// A message arrived; it is in the inbox.
    fn on_message(&self, message: Message) -> Result<(), ListenerError>;
}

/// Is told how far messages in the outbox have come.
#[uniffi::export(with_foreign)]
pub trait DeliveryListener: Send + Sync {
    /// A message has come further, or fell back because parts of it are to be sent again.
    fn on_delivery(&self, update: DeliveryUpdate) -> Result<(), ListenerError>;
}

/// Is told how the rounds go.
#[uniffi::export(with_foreign)]
pub trait RoundListener: Send + Sync {
    /// Something happened in a round, or the client stopped.
    fn on_round(&self, event: RoundEvent) -> Result<(), ListenerError>;
}

/// A listener that is listening. It stops when this is cancelled, or dropped: keep it as long as it is to listen.
#[derive(uniffi::Object)]
pub struct Subscription {
    hub: Weak<Hub>,
    cancelled: Arc<AtomicBool>,
}

#[uniffi::export]
impl Subscription {
    /// Stops the listener: it is called no more, though a call that has begun may still be under way. Of no effect if
    /// it has stopped.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        if let Some(hub) = self.hub.upgrade() {
            hub.sweep();
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// What listeners are told.
#[derive(Clone)]
pub(crate) enum Signal {
    /// The client reported something.
    Event(Arc<Event>),
    /// The client stopped, because of a failure if there is one.
    Stopped(Option<String>),
}

impl Signal {
    /// What the client reported, if it is that.
    pub(crate) fn event(&self) -> Option<&Event> {
        if let Self::Event(event) = self { Some(event) } else { None }
    }
}

/// Everybody who listens to one client.
#[derive(Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<Listener>>,
}

struct Listener {
    cancelled: Arc<AtomicBool>,
    signals: Sender<Signal>,
}

impl Hub {
    /// Tells all listeners, without waiting for them.
    pub(crate) fn publish(&self, signal: &Signal) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| {
            !listener.cancelled.load(Ordering::Acquire)
                && listener.signals.send(signal.clone()).is_ok()
        });
    }

    /// Calls `tell` on a thread of its own with each signal from now on.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        tell: impl FnMut(&Signal) -> Result<(), ListenerError> + Send + 'static,
    ) -> Arc<Subscription> {
        let (signals, received) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let listener = Listener { cancelled: cancelled.clone(), signals };
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        let subscription = Subscription { hub: Arc::downgrade(self), cancelled: cancelled.clone() };
        std::thread::Builder::new()
            .name("zephyr-listener".into())
            .spawn(move || listen(&received, &cancelled, tell))
            .expect("the operating system gives a process threads");
        Arc::new(subscription)
    }

    /// Lets go of all listeners when they have been told everything.
    pub(crate) fn end(&self) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lets go of listeners that were cancelled, so that their threads end.
    fn sweep(&self) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| !listener.cancelled.load(Ordering::Acquire));
    }
}

fn listen(
    received: &Receiver<Signal>,
    cancelled: &AtomicBool,
    mut tell: impl FnMut(&Signal) -> Result<(), ListenerError>,
) {
    while let Ok(signal) = received.recv() {
        if cancelled.load(Ordering::Acquire) {
            return;
        }
        // What it says may hold what a message says, so it is not logged.
        if !matches!(catch_unwind(AssertUnwindSafe(|| tell(&signal))), Ok(Ok(()))) {
            tracing::warn!("a listener failed");
        }
    }
}

#[cfg(test)]
mod tests;
