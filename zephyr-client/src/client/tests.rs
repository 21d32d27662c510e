//! Clients over a small network of fake servers on loopback sockets, with the real protocol.

mod fake;
mod link;

use std::time::Duration;

use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;
use zephyr_core::session;
use zephyr_core::wire::Code;
use zephyr_core::{Address, Content, PkgIndex, Role};

use super::*;
use crate::registration::{Answer, Registrar};
use crate::store::{Refused, Store};
use crate::testing::{alice, bob};
use fake::Fake;

/// Long enough for slow machines; a test that succeeds is done as soon as it can be.
const PATIENCE: Duration = Duration::from_secs(90);

struct Running {
    client: Client,
    events: broadcast::Receiver<Event>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    /// A registered client that has its key of a round: what is sent to it from now on arrives.
    async fn start(fake: &Fake, address: &Address) -> Self {
        let store = Store::in_memory(address, fake.network()).await.unwrap();
        register(&store).await;
        let mut running = Self::over(store);
        running
            .wait_for(|event| match event {
                Event::Round(session::Event::Keyed { .. }) => Some(()),
                _ => None,
            })
            .await;
        running
    }

    fn over(store: Store) -> Self {
        let client = Client::new(store, Options::default());
        let events = client.events();
        let (stop, stopped) = oneshot::channel();
        let running = client.clone();
        let task =
            tokio::spawn(
                async move { running.run(async { stopped.await.unwrap_or_default() }).await },
            );
        Self { client, events, stop, task }
    }

    async fn wait_for<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = pick(self.events.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the event comes in time")
    }

