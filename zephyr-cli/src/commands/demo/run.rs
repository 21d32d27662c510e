//! Clients that write to each other in the rounds of a network.

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use zephyr_client::{Event, InboxMessage, Network};
use zephyr_core::session::{self, Missed};
use zephyr_core::{Address, Parameters, Round, UnixMs};

use super::people::{PEERS, Person};
use super::tally::Letter;
use crate::clock;
use crate::exit::{Failure, Outcome};

/// The clients while they run.
pub struct Run<'n> {
    pub network: &'n Network,
    pub people: Vec<Person>,
    tasks: Vec<JoinHandle<()>>,
    news: mpsc::UnboundedReceiver<News>,
}

/// What happened at a client.
pub enum News {
    /// A message came.
    Arrived { text: Option<String> },
    /// It has searched its mailbox.
    Searched { round: Round },
    /// The round brought nothing.
    Missed { round: Round, why: Missed },
}

impl<'n> Run<'n> {
    /// Starts the clients.
    pub fn start(network: &'n Network, people: Vec<Person>) -> Self {
        let (sender, news) = mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for person in &people {
            tasks.push(tokio::spawn(listen(person.client.events(), sender.clone())));
            let client = person.client.clone();
            tasks.push(tokio::spawn(async move {
                if let Err(error) = client.run(std::future::pending()).await {
                    tracing::error!(%error, "a client stopped");
                }
            }));
        }
        Self { network, people, tasks, news }
    }

    /// Stops them.
    pub async fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        join_all(self.tasks).await;
    }

    /// What happens next at a client, until `until`.
    pub async fn next(&mut self, until: UnixMs) -> Outcome<Option<News>> {
        let wait = Duration::from_millis(until.since(clock::now()));
        match tokio::time::timeout(wait, self.news.recv()).await {
            Ok(Some(news)) => Ok(Some(news)),
            Ok(None) => Err(Failure::failed("all clients stopped")),
            Err(_) => Ok(None),
        }
    }

    /// Everybody writes one message, the `turn`th time.
    pub async fn write(&self, round: Round, turn: u64, sent: &mut Vec<Letter>) -> Outcome {
        let users = self.people.len();
        let distance = 1 + turn as usize % PEERS.min(users - 1);
        for (index, person) in self.people.iter().enumerate() {
            let to = &self.people[(index + distance) % users];
            let letter = Letter::new(round, person, to);
            person.client.send(&to.address, letter.message()).await?;
            sent.push(letter);
        }
        Ok(())
    }

    /// What everybody has got.
    pub async fn inboxes(&self) -> Outcome<Vec<(Address, Vec<InboxMessage>)>> {
        let mut inboxes = Vec::new();
        for person in &self.people {
            inboxes.push((person.address.clone(), person.client.inbox(false).await?));
        }
        Ok(inboxes)
    }
}

/// The first round for which there is time enough to write.
pub fn first_round(parameters: &Parameters) -> Round {
    let now = clock::now();
    let after = now.plus(u64::from(parameters.round_ms) / 4);
    let current = after.since(parameters.genesis) / u64::from(parameters.round_ms);
    Round(current + 1)
}

/// When to write what is to leave in this round: shortly before it takes packets.
pub fn write_at(parameters: &Parameters, round: Round) -> UnixMs {
    let from = parameters.schedule(round).submit_from;
    UnixMs(from.0.saturating_sub(u64::from(parameters.round_ms - parameters.submit_ms) / 2))
}

async fn listen(mut events: broadcast::Receiver<Event>, news: mpsc::UnboundedSender<News>) {
    loop {
        let event = match events.recv().await {
            Ok(Event::Message(message)) => {
                News::Arrived { text: message.text().map(str::to_owned) }
            }
            Ok(Event::Round(session::Event::Scanned { round, .. })) => News::Searched { round },
            Ok(Event::Round(session::Event::Missed { round, why })) => News::Missed { round, why },
            Ok(Event::Unreachable { role, index, why }) => {
                tracing::debug!(%role, index, %why, "a client can't reach a server");
                continue;
            }
            Ok(Event::Round(session::Event::PkgRefused { round, pkg, why })) => {
                tracing::debug!(%round, %pkg, ?why, "a PKG refuses a client its share");
                continue;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if news.send(event).is_err() {
            return;
        }
    }
}
