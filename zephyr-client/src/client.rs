//! The client: what the user says goes into the home, and [`Client::run`] carries it through the rounds.

mod driver;
mod event;
mod exchange;
mod stats;
mod trials;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, Notify, broadcast, watch};
use zephyr_core::{Address, Role};

use crate::clock;
use crate::message::{Estimate, Message, SendError};
use crate::store::{Contact, Delivery, InboxMessage, MessageId, OutboxMessage, Store, StoreError};
use crate::transport::Timeouts;

pub use driver::RunError;
pub use event::Event;
pub use stats::{Stats, Traffic};
pub use trials::{Waiting, try_side_by_side};

use stats::Counters;

/// How many events a slow listener can be behind before it misses some.
const EVENTS: usize = 1_024;

/// What a client can be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the PKGs' proofs of knowledge are verified here too, not only by the mixers. On by default.
    pub verify_proofs: bool,
    /// How long connections wait; `None` (the default) derives it from the length of the network's rounds.
    pub timeouts: Option<Timeouts>,
}

impl Default for Options {
    fn default() -> Self {
        Self { verify_proofs: true, timeouts: None }
    }
}

/// A message that was put into the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its number.
    pub id: MessageId,
    /// How long sending will take.
    pub estimate: Estimate,
}

/// A client over an open home. Clones are the same client.
///
/// Everything but [`run`](Self::run) only reads and writes the home, so it works whether the client runs or not.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    options: Options,
    events: broadcast::Sender<Event>,
    /// Contacts were added or removed.
    contacts: Notify,
    /// How many contacts the running session has places for.
    places: AtomicUsize,
    /// In how many rounds that are not over yet something was sent for the first time; touched whenever a message
    /// comes further.
    waiting: watch::Sender<usize>,
    counters: Arc<Counters>,
    running: Mutex<()>,
}

impl Client {
    /// A client over the home `store`.
    pub fn new(store: Store, options: Options) -> Self {
        let shared = Shared {
            store,
            options,
            events: broadcast::Sender::new(EVENTS),
            contacts: Notify::new(),
            places: AtomicUsize::new(usize::MAX),
            waiting: watch::Sender::new(0),
            counters: Arc::default(),
            running: Mutex::new(()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The home.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Takes part in the network's rounds until `shutdown` is done or something fails that can't be retried.
    ///
    /// What is on its way then is sent again at the next start. What arrives meanwhile is not received, and sent
    /// again by contacts.
    ///
    /// # Errors
    /// If the home can't be used any more, or the client runs already.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        let _running = self.shared.running.try_lock().map_err(|_| RunError::Running)?;
        tokio::select! {
            result = driver::run(&self.shared) => result,
            () = shutdown => Ok(()),
        }
    }

    /// What happens from now on. Messages and states are in the home as well: nothing is lost with an event.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// Puts a message to `to` into the outbox. Who is written to becomes a contact.
    ///
    /// # Errors
    /// See [`SendError`]: nothing was queued then.
    pub async fn send(&self, to: &Address, message: Message) -> Result<Queued, SendError> {
        let home = self.shared.store.home();
        if to == home.address() {
            return Err(SendError::OwnAddress);
        }
        let network = home.network();
        let manifest = network.manifest();
        let parameters = manifest.parameters();
        let chunk = message.chunk(home.address(), parameters.geometry.payload_len())?;
        self.check_place(to).await?;
        let (ahead, _) = self.shared.store.queue(to).await?;
        let (content, body) = (message.content(), message.bytes());
        let id = self.shared.store.enqueue(to, content, body, chunk, clock::now()).await?;
        self.shared.contacts.notify_one();
        let (_, contacts) = self.shared.store.queue(to).await?;
        let fragments = body.len().div_ceil(chunk).max(1) as u32;
        Ok(Queued { id, estimate: Estimate::new(parameters, fragments, ahead, contacts) })
    }

    /// Waits until mixers have taken everything in the outbox and the rounds in which they did are over. The client
    /// must be running meanwhile. What is only sent again is not waited for.
    ///
    /// No more than [`WINDOW`](zephyr_core::stream::WINDOW) fragments are under way to anybody: a longer message leaves
    /// as the recipient acknowledges it, and somebody who has not added the user never does.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn drain(&self) -> Result<(), StoreError> {
        let mut waiting = self.shared.waiting.subscribe();
        loop {
            let rounds = *waiting.borrow_and_update();
            // Read after the rounds: what is counted there was assigned before it was sent.
            if self.shared.store.unsent().await? == 0 && rounds == 0 {
                return Ok(());
            }
            waiting.changed().await.expect("the sender lives as long as self");
        }
    }

    /// Waits until the recipient has acknowledged all of a message: it is in the recipient's inbox. The client must
    /// be running meanwhile. Only contacts acknowledge: if the recipient has not added the user, it waits until they do.
    ///
    /// # Errors
    /// If there is no such message, or not any more because the contact was removed, or the home can't be used.
    pub async fn delivered(&self, id: MessageId) -> Result<(), StoreError> {
        let mut progress = self.shared.waiting.subscribe();
        loop {
            progress.mark_unchanged();
            if self.delivery(id).await? == Delivery::Delivered {
                return Ok(());
            }
            progress.changed().await.expect("the sender lives as long as self");
        }
    }

    /// Adds a contact, or changes the note of one. `false` if it was one already.
    ///
    /// # Errors
    /// If it is the user's own address or blocked, there are too many, or the home can't be used.
    pub async fn add_contact(
        &self,
        address: &Address,
        note: Option<&str>,
    ) -> Result<bool, SendError> {
        if address == self.shared.store.home().address() {
            return Err(SendError::OwnAddress);
        }
        self.check_place(address).await?;
        let added = self.shared.store.add_contact(address, note, clock::now()).await?;
        self.shared.contacts.notify_one();
        Ok(added)
    }

    /// Removes a contact and what is in the outbox for it. `false` if it was none.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn remove_contact(&self, address: &Address) -> Result<bool, StoreError> {
        let removed = self.shared.store.remove_contact(address, clock::now()).await?;
        self.contacts_changed();
        Ok(removed)
    }