    async fn message(&mut self) -> Arc<InboxMessage> {
        self.wait_for(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
        .await
    }

    async fn stop(self) -> Store {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        self.client.store().clone()
    }
}

async fn register(store: &Store) {
    let registrar = Registrar::new(store.clone());
    for (pkg, answer) in registrar.register().await {
        assert!(matches!(answer, Ok(Answer::CodeSent { .. })), "{answer:?}");
        let code = Code::parse(fake::CODE).unwrap();
        assert_eq!(registrar.confirm(pkg.index, &code).await.unwrap(), Answer::Registered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_through_real_rounds() {
    let fake = Fake::start().await;
    let mut a = Running::start(&fake, &alice()).await;
    let mut b = Running::start(&fake, &bob()).await;
    let long: String = "a long text. ".repeat(300);
    let queued = a.client.send(&bob(), Message::Text(long.clone())).await.unwrap();
    assert_eq!(queued.estimate.fragments, 5);
    assert_eq!(queued.estimate.rounds, 2, "four slots for one contact");
    b.client.send(&alice(), Message::File(vec![0, 255, 3])).await.unwrap();

    let (to_bob, to_alice) = tokio::join!(b.message(), a.message());
    assert_eq!(to_bob.text(), Some(long.as_str()));
    assert_eq!((to_bob.from.clone(), to_bob.authenticated), (Some(alice()), true));
    assert_eq!((to_alice.content, to_alice.body.as_slice()), (Content::File, &[0, 255, 3][..]));
    assert_eq!(to_alice.from, Some(bob()));
    tokio::time::timeout(PATIENCE, a.client.drain()).await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, a.client.delivered(queued.id)).await.unwrap().unwrap();
    let stats = a.client.stats();
    assert!(stats.rounds >= 2 && stats.bytes_in > 4_000 && stats.bytes_out > 8_000, "{stats:?}");
    assert!(matches!(a.client.run(async {}).await, Err(RunError::Running)));

    let store = b.stop().await;
    assert_eq!(store.inbox(true).await.unwrap().len(), 1);
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_void_round_lost_is_sent_again() {
    let fake = Fake::start().await;
    let mut a = Running::start(&fake, &alice()).await;
    let mut b = Running::start(&fake, &bob()).await;
    fake.set_void(true);
    a.client.send(&bob(), Message::Text("once".into())).await.unwrap();
    let requeued = a
        .wait_for(|event| match event {
            Event::Requeued { fragments, .. } => Some(fragments),
            _ => None,
        })
        .await;
    assert_eq!(requeued, 1);
    fake.set_void(false);
    assert_eq!(b.message().await.text(), Some("once"));
    tokio::time::timeout(PATIENCE, a.client.drain()).await.unwrap().unwrap();
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_is_told_of_the_delivery_only_by_somebody_who_has_added_them() {
    let fake = Fake::start().await;
    let mut a = Running::start(&fake, &alice()).await;
    let mut b = Running::start(&fake, &bob()).await;
    let queued = a.client.send(&bob(), Message::Text("hello".into())).await.unwrap();
    assert_eq!(b.message().await.text(), Some("hello"));
    tokio::time::timeout(PATIENCE, a.client.drain()).await.unwrap().unwrap();
    assert!(matches!(a.client.delivery(queued.id).await.unwrap(), Delivery::Sent { .. }));
    b.client.add_contact(&alice(), None).await.unwrap();
    // Sent again by itself.
    a.wait_for(|event| match event {
        Event::Delivery { id, delivery: Delivery::Delivered } if id == queued.id => Some(()),
        _ => None,
    })
    .await;
    a.stop().await;
    assert_eq!(b.stop().await.inbox(false).await.unwrap().len(), 1, "it did not come twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_somebody_who_is_blocked_is_dropped() {
    let fake = Fake::start().await;
    let a = Running::start(&fake, &alice()).await;
    let mut b = Running::start(&fake, &bob()).await;
    b.client.add_contact(&alice(), None).await.unwrap();
    assert!(b.client.block(&alice()).await.unwrap());
    let queued = a.client.send(&bob(), Message::Text("hello".into())).await.unwrap();
    b.wait_for(|event| match event {
        Event::Dropped(Refused::Blocked) => Some(()),
        Event::Message(message) => panic!("{message:?}"),
        _ => None,
    })
    .await;
    assert_eq!(b.client.blocked().await.unwrap(), [alice()]);
    assert!(matches!(b.client.block(&bob()).await, Err(SendError::OwnAddress)));
    tokio::time::timeout(PATIENCE, a.client.drain()).await.unwrap().unwrap();
    assert!(matches!(a.client.delivery(queued.id).await.unwrap(), Delivery::Sent { .. }));
    a.stop().await;
    assert!(b.stop().await.inbox(false).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_registered_sends_cover_and_says_so() {
    let fake = Fake::start().await;
    let store = Store::in_memory(&alice(), fake.network()).await.unwrap();
    let mut a = Running::over(store);
    a.client.send(&bob(), Message::Text("hi".into())).await.unwrap();
    let refused = a
        .wait_for(|event| match event {
            Event::Round(session::Event::PkgRefused { pkg, .. }) => Some(pkg),
            _ => None,
        })
        .await;
    assert!(refused == PkgIndex(0) || refused == PkgIndex(1));
    a.wait_for(|event| match event {
        Event::Round(session::Event::SlotSent { .. }) => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(a.client.outbox().await.unwrap()[0].delivery, Delivery::Queued);
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_is_refused_and_the_right_one_still_works() {
    let fake = Fake::start().await;
    let store = Store::in_memory(&alice(), fake.network()).await.unwrap();
    let registrar = Registrar::new(store.clone());
    registrar.register().await;
    let wrong = registrar.confirm(0, &Code::parse("ZZZZ-ZZZZ").unwrap()).await.unwrap_err();
    assert!(wrong.to_string().contains("the code is wrong"), "{wrong}");
    assert!(registrar.confirm(2, &Code::parse(fake::CODE).unwrap()).await.is_err());
    register(&store).await;
    for (_, state) in registrar.status().await.unwrap() {
        assert_eq!(state, crate::store::Registration::Registered);
    }
    let findings = crate::check(&store).await;
    assert_eq!(findings.len(), 9);
    assert!(findings.iter().all(|finding| finding.good), "{findings:?}");
    for (_, answer) in registrar.unregister().await {
        assert_eq!(answer.unwrap(), Answer::Unregistered);
    }
    for (_, state) in registrar.status().await.unwrap() {
        assert_eq!(state, crate::store::Registration::None);
    }
    let findings = crate::check(&store).await;
    let bad: Vec<_> = findings.iter().filter(|finding| !finding.good).collect();
    assert!(bad.len() == 2 && bad[0].sentence.contains("register the address"), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_killed_goes_on_where_it_was() {
    let fake = Fake::start().await;
    let dir = tempfile::TempDir::new().unwrap();
    let store = Store::create(dir.path(), &alice(), fake.network()).await.unwrap();
    register(&store).await;
    let mut b = Running::start(&fake, &bob()).await;
    let mut a = Running::over(store);
    let body: Vec<u8> = (0..9 * 972).map(|i| i as u8).collect();
    a.client.send(&bob(), Message::File(body.clone())).await.unwrap();
    a.wait_for(|event| match event {
        Event::Delivery { delivery: Delivery::Sending { .. }, .. } => Some(()),
        _ => None,
    })
    .await;
    let Running { client, task, .. } = a;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    client.store().clone().close().await;
    drop(client);

    let a = Running::over(Store::open(dir.path()).await.unwrap());
    assert_eq!(b.message().await.body, body);
    tokio::time::timeout(PATIENCE, a.client.drain()).await.unwrap().unwrap();
    let outbox = a.client.outbox().await.unwrap();
    assert!(matches!(outbox[0].delivery, Delivery::Sent { .. }));
    a.stop().await;
    assert_eq!(b.stop().await.inbox(false).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_down_are_named_and_others_asked() {
    let mut fake = Fake::start().await;
    fake.stop("info-1");
    fake.stop("mailbox-1");
    let a = Running::start(&fake, &alice()).await;
    let mut b = Running::start(&fake, &bob()).await;
    a.client.send(&bob(), Message::Text("hi".into())).await.unwrap();
    assert_eq!(b.message().await.text(), Some("hi"));
    let mut down = b.client.events();
    let again = async {
        loop {
            if let Event::Unreachable { role: Role::Mailbox, index: 0, why } =
                down.recv().await.unwrap()
            {
                return why;
            }
        }
    };
    let why = tokio::time::timeout(PATIENCE, again).await.unwrap();
    assert!(why.contains("can't be reached"), "{why}");
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_added_and_removed_while_the_client_runs() {
    let fake = Fake::start().await;
    let a = Running::start(&fake, &alice()).await;
    let mut b = Running::start(&fake, &bob()).await;
    assert!(matches!(a.client.add_contact(&alice(), None).await, Err(SendError::OwnAddress)));
    let to_self = a.client.send(&alice(), Message::Text("me".into())).await;
    assert!(matches!(to_self, Err(SendError::OwnAddress)));
    let carol = Address::parse("carol@example.org").unwrap();
    let queued = a.client.send(&carol, Message::Text("never mind".into())).await.unwrap();
    assert!(a.client.block(&bob()).await.unwrap());
    let blocked = a.client.send(&bob(), Message::Text("no".into())).await;
    assert!(matches!(blocked, Err(SendError::Blocked(_))), "{blocked:?}");
    assert!(a.client.unblock(&bob()).await.unwrap());
    let never = tokio::spawn({
        let client = a.client.clone();
        async move { client.delivered(queued.id).await }
    });
    assert!(a.client.remove_contact(&carol).await.unwrap());
    assert!(matches!(never.await.unwrap(), Err(StoreError::NoMessage(_))), "nobody waits for ever");
    a.client.send(&bob(), Message::Text("hi".into())).await.unwrap();
    assert_eq!(b.message().await.text(), Some("hi"));
    tokio::time::timeout(PATIENCE, a.client.drain()).await.unwrap().unwrap();
    assert_eq!(a.client.contacts().await.unwrap().len(), 1);
    a.stop().await;
    b.stop().await;
}
