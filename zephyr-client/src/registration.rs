//! Registration: every PKG of the network learns, by a mailed code, that the address and the home's key belong
//! together.

mod request;

use futures::future::join_all;
use zephyr_blst::Native;
use zephyr_core::registration::{AnswerError, MAX_REQUEST, Task};
use zephyr_core::session::client_key;
use zephyr_core::wire::{Code, Fingerprint, PkgBinding, PkgRefusal};
use zephyr_core::{Role, Round, ServerEntry, ServerId};
use zeroize::Zeroizing;

use crate::network::Network;
use crate::store::{Registration, Store, StoreError};
use crate::transport::Timeouts;

pub use request::RequestError;
pub(crate) use request::{connect, exchange};
pub use zephyr_core::registration::Answer;

/// A PKG, and the key that the home has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkg {
    /// Its place among the manifest's PKGs.
    pub index: usize,
    /// Its name for people.
    pub name: String,
    /// Names the home's key: the PKG's mail must show the same.
    pub fingerprint: Fingerprint,
}

/// Why a PKG did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The network has no such PKG.
    #[error("the network has {count} PKGs: there is none with the index {index}")]
    NoSuchPkg {
        /// Which was meant.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// No answer came.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It refused.
    #[error(transparent)]
    Refused(PkgRefusal),
    /// The home can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AnswerError> for RegistrationError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Refused(why) => Self::Refused(why),
            AnswerError::Unexpected => Self::Request(RequestError::Unexpected),
        }
    }
}

/// What each PKG answered, in the manifest's order.
pub type Answers = Vec<(Pkg, Result<Answer, RegistrationError>)>;

/// Registers a home's address with the PKGs of its network.
#[derive(Clone, Debug)]
pub struct Registrar {
    store: Store,
    /// As it was known at the start, so that a PKG's index stays the same.
    network: Network,
    timeouts: Timeouts,
}

impl Registrar {
    /// For the home `store`.
    pub fn new(store: Store) -> Self {
        let network = store.home().network();
        Self { store, network, timeouts: Timeouts::default() }
    }

    /// With other timeouts than the default ones.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The network's PKGs.
    pub fn pkgs(&self) -> Vec<Pkg> {
        let manifest = self.network.manifest();
        let pkgs = manifest.servers(Role::Pkg).enumerate();
        pkgs.map(|(index, entry)| self.pkg(index, &entry)).collect()
    }

    /// How far the registration with each PKG has come, as far as the home knows.
    ///
    /// # Errors
    /// If the home can't be used.
    pub async fn status(&self) -> Result<Vec<(Pkg, Registration)>, StoreError> {
        let manifest = self.network.manifest();
        let mut states = Vec::new();
        for (index, entry) in manifest.servers(Role::Pkg).enumerate() {
            let state = self.store.registration(&entry.id).await?;
            states.push((self.pkg(index, &entry), state));
        }
        Ok(states)
    }

    /// Asks all PKGs for a code, but those with which the home is registered already.
    pub async fn register(&self) -> Answers {
        self.each(|index, pkg| async move {
            match self.store.registration(&pkg).await? {
                Registration::Registered => Ok(Answer::Registered),
                _ => self.register_with(index).await,
            }
        })
        .await
    }

    /// Asks one PKG for a code, also if the home was registered with it.
    ///
    /// # Errors
    /// See [`RegistrationError`].
    pub async fn register_with(&self, index: usize) -> Result<Answer, RegistrationError> {
        self.ask(index, Task::Register).await
    }

    /// Brings the code back that the PKG with the index `index` mailed.
    ///
    /// # Errors
    /// See [`RegistrationError`].
    pub async fn confirm(&self, index: usize, code: &Code) -> Result<Answer, RegistrationError> {
        self.ask(index, Task::Confirm(code.clone())).await
    }

    /// Stops the replacement of the home's key at all PKGs: somebody else asked for codes.
    pub async fn veto(&self) -> Answers {
        self.each(|index, _| self.ask(index, Task::Veto)).await
    }

    /// Deletes the registration at all PKGs: nobody can write to the address any more.
    pub async fn unregister(&self) -> Answers {
        self.each(|index, _| self.ask(index, Task::Unregister)).await
    }

    /// Asks a PKG for the share of a round and throws it away: whether the registration is good.
    pub(crate) async fn try_extract(
        &self,
        index: usize,
        round: Round,
    ) -> Result<(), RegistrationError> {
        self.exchange(index, &Task::Extract(round)).await.map(drop)
    }

    /// What it gives can be sent to another thread, as an async closure's future could not.
    async fn each<F>(&self, ask: impl Fn(usize, ServerId) -> F) -> Answers
    where
        F: Future<Output = Result<Answer, RegistrationError>>,
    {
        let manifest = self.network.manifest();
        let answers = manifest.servers(Role::Pkg).enumerate().map(|(index, entry)| {
            let (pkg, answer) = (self.pkg(index, &entry), ask(index, entry.id));
            async move { (pkg, answer.await) }
        });
        join_all(answers.collect::<Vec<_>>()).await
    }

    /// Asks, and notes in the home what the answer means.
    async fn ask(&self, index: usize, task: Task) -> Result<Answer, RegistrationError> {
        let answer = self.exchange(index, &task).await;
        let state = match &answer {
            Ok(Answer::CodeSent { .. }) => Registration::CodeSent,
            Ok(Answer::Registered) => Registration::Registered,
            Ok(Answer::Waiting { until }) => Registration::Waiting { until: *until },
            Ok(Answer::Unregistered)
            | Err(RegistrationError::Refused(PkgRefusal::NotRegistered)) => Registration::None,
            _ => return answer,
        };
        let manifest = self.network.manifest();
        let pkg = manifest.server(Role::Pkg, index).expect("this PKG was asked").id;
        self.store.set_registration(&pkg, state).await?;
        answer
    }

    async fn exchange(&self, index: usize, task: &Task) -> Result<Answer, RegistrationError> {
        let home = self.store.home();
        let manifest = self.network.manifest();
        let count = manifest.servers(Role::Pkg).count();
        let entry = manifest
            .server(Role::Pkg, index)
            .ok_or(RegistrationError::NoSuchPkg { index, count })?;
        let network = manifest.network();
        let mut connection = connect(&entry, network, self.timeouts).await?;
        let handshake = *connection.handshake_hash();
        let binding = PkgBinding { network, pkg: &entry.id, handshake: &handshake };
        let mut buffer = Zeroizing::new([0; MAX_REQUEST]);
        let request = task
            .request::<Native>(home.address(), home.seed(), &binding, &mut *buffer)
            .expect("the longest request fits");
        Ok(task.answer(&exchange(&mut connection, request).await?)?)
    }

    fn pkg(&self, index: usize, entry: &ServerEntry<'_>) -> Pkg {
        let network = self.network.id();
        let fingerprint =
            client_key::<Native>(self.store.home().seed(), &entry.id).fingerprint(&network);
        Pkg { index, name: entry.name.into(), fingerprint }
    }
}
