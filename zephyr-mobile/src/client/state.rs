//! A client that is open, may be running, and gets closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{RwLock, oneshot, watch};
use tokio::task::JoinHandle;
use zephyr_client::Client;

use crate::error::ZephyrError;
use crate::listeners::{Hub, ListenerError, Signal, Subscription};
use crate::runtime;

/// No task holds a reference to it but for a call that somebody waits for: so it is dropped with the object, and with
/// it the rounds end.
pub(super) struct State {
    /// `None` when it is closed.
    client: Mutex<Option<Client>>,
    running: Mutex<Option<Running>>,
    /// Held by the rounds, so that a client that is started while it stops waits for its end.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Calls that are under way hold it to read; closing waits for them.
    calls: RwLock<()>,
    closed: watch::Sender<bool>,
    hub: Arc<Hub>,
}

struct Running {
    task: JoinHandle<()>,
    /// The client stops when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl State {
    pub(super) fn new(client: Client) -> Arc<Self> {
        let hub = Arc::<Hub>::default();
        runtime::spawn(pass_on(client.events(), hub.clone()));
        Arc::new(Self {
            client: Mutex::new(Some(client)),
            running: Mutex::default(),
            turn: Arc::default(),
            calls: RwLock::default(),
            closed: watch::Sender::new(false),
            hub,
        })
    }

    pub(super) fn client(&self) -> Result<Client, ZephyrError> {
        lock(&self.client).clone().ok_or(ZephyrError::Closed)
    }

    pub(super) async fn with<T, F>(&self, work: impl FnOnce(Client) -> F) -> Result<T, ZephyrError>
    where
        F: Future<Output = Result<T, ZephyrError>>,
    {
        let _call = self.calls.read().await;
        let mut closed = self.closed.subscribe();
        let client = self.client()?;
        tokio::select! {
            result = work(client) => result,
            _ = closed.wait_for(|&closed| closed) => Err(ZephyrError::Closed),
        }
    }

    pub(super) fn subscribe(
        &self,
        tell: impl FnMut(&Signal) -> Result<(), ListenerError> + Send + 'static,
    ) -> Result<Arc<Subscription>, ZephyrError> {
        // Held, so that nobody is added after the end.
        let client = lock(&self.client);
        if client.is_none() {
            return Err(ZephyrError::Closed);
        }
        Ok(self.hub.subscribe(tell))
    }

    pub(super) fn is_running(&self) -> bool {
        lock(&self.running).as_ref().is_some_and(|running| !running.task.is_finished())
    }

    pub(super) fn start(&self) -> Result<(), ZephyrError> {
        let mut running = lock(&self.running);
        let client = self.client()?;
        if running.as_ref().is_some_and(|running| !running.task.is_finished()) {
            return Ok(());
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let (hub, turn) = (self.hub.clone(), self.turn.clone());
        let task = runtime::spawn(async move {
            let _turn = turn.lock().await;
            run(client, &hub, stopped).await;
        });
        *running = Some(Running { task, _stop: stop });
        Ok(())
    }

    pub(super) async fn stop(&self) {
        let running = lock(&self.running).take();
        if let Some(Running { task, _stop: stop }) = running {
            drop(stop);
            // A panic in it has been told of.
            let _ = task.await;
        }
    }

    pub(super) async fn close(&self) {
        let client = lock(&self.client).take();
        self.closed.send_replace(true);
        self.stop().await;
        // Somebody else may have told it to stop, and it has not yet.
        let _turn = self.turn.lock().await;
        // Whoever comes second waits for the first as well.
        let _calls = self.calls.write().await;
        if let Some(client) = client {
            self.hub.end();
            client.store().clone().close().await;
        }
    }
}

impl Drop for State {
    /// Databases and sockets want to be dropped by the runtime that made them, and this may be any thread.
    fn drop(&mut self) {
        let client = lock(&self.client).take();
        runtime::spawn(async move { drop(client) });
    }
}

/// The client's rounds, to their end.
async fn run(client: Client, hub: &Hub, stopped: oneshot::Receiver<()>) {
    // A task of its own, so that a panic is told of like any failure.
    let stopped = async {
        let _ = stopped.await;
    };
    let rounds = runtime::spawn(async move { client.run(stopped).await });
    let failure = match rounds.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(ZephyrError::from(error).to_string()),
        Err(_) => Some("a part of the library panicked: please report this".to_owned()),
    };
    hub.publish(&Signal::Stopped(failure));
}

/// Tells the listeners what the client reports, until the client is gone.
async fn pass_on(
    mut events: tokio::sync::broadcast::Receiver<zephyr_client::Event>,
    hub: Arc<Hub>,
) {
    loop {
        match events.recv().await {
            Ok(event) => hub.publish(&Signal::Event(Arc::new(event))),
            // Nothing here waits, so it hardly happens; messages and states are in the home all the same.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events were lost"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
