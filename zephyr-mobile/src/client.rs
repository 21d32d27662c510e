//! The client: a home, what the user does in it, and the rounds.

mod contacts;
mod messages;
mod registration;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zephyr_client::{Client, Event, InboxMessage, Network, Options, Store};
use zephyr_core::Address;

use crate::error::ZephyrError;
use crate::events::RoundEvent;
use crate::listeners::{DeliveryListener, MessageListener, RoundListener, Subscription};
use crate::runtime;
use crate::types::{DeliveryUpdate, NetworkInfo};

use state::State;

/// A user of a network: the home with the keys, contacts and messages, and the way into the rounds.
///
/// Between people who have each other as contacts nothing is lost and nothing comes twice. Messages are kept in the
/// home: what is sent while the client does not run leaves when it is started, and what came is in the inbox, whether
/// or not somebody listened.
///
/// When the last reference to it is gone the client stops and the home closes; [`close`](Self::close) does it at once
/// and waits.
#[derive(uniffi::Object)]
pub struct ZephyrClient {
    state: Arc<State>,
    address: String,
}

#[uniffi::export]
impl ZephyrClient {
    /// Creates a home for `address` in the folder `directory`, in the network whose file has the text `network_file`,
    /// with new keys. If the folder has a home for the same address and network, opens it. Then register.
    ///
    /// # Errors
    /// `InvalidAddress`, `InvalidNetwork`, `InUse`, `OtherAddress`, `OtherNetwork`, or what the disk says.
    #[uniffi::constructor]
    pub async fn create(
        directory: String,
        address: String,
        network_file: String,
    ) -> Result<Arc<Self>, ZephyrError> {
        let address = Address::parse(&address)?;
        let network = Network::parse(&network_file)?;
        runtime::run(async move {
            let directory = PathBuf::from(directory);
            Ok(Self::over(Store::create(&directory, &address, &network).await?))
        })
        .await
    }

    /// Opens the home in the folder `directory`.
    ///
    /// # Errors
    /// `NoHome`, `InUse`, `HomeDamaged`, `HomeTooNew`, or what the disk says.
    #[uniffi::constructor]
    pub async fn open(directory: String) -> Result<Arc<Self>, ZephyrError> {
        let directory = PathBuf::from(directory);
        runtime::run(async move { Ok(Self::over(Store::open(&directory).await?)) }).await
    }

    /// Makes a home in the folder `directory` from the backup in the file `backup`, and opens it. The device's clock must
    /// be right. The registrations go on; nobody may use the home that was backed up any more.
    ///
    /// # Errors
    /// `WrongPassphrase`, `HomeExists`, `InUse`, `FileUnusable`, or what the disk says.
    #[uniffi::constructor]
    pub async fn restore(
        backup: String,
        passphrase: String,
        directory: String,
    ) -> Result<Arc<Self>, ZephyrError> {
        runtime::run(async move {
            let (backup, directory) = (PathBuf::from(backup), PathBuf::from(directory));
            Ok(Self::over(Store::restore_backup(&backup, &passphrase, &directory).await?))
        })
        .await
    }

    /// Writes the whole home, encrypted under `passphrase`, into the new file `file`, also while the client runs. It
    /// takes 64 MiB of memory and about a second.
    ///
    /// # Errors
    /// `WeakPassphrase`, `FileExists`, `FileUnusable`, `Closed`, or what the disk says.
    pub async fn export_backup(&self, file: String, passphrase: String) -> Result<(), ZephyrError> {
        self.with(async move |client| {
            Ok(client.store().export_backup(Path::new(&file), &passphrase).await?)
        })
        .await
    }

    /// The user's address, in its canonical spelling.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// The network.
    ///
    /// # Errors
    /// `Closed`.
    pub fn network(&self) -> Result<NetworkInfo, ZephyrError> {
        Ok(NetworkInfo::from(&self.state.client()?.store().home().network()))
    }

    /// Takes part in the network's rounds from now on, in the background, until [`stop`](Self::stop) or
    /// [`close`](Self::close), or until the home can't be used any more, of which round listeners are told. Of no effect
    /// if it does already.
    ///
    /// # Errors
    /// `Closed`.
    pub fn start(&self) -> Result<(), ZephyrError> {
        self.state.start()
    }

    /// Stops taking part in the rounds, and waits until it has. What is on its way is sent again at the next start. Of no
    /// effect if it does not run.
    pub async fn stop(&self) {
        let state = self.state.clone();
        // Not bound to who waits: half stopped is of no use to anybody.
        let _ = runtime::spawn(async move { state.stop().await }).await;
    }

    /// Whether it takes part in the rounds.
    pub fn is_running(&self) -> bool {
        self.state.is_running()
    }

    /// Stops, ends all subscriptions, and closes the home, so that it can be opened again. Calls that are under way,
    /// and later ones, fail with `Closed`. Of no effect if it is closed.
    pub async fn close(&self) {
        let state = self.state.clone();
        // Nor is half closed.
        let _ = runtime::spawn(async move { state.close().await }).await;
    }

    /// Calls `listener` with each message that arrives from now on, as long as the subscription is kept. Messages that
    /// came before are in the inbox.
    ///
    /// # Errors
    /// `Closed`.
    pub fn on_messages(
        &self,
        listener: Arc<dyn MessageListener>,
    ) -> Result<Arc<Subscription>, ZephyrError> {
        self.state.subscribe(move |signal| match signal.event() {
            Some(Event::Message(message)) => {
                listener.on_message(InboxMessage::clone(message).into())
            }
            _ => Ok(()),
        })
    }

    /// Calls `listener` when a message in the outbox comes further, as long as the subscription is kept.
    ///
    /// # Errors
    /// `Closed`.
    pub fn on_deliveries(
        &self,
        listener: Arc<dyn DeliveryListener>,
    ) -> Result<Arc<Subscription>, ZephyrError> {
        self.state.subscribe(move |signal| match signal.event() {
            Some(&Event::Delivery { id, delivery }) => {
                listener.on_delivery(DeliveryUpdate { id: id.0, delivery: delivery.into() })
            }
            _ => Ok(()),
        })
    }

    /// Calls `listener` with what happens in the rounds, as long as the subscription is kept.
    ///
    /// # Errors
    /// `Closed`.
    pub fn on_rounds(
        &self,
        listener: Arc<dyn RoundListener>,
    ) -> Result<Arc<Subscription>, ZephyrError> {
        self.state.subscribe(move |signal| {
            RoundEvent::from_signal(signal).map_or(Ok(()), |event| listener.on_round(event))
        })
    }
}

impl ZephyrClient {
    fn over(store: Store) -> Arc<Self> {
        let address = store.home().address().as_str().to_owned();
        let state = State::new(Client::new(store, Options::default()));
        Arc::new(Self { state, address })
    }

    /// Does something with the client, unless it is closed or gets closed meanwhile.
    async fn with<T, W, F>(&self, work: W) -> Result<T, ZephyrError>
    where
        T: Send + 'static,
        W: FnOnce(Client) -> F + Send + 'static,
        F: Future<Output = Result<T, ZephyrError>> + Send,
    {
        let state = self.state.clone();
        runtime::run(async move { state.with(work).await }).await
    }
}

#[cfg(test)]
mod tests;
