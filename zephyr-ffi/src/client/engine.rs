//! An open home and its threads.
//!
//! One thread drives sockets and timers, another one calls the program back. Whoever calls a function waits for its
//! result on the thread it calls from; there it is told when the client is closed.

use std::cell::Cell;
use std::string::ToString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::vec::Vec;

use ::zephyr_client::{Client, Options, Store};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot, watch};

use super::rounds::Rounds;
use super::telling::{QUEUE, Told, tell_all};
use crate::abi::Failure;
use crate::abi::zephyr_status::*;

/// What still runs when a client is closed, such as looking up a name, is given up after this time.
const PATIENCE: Duration = Duration::from_secs(1);

std::thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// How a home is opened.
pub(super) trait Opening: AsyncFnOnce() -> Result<Store, Failure> + Send + 'static {}

impl<F: AsyncFnOnce() -> Result<Store, Failure> + Send + 'static> Opening for F {}

/// Behind every `zephyr_client`.
pub(super) struct Engine {
    /// Calls read it, so closing waits for them.
    open: RwLock<Option<Open>>,
    closing: watch::Sender<bool>,
    pub(super) rounds: Mutex<Rounds>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What a client has until it is closed.
pub(super) struct Open {
    pub(super) client: Client,
    pub(super) runtime: Handle,
    pub(super) queue: mpsc::Sender<Told>,
    /// The thread that drives the runtime ends when this is dropped.
    driving: oneshot::Sender<()>,
}

impl Engine {
    /// Opens a home and starts the threads.
    pub(super) fn open(open: impl Opening) -> Result<Arc<Self>, Failure> {
        refuse_in_runtime()?;
        let (ready, opened) = oneshot::channel();
        let (driving, until) = oneshot::channel();
        let driver = spawn("zephyr-io", move || drive(open, ready, until))?;
        let opened = opened.blocking_recv().unwrap_or_else(|_| Err(ZEPHYR_ERROR_PANIC.into()));
        let (client, runtime) = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                // It has told what there was to tell.
                let _ = driver.join();
                return Err(failure);
            }
        };
        let (closing, closed) = watch::channel(false);
        let (queue, told) = mpsc::channel(QUEUE);
        let engine = Self {
            open: RwLock::new(Some(Open { client, runtime, queue, driving })),
            closing,
            rounds: Mutex::default(),
            threads: Mutex::new(Vec::from([driver])),
        };
        let teller = spawn("zephyr-callbacks", move || {
            IN_CALLBACK.set(true);
            tell_all(told, &closed);
        });
        match teller {
            Ok(teller) => engine.threads().push(teller),
            Err(failure) => {
                engine.close();
                return Err(failure);
            }
        }
        Ok(Arc::new(engine))
    }

    /// Does something with the client, unless it is closed meanwhile.
    pub(super) fn call<T>(
        &self,
        work: impl AsyncFnOnce(&Open) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        refuse_in_runtime()?;
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or(ZEPHYR_ERROR_CLOSED)?;
        open.runtime.block_on(async {
            tokio::select! {
                biased;
                () = switched_on(self.closing.subscribe()) => Err(ZEPHYR_ERROR_CLOSED.into()),
                result = work(open) => result,
            }
        })
    }

    /// Is switched on when the client is closed.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub(super) fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends calls, rounds and callbacks, and closes the home.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { client, runtime, queue, driving }) = open {
            drop(queue);
            let finished = self.rounds().finished();
            runtime.block_on(async {
                finished.await;
                client.store().clone().close().await;
            });
            drop((client, driving));
        }
        for thread in self.threads().drain(..) {
            // Whether it panicked makes no difference any more.
            let _ = thread.join();
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this is one of the threads that call programs back: they can't wait for their own end.
pub(super) fn in_callback() -> bool {
    IN_CALLBACK.get()
}

/// Done when it is on, or can't become so any more.
pub(super) async fn switched_on(mut switch: watch::Receiver<bool>) {
    let _ = switch.wait_for(|&on| on).await;
}

/// Waiting in a thread that drives a tokio runtime would block that, and is a panic in tokio.
pub(super) fn refuse_in_runtime() -> Result<(), Failure> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    let why = "this thread belongs to a tokio runtime: call zephyr from another one";
    Err(Failure::new(ZEPHYR_ERROR_IN_CALLBACK, why))
}

/// The thread of sockets and timers. All that tokio keeps for a thread is kept there, and not on those of the program.
fn drive(
    open: impl Opening,
    ready: oneshot::Sender<Result<(Client, Handle), Failure>>,
    until: oneshot::Receiver<()>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(no_thread(error)))),
    };
    match runtime.block_on(open()) {
        Ok(store) => {
            let client = Client::new(store, Options::default());
            // If nobody waits any more, `until` has ended too.
            let _ = ready.send(Ok((client, runtime.handle().clone())));
            let _ = runtime.block_on(until);
        }
        Err(failure) => drop(ready.send(Err(failure))),
    }
    runtime.shutdown_timeout(PATIENCE);
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    thread::Builder::new().name(name.to_string()).spawn(work).map_err(no_thread)
}

fn no_thread(error: std::io::Error) -> Failure {
    let why = std::format!("the operating system gave no thread or no sockets: {error}");
    Failure::new(ZEPHYR_ERROR_SYSTEM, why)
}
