//! Taking part in the network's rounds.

use std::string::{String, ToString};
use std::sync::Arc;

use ::zephyr_client::{Client, Event, RunError, StoreError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::engine::{Engine, Open, switched_on};
use super::failure::sentence;
use super::registry::{self, zephyr_client};
use super::telling::{Callbacks, News, Told, zephyr_callbacks};
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, boundary, zephyr_status};

/// Starts to take part in the network's rounds, in threads of the library's own, until zephyr_client_stop,
/// zephyr_client_close, or a failure that can't be retried.
///
/// `callbacks` may be NULL, and is not kept: what its pointers point to must live until the client is closed. What
/// came earlier and was not marked as seen is not told again: see zephyr_client_inbox.
/// @return ZEPHYR_ERROR_RUNNING if it takes part already.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_start(
    client: *mut zephyr_client,
    callbacks: *const zephyr_callbacks,
) -> zephyr_status {
    boundary(|| {
        let engine = registry::find(client)?;
        // SAFETY: as the caller promises.
        let callbacks = unsafe { Callbacks::read(callbacks) }?;
        engine.call(async |open| engine.rounds().start(&engine, open, callbacks))
    })
}

/// Pauses: returns when the client takes part no more. Whatever had happened until then is still told, on_stopped
/// last. Of no effect if it does not take part.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_client_stop(client: *mut zephyr_client) -> zephyr_status {
    boundary(|| {
        let engine = registry::find(client)?;
        engine.call(async |_| {
            let finished = engine.rounds().stop();
            finished.await;
            Ok(())
        })
    })
}

/// The time from one start to the next.
#[derive(Default)]
pub(super) struct Rounds(Option<Run>);

struct Run {
    stop: watch::Sender<bool>,
    finished: watch::Receiver<bool>,
    /// Of the task that brings what happens to the callbacks.
    telling: JoinHandle<()>,
}

impl Rounds {
    fn start(&mut self, engine: &Engine, open: &Open, callbacks: Callbacks) -> Result<(), Failure> {
        if self.0.as_ref().is_some_and(|run| !run.is_finished()) {
            return Err(ZEPHYR_ERROR_RUNNING.into());
        }
        let (stop, stopped) = watch::channel(false);
        let (finish, finished) = watch::channel(false);
        let (client, closing) = (open.client.clone(), engine.closing());
        let events = client.events();
        let running = open.runtime.spawn(async move {
            let enough = async {
                tokio::select! {
                    () = switched_on(stopped) => {}
                    () = switched_on(closing) => {}
                }
            };
            let result = client.run(enough).await;
            drop(client);
            finish.send_replace(true);
            result
        });
        let line = Line { callbacks: Arc::new(callbacks), queue: open.queue.clone() };
        let (client, earlier) = (open.client.clone(), self.0.take().map(|run| run.telling));
        let telling = open.runtime.spawn(async move {
            if let Some(earlier) = earlier {
                // Its news come first. If it panicked there are no more.
                let _ = earlier.await;
            }
            line.tell(&client, events, running).await;
        });
        self.0 = Some(Run { stop, finished, telling });
        Ok(())
    }

    fn stop(&self) -> impl Future<Output = ()> + use<> {
        if let Some(run) = &self.0 {
            run.stop.send_replace(true);
        }
        self.finished()
    }

    /// Done when the client doesn't take part.
    pub(super) fn finished(&self) -> impl Future<Output = ()> + use<> {
        let finished = self.0.as_ref().map(|run| run.finished.clone());
        async {
            if let Some(finished) = finished {
                switched_on(finished).await;
            }
        }
    }
}

impl Run {
    /// Also if it ended by a panic.
    fn is_finished(&self) -> bool {
        *self.finished.borrow() || self.finished.has_changed().is_err()
    }
}

/// The way to the thread that calls the program back.
struct Line {
    callbacks: Arc<Callbacks>,
    queue: mpsc::Sender<Told>,
}

impl Line {
    /// Tells all that happens while the client takes part, and how that ended.
    async fn tell(
        &self,
        client: &Client,
        mut events: Receiver<Event>,
        mut running: JoinHandle<Result<(), RunError>>,
    ) {
        loop {
            // While the program is slow, events wait at the client's.
            let Ok(place) = self.queue.reserve().await else { return };
            let news = tokio::select! {
                            biased;
                            event = events.recv() => match event {
                                Ok(event) => News::Event(event.into()),
                                Err(RecvError::Lagged(_)) => match catch_up(client).await {
                                    Ok(news) => news,
                                    // The client that takes part will come upon it too.
                                    Err(_) => continue,
                                },
                                Err(RecvError::Closed) => return,
                            },
                            result = &mut running => {
                                let (status, why) = match result {
                                    Ok(Ok(())) => (ZEPHYR_OK, String::new()),
                                    Ok(Err(error)) => {
            (Failure::from(&error).status, sentence(&error.to_string()))
            }
                                    Err(error) => (ZEPHYR_ERROR_PANIC, error.to_string()),
                                };
                                place.send(self.told(News::Stopped(status, why)));
                                return;
                            }
                        };
            place.send(self.told(news));
        }
    }

    fn told(&self, news: News) -> Told {
        Told { callbacks: self.callbacks.clone(), news }
    }
}

/// The program was so slow that events were missed: how everything stands now.
async fn catch_up(client: &Client) -> Result<News, StoreError> {
    Ok(News::Missed { inbox: client.inbox(true).await?, outbox: client.outbox().await? })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use ::zephyr_client::{Message, Options};
    use tokio::sync::broadcast;
    use zephyr_core::Address;

    use super::super::testing::home;
    use super::*;

    /// What is told of these events, which the program was too slow for, and of the end.
    async fn told(events: u32, end: Result<(), RunError>) -> Vec<News> {
        let client = Client::new(home().await.expect("a home in memory"), Options::default());
        let bob = Address::parse("bob@example.org").expect("an address");
        client.send(&bob, Message::Text("hi".into())).await.expect("there is room");
        let (queue, mut told) = mpsc::channel(100);
        // SAFETY: no callbacks.
        let callbacks = unsafe { Callbacks::read(core::ptr::null()) }.expect("none are fine");
        let line = Line { callbacks: Arc::new(callbacks), queue };
        let (sender, receiver) = broadcast::channel(2);
        for arrived in 1..=events {
            sender.send(Event::Part { from: None, arrived, of: 9 }).expect("there is a receiver");
        }
        let running = tokio::spawn(async move { end });
        line.tell(&client, receiver, running).await;
        drop(line);
        let mut news = Vec::new();
        while let Some(Told { news: one, .. }) = told.recv().await {
            news.push(one);
        }
        news
    }

    #[tokio::test]
    async fn everything_is_told_and_the_end_last() {
        let news = told(2, Ok(())).await;
        let [News::Event(_), News::Event(_), News::Stopped(ZEPHYR_OK, why)] = &news[..] else {
            panic!("{} things were told", news.len());
        };
        assert_eq!(why, "");
    }

    #[tokio::test]
    async fn a_program_that_missed_something_is_told_how_everything_stands() {
        let news = told(5, Err(RunError::Running)).await;
        let [News::Missed { inbox, outbox }, _, _, News::Stopped(ZEPHYR_ERROR_RUNNING, why)] =
            &news[..]
        else {
            panic!("{} things were told", news.len());
        };
        assert_eq!((inbox.len(), outbox.len()), (0, 1));
        assert_eq!(why, "This client is running already.");
    }
}
