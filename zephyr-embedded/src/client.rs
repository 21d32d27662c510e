//! The application's handle.

mod register;

use embedded_nal_async::{Dns, TcpConnect};
use rand_core::CryptoRng;
use zephyr_core::registration::{Answer, Task};
use zephyr_core::session::client_key;
use zephyr_core::wire::Code;
use zephyr_core::{Address, Content, Parameters, Payload, Role, Suite, UnixMs};

use crate::error::Error;
use crate::event::Event;
use crate::home::{ContactError, MessageId, Part, SendError};
use crate::registration::{Pkg, Registration, RegistrationError};
use crate::shared::Shared;
use crate::storage::Storage;

/// How the application uses its client while the [`Runner`](crate::Runner) runs in another task. Copy it freely.
///
/// Methods may be called from several tasks, but [`receive`](Self::receive) and [`event`](Self::event) from one each.
/// Calls of these two may be dropped before they are ready, as `select` does; let the others run to their end.
pub struct Client<'a, N, S, R, C: Suite> {
    shared: &'a Shared<'a, N, S, R, C>,
}

impl<N, S, R, C: Suite> Clone for Client<'_, N, S, R, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, S, R, C: Suite> Copy for Client<'_, N, S, R, C> {}

impl<'a, N, S, R, C> Client<'a, N, S, R, C>
where
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
    C: Suite,
{
    pub(crate) fn new(shared: &'a Shared<'a, N, S, R, C>) -> Self {
        Self { shared }
    }

    /// The user's address.
    pub async fn address(&self) -> Address {
        self.shared.home.lock().await.account().address().clone()
    }

    /// The network's parameters.
    pub async fn parameters(&self) -> Parameters {
        *self.shared.manifests.current().await.manifest().parameters()
    }

    /// The network's time; `None` until an info-node has told it since the client began.
    pub fn time(&self) -> Option<UnixMs> {
        self.shared.clock.network()
    }

    /// How many PKGs the network has. The address must be registered with each.
    pub async fn pkgs(&self) -> usize {
        self.shared.manifests.current().await.manifest().servers(Role::Pkg).count()
    }

    /// The PKG with this index.
    pub async fn pkg(&self, index: usize) -> Option<Pkg> {
        let bytes = self.shared.manifests.current().await;
        let manifest = bytes.manifest();
        let entry = manifest.server(Role::Pkg, index)?;
        let home = self.shared.home.lock().await;
        let key = client_key::<C>(home.account().seed(), &entry.id);
        let mut name = heapless::String::new();
        // The rest of a longer one is cut off.
        let _ = entry.name.chars().try_for_each(|c| name.push(c));
        Some(Pkg { index, id: entry.id, name, fingerprint: key.fingerprint(manifest.network()) })
    }

    /// How far the registration with this PKG has come.
    ///
    /// # Errors
    /// If the storage can't be read.
    pub async fn registration(&self, pkg: usize) -> Result<Registration, Error<S::Error>> {
        match self.pkg_id(pkg).await {
            Some(id) => self.shared.home.lock().await.registration(&id).await,
            None => Ok(Registration::None),
        }
    }

    /// Asks the PKG to mail a code.
    ///
    /// # Errors
    /// See [`RegistrationError`].
    pub async fn request_code(&self, pkg: usize) -> Result<Answer, RegistrationError<S::Error>> {
        self.ask(pkg, Task::Register).await
    }

    /// Brings back the code that the PKG mailed.
    ///
    /// # Errors
    /// See [`RegistrationError`].
    pub async fn confirm(
        &self,
        pkg: usize,
        code: Code,
    ) -> Result<Answer, RegistrationError<S::Error>> {
        self.ask(pkg, Task::Confirm(code)).await
    }

    /// Stops the replacement of the client's key at this PKG: somebody else asked for a code.
    ///
    /// # Errors
    /// See [`RegistrationError`].
    pub async fn veto(&self, pkg: usize) -> Result<Answer, RegistrationError<S::Error>> {
        self.ask(pkg, Task::Veto).await
    }

    /// Deletes the registration at this PKG: nobody can write to the address any more.
    ///
    /// # Errors
    /// See [`RegistrationError`].
    pub async fn unregister(&self, pkg: usize) -> Result<Answer, RegistrationError<S::Error>> {
        self.ask(pkg, Task::Unregister).await
    }

    /// Adds a contact: slots go to contacts, and their messages are found without a pairing for each.
    ///
    /// # Errors
    /// See [`ContactError`].
    pub async fn add_contact(&self, address: &Address) -> Result<(), ContactError<S::Error>> {
        let now = self.time();
        self.shared.home.lock().await.add_contact(address, now).await?;
        self.shared.contacts.signal(());
        Ok(())
    }

    /// Removes a contact, with what waits for it and what came from it.
    ///
    /// # Errors
    /// If the storage can't be written.
    pub async fn remove_contact(&self, address: &Address) -> Result<(), Error<S::Error>> {
        self.shared.home.lock().await.remove_contact(address).await?;
        self.shared.contacts.signal(());
        Ok(())
    }

    /// Shows each contact.
    pub async fn contacts(&self, mut show: impl FnMut(&Address)) {
        self.shared.home.lock().await.contacts().for_each(&mut show);
    }

    /// Sends a message to a contact: it is cut into fragments and written down when this returns, and goes out in the
    /// contact's slots of the coming rounds until it is acknowledged.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(
        &self,
        to: &Address,
        content: Content,
        text: &[u8],
    ) -> Result<MessageId, SendError<S::Error>> {
        let payload_len = self.parameters().await.geometry.payload_len();
        let now = self.time();
        let mut home = self.shared.home.lock().await;
        let capacity = Payload::capacity(payload_len, Some(home.account().address()));
        let message = self.shared.rng.borrow_mut().next_u64();
        home.send(to, content, text, message, capacity, now).await
    }

    /// Waits for a part of a message and copies it into `buffer`, which has room for a payload. Each sender's parts come
    /// in order and once; the same one comes again until it is [`taken`](Self::taken).
    ///
    /// # Errors
    /// If the storage can't be read.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<Part, Error<S::Error>> {
        loop {
            if let Some(part) = self.shared.home.lock().await.next_part(buffer).await? {
                return Ok(part);
            }
            self.shared.arrived.wait().await;
        }
    }

    /// The application has the part that [`receive`](Self::receive) gave: it is erased from the storage, and the next
    /// one's turn comes.
    ///
    /// # Errors
    /// If the storage can't be written: the part comes again.
    pub async fn taken(&self) -> Result<(), Error<S::Error>> {
        self.shared.home.lock().await.taken().await
    }

    /// Waits for the next event. If nobody listens, the oldest are forgotten.
    pub async fn event(&self) -> Event {
        self.shared.events.next().await
    }
}
