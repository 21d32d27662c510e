//! Registering the address with the network's PKGs.

use zephyr_client::{Answers, Client, Registrar};
use zephyr_core::wire::Code;

use super::ZephyrClient;
use crate::error::ZephyrError;
use crate::types::{PkgAnswer, PkgRegistration, PkgReply};

#[uniffi::export]
impl ZephyrClient {
    /// How far the registration with each PKG has come, as far as the home knows. Without all of them nothing can be
    /// received.
    ///
    /// # Errors
    /// `Closed`, or what the home's database says.
    pub async fn registration(&self) -> Result<Vec<PkgRegistration>, ZephyrError> {
        self.with(async |client| {
            let states = registrar(&client).status().await?;
            Ok(states.into_iter().map(|(pkg, state)| PkgRegistration::new(pkg, state)).collect())
        })
        .await
    }

    /// Asks all PKGs for a code, which they mail to the user's address, but those where it is registered already. Each
    /// answers for itself: if one can't be reached, call this again later.
    ///
    /// # Errors
    /// `Closed`; what goes wrong with a PKG is in its answer.
    pub async fn register(&self) -> Result<Vec<PkgAnswer>, ZephyrError> {
        self.with(async |client| Ok(answers(registrar(&client).register().await))).await
    }

    /// Brings back the code that the PKG number `pkg` mailed. Upper and lower case and the hyphen don't matter.
    ///
    /// # Errors
    /// `InvalidCode`, `WrongCode`, `NoCode`, `NoSuchPkg`, `Unreachable`, `Closed`, or what else the PKG says.
    pub async fn confirm(&self, pkg: u32, code: String) -> Result<PkgReply, ZephyrError> {
        let code = Code::parse(&code)?;
        self.with(async move |client| {
            let index = usize::try_from(pkg).unwrap_or(usize::MAX);
            registrar(&client).confirm(index, &code).await?.try_into()
        })
        .await
    }

    /// Stops that another key replaces this home's at the PKGs: for when a mail says that somebody asked for codes, and
    /// it was not the user.
    ///
    /// # Errors
    /// `Closed`; what goes wrong with a PKG is in its answer.
    pub async fn veto(&self) -> Result<Vec<PkgAnswer>, ZephyrError> {
        self.with(async |client| Ok(answers(registrar(&client).veto().await))).await
    }

    /// Deletes the registration at all PKGs: nobody can write to the address any more.
    ///
    /// # Errors
    /// `Closed`; what goes wrong with a PKG is in its answer.
    pub async fn unregister(&self) -> Result<Vec<PkgAnswer>, ZephyrError> {
        self.with(async |client| Ok(answers(registrar(&client).unregister().await))).await
    }
}

fn registrar(client: &Client) -> Registrar {
    Registrar::new(client.store().clone())
}

fn answers(answers: Answers) -> Vec<PkgAnswer> {
    answers.into_iter().map(|(pkg, answer)| PkgAnswer::new(pkg, answer)).collect()
}
