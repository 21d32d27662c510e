//! Somebody whose program does not run for a while.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zephyr_client::{Client, Delivery, Event, Message, RunError};
use zephyr_core::session;

use super::network::{Network, Plan};
use super::register;

/// A client that can be stopped and started again.
struct Program {
    client: Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), RunError>>,
}

impl Program {
    fn start(client: Client) -> Self {
        let (stop, stopped) = oneshot::channel();
        let runs = client.clone();
        let running =
            tokio::spawn(
                async move { runs.run(async { stopped.await.unwrap_or_default() }).await },
            );
        Self { client, stop, running }
    }

    async fn stop(self) -> Client {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
        self.client
    }

    /// Waits until it has searched so many rounds' mailboxes.
    async fn rounds(&self, rounds: usize) {
        let mut events = self.client.events();
        let mut searched = 0;
        while searched < rounds {
            let event = timeout(Duration::from_secs(60), events.recv()).await.expect("a round");
            searched +=
                usize::from(matches!(event, Ok(Event::Round(session::Event::Scanned { .. }))));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_who_was_offline_gets_everything_in_order_and_the_sender_knows() {
    let mut network = Network::start(Plan::default()).await;
    let alice = Program::start(register(&mut network, "alice@example.org").await);
    let bob = Program::start(register(&mut network, "bob@example.org").await);
    let (to_alice, to_bob) =
        ("alice@example.org".parse().unwrap(), "bob@example.org".parse().unwrap());
    bob.client.add_contact(&to_alice, None).await.unwrap();
    let bob = bob.stop().await;

    let texts = ["one".to_owned(), "two, rather long. ".repeat(300), "three".to_owned()];
    let mut sent = Vec::new();
    for text in &texts {
        sent.push(alice.client.send(&to_bob, Message::Text(text.clone())).await.unwrap().id);
    }
    timeout(Duration::from_secs(60), alice.client.drain()).await.expect("in time").unwrap();
    alice.rounds(3).await;
    for id in &sent {
        assert!(matches!(alice.client.delivery(*id).await.unwrap(), Delivery::Sent { .. }));
    }

    let bob = Program::start(bob);
    let last = alice.client.delivered(sent[2]);
    timeout(Duration::from_secs(150), last).await.expect("an acknowledgement in time").unwrap();
    let states = alice.client.outbox().await.unwrap();
    assert!(states.iter().all(|message| message.delivery == Delivery::Delivered));
    let inbox = bob.client.inbox(false).await.unwrap();
    let arrived: Vec<_> = inbox.iter().map(|message| message.text().unwrap()).collect();
    assert_eq!(arrived, texts);
    alice.stop().await;
    bob.stop().await;
    network.stop().await;
}
