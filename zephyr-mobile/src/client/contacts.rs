//! The people whom the user writes with.

use zephyr_core::Address;

use super::ZephyrClient;
use crate::error::ZephyrError;
use crate::types::Contact;

#[uniffi::export]
impl ZephyrClient {
    /// Adds a contact, or changes the note of one. `false` if it was one already. Only what contacts send is
    /// acknowledged.
    ///
    /// # Errors
    /// `InvalidAddress`, `OwnAddress`, `Blocked`, `ContactsFull`, `Closed`, or what the home's database says.
    #[uniffi::method(default(note = None))]
    pub async fn add_contact(
        &self,
        address: String,
        note: Option<String>,
    ) -> Result<bool, ZephyrError> {
        let address = Address::parse(&address)?;
        self.with(async move |client| Ok(client.add_contact(&address, note.as_deref()).await?))
            .await
    }

    /// Removes a contact and what waits for it in the outbox. `false` if it was none.
    ///
    /// # Errors
    /// `InvalidAddress`, `Closed`, or what the home's database says.
    pub async fn remove_contact(&self, address: String) -> Result<bool, ZephyrError> {
        let address = Address::parse(&address)?;
        self.with(async move |client| Ok(client.remove_contact(&address).await?)).await
    }

    /// All contacts, the oldest first.
    ///
    /// # Errors
    /// `Closed`, or what the home's database says.
    pub async fn contacts(&self) -> Result<Vec<Contact>, ZephyrError> {
        self.with(async |client| {
            Ok(client.contacts().await?.into_iter().map(Contact::from).collect())
        })
        .await
    }

    /// Blocks an address: nothing that provably comes from it is taken any more, nor acknowledged, and it is no contact;
    /// what waits for it in the outbox is removed. `false` if it was blocked already. Nobody is told.
    ///
    /// # Errors
    /// `InvalidAddress`, `OwnAddress`, `Closed`, or what the home's database says.
    pub async fn block(&self, address: String) -> Result<bool, ZephyrError> {
        let address = Address::parse(&address)?;
        self.with(async move |client| Ok(client.block(&address).await?)).await
    }

    /// Takes again what comes from an address. It is no contact before it is added again. `false` if it was not
    /// blocked.
    ///
    /// # Errors
    /// `InvalidAddress`, `Closed`, or what the home's database says.
    pub async fn unblock(&self, address: String) -> Result<bool, ZephyrError> {
        let address = Address::parse(&address)?;
        self.with(async move |client| Ok(client.unblock(&address).await?)).await
    }

    /// All addresses that are blocked.
    ///
    /// # Errors
    /// `Closed`, or what the home's database says.
    pub async fn blocked(&self) -> Result<Vec<String>, ZephyrError> {
        self.with(async |client| {
            let blocked = client.blocked().await?;
            Ok(blocked.into_iter().map(|address| address.as_str().to_owned()).collect())
        })
        .await
    }

    /// Sets whether messages of people who are no contacts are left unopened, from the next start on.
    ///
    /// # Errors
    /// `Closed`, or what the home's database says.
    pub async fn set_contacts_only(&self, on: bool) -> Result<(), ZephyrError> {
        self.with(async move |client| Ok(client.store().set_contacts_only(on).await?)).await
    }
}
