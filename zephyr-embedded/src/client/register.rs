//! One question to a PKG, over a connection of its own.

use embassy_time::{Duration, with_timeout};
use embedded_io_async::{Read, Write};
use embedded_nal_async::{Dns, TcpConnect};
use rand_core::CryptoRng;
use zephyr_core::registration::{Answer, AnswerError, MAX_REPLY, MAX_REQUEST, Task};
use zephyr_core::wire::{PkgBinding, PkgRefusal};
use zephyr_core::{
    CONNECTION_HEADROOM, CONNECTION_OVERHEAD, Connection, FRAME_OVERHEAD, LinkError, Received,
    Role, ServerId, Suite,
};
use zeroize::Zeroizing;

use super::Client;
use crate::endpoint::resolve;
use crate::event::Failure;
use crate::registration::{Registration, RegistrationError};
use crate::storage::Storage;

/// How long a PKG may take, all together: it sends a mail before it answers.
const PATIENCE: Duration = Duration::from_secs(30);

impl<N, S, R, C> Client<'_, N, S, R, C>
where
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
    C: Suite,
{
    pub(super) async fn pkg_id(&self, index: usize) -> Option<ServerId> {
        let bytes = self.shared.manifests.current().await;
        bytes.manifest().server(Role::Pkg, index).map(|entry| entry.id)
    }

    /// Asks, and writes down what the answer means.
    pub(super) async fn ask(
        &self,
        pkg: usize,
        task: Task,
    ) -> Result<Answer, RegistrationError<S::Error>> {
        let answer = with_timeout(PATIENCE, self.exchange(pkg, &task))
            .await
            .unwrap_or(Err(RegistrationError::Unreachable(Failure::TookTooLong)));
        let state = match &answer {
            Ok(Answer::CodeSent { .. }) => Registration::CodeSent,
            Ok(Answer::Registered) => Registration::Registered,
            Ok(Answer::Waiting { until }) => Registration::Waiting { until: *until },
            Ok(Answer::Unregistered)
            | Err(RegistrationError::Refused(PkgRefusal::NotRegistered)) => Registration::None,
            _ => return answer,
        };
        let id = self.pkg_id(pkg).await.ok_or(RegistrationError::NoSuchPkg)?;
        let mut home = self.shared.home.lock().await;
        home.set_registration(&id, state).await.map_err(RegistrationError::Storage)?;
        answer
    }

    async fn exchange(
        &self,
        pkg: usize,
        task: &Task,
    ) -> Result<Answer, RegistrationError<S::Error>> {
        let bytes = self.shared.manifests.current().await;
        let manifest = bytes.manifest();
        let entry = manifest.server(Role::Pkg, pkg).ok_or(RegistrationError::NoSuchPkg)?;
        let network = &self.shared.network;
        let endpoint = resolve(entry.client_address, network).await?;
        let mut socket = network.connect(endpoint).await.map_err(|_| Failure::Connect)?;

        let mut received = [0; FRAME_OVERHEAD + MAX_REPLY];
        let ephemeral = self.shared.ephemeral();
        let (network, key, received) = (manifest.network(), &entry.link_key, &mut received[..]);
        let mut connection = Connection::<_, C::Dh>::new(network, key, ephemeral, received);
        let mut out = Zeroizing::new([0; CONNECTION_OVERHEAD + MAX_REQUEST]);
        let len = connection.start(&mut *out)?;
        socket.write_all(&out[..len]).await.map_err(|_| Failure::Broken)?;
        socket.flush().await.map_err(|_| Failure::Broken)?;
        loop {
            match connection.receive()? {
                Some(Received::Message(reply)) => return Ok(task.answer(reply)?),
                Some(Received::Opened { handshake_hash }) => {
                    let network = manifest.network();
                    let binding =
                        PkgBinding { network, pkg: &entry.id, handshake: &handshake_hash };
                    let home = self.shared.home.lock().await;
                    let (address, seed) = (home.account().address(), home.account().seed());
                    let len = task
                        .request::<C>(address, seed, &binding, &mut out[CONNECTION_HEADROOM..])
                        .map_err(|_| LinkError::Buffer)?
                        .len();
                    drop(home);
                    let sealed = connection.seal_in_place(&mut *out, len)?;
                    socket.write_all(sealed).await.map_err(|_| Failure::Broken)?;
                    socket.flush().await.map_err(|_| Failure::Broken)?;
                }
                None => match socket.read(connection.space()).await {
                    Ok(0) => return Err(Failure::Answer.into()),
                    Ok(n) => connection.filled(n),
                    Err(_) => return Err(Failure::Broken.into()),
                },
            }
        }
    }
}

impl<E> From<Failure> for RegistrationError<E> {
    fn from(why: Failure) -> Self {
        Self::Unreachable(why)
    }
}

impl<E> From<LinkError> for RegistrationError<E> {
    fn from(why: LinkError) -> Self {
        Self::Unreachable(Failure::Link(why))
    }
}

impl<E> From<AnswerError> for RegistrationError<E> {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Refused(why) => Self::Refused(why),
            AnswerError::Unexpected => Self::Unreachable(Failure::Answer),
        }
    }
}