    /// Blocks an address: nothing that provably comes from it is taken any more ([`Refused::Blocked`](crate::Refused::Blocked)), nor
    /// acknowledged, and it is no contact; what is in the outbox for it is removed. `false` if it was blocked already.
    ///
    /// Nobody is told: to the one who is blocked it looks as if the messages were not read. Messages that are in the
    /// inbox stay there, and what comes anonymously is still taken.
    ///
    /// # Errors
    /// If it is the user's own address, or the home can't be used.
    pub async fn block(&self, address: &Address) -> Result<bool, SendError> {
        if address == self.shared.store.home().address() {
            return Err(SendError::OwnAddress);
        }
        let blocked = self.shared.store.block(address, clock::now()).await?;
        self.contacts_changed();
        Ok(blocked)
    }

    /// Takes again what comes from an address. It is no contact before it is added again. `false` if it was not
    /// blocked.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn unblock(&self, address: &Address) -> Result<bool, StoreError> {
        self.shared.store.unblock(address).await
    }

    /// All addresses that are blocked.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn blocked(&self) -> Result<Vec<Address>, StoreError> {
        self.shared.store.blocked().await
    }

    /// All contacts.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn contacts(&self) -> Result<Vec<Contact>, StoreError> {
        self.shared.store.contacts().await
    }

    /// How far a message has come.
    ///
    /// # Errors
    /// If there is no such message, or the home can't be used.
    pub async fn delivery(&self, id: MessageId) -> Result<Delivery, StoreError> {
        Ok(self.shared.store.outbox_message(id).await?.delivery)
    }

    /// All messages in the outbox, the oldest first: those on their way, and the last 1,000 that were delivered.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn outbox(&self) -> Result<Vec<OutboxMessage>, StoreError> {
        self.shared.store.outbox().await
    }

    /// The messages that came, the oldest first; with `unseen` only those that were not marked as seen.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn inbox(&self, unseen: bool) -> Result<Vec<InboxMessage>, StoreError> {
        self.shared.store.inbox(unseen).await
    }

    /// Marks a message as seen.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn mark_seen(&self, id: u64) -> Result<(), StoreError> {
        self.shared.store.mark_seen(id).await
    }

    /// What the client has moved since it was made.
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats()
    }

    /// How much of it was from and to servers of the role `role`.
    pub fn traffic(&self, role: Role) -> Traffic {
        self.shared.counters.traffic(role)
    }

    /// There may be fewer contacts.
    fn contacts_changed(&self) {
        self.shared.contacts.notify_one();
        // Less may be waited for.
        self.shared.waiting.send_modify(|_| {});
    }

    async fn check_place(&self, address: &Address) -> Result<(), SendError> {
        let places = self.shared.places.load(Ordering::Relaxed);
        if places == usize::MAX {
            return Ok(());
        }
        let contacts = self.shared.store.contacts().await?;
        if contacts.len() < places || contacts.iter().any(|c| c.address == *address) {
            return Ok(());
        }
        Err(SendError::ContactsFull { places })
    }
}

#[cfg(test)]
mod tests;
