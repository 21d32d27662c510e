//! Who the user is.

use rand_core::CryptoRng;
use zephyr_core::Address;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::home::keys;
use crate::storage::Storage;

const SEED: usize = 32;
const LONGEST: usize = SEED + zephyr_core::MAX_ADDRESS;

/// The user's address, and the secret from which all keys follow.
pub struct Account {
    address: Address,
    seed: Zeroizing<[u8; SEED]>,
}

impl Account {
    /// The account that was created here before, if there is one.
    ///
    /// # Errors
    /// If the storage can't be read, or what it holds is damaged.
    pub async fn load<S: Storage>(storage: &mut S) -> Result<Option<Self>, Error<S::Error>> {
        let mut buffer = Zeroizing::new([0; LONGEST]);
        let Some(len) = storage.load(keys::ACCOUNT, &mut *buffer).await.map_err(Error::Storage)?
        else {
            return Ok(None);
        };
        let parts = buffer.get(..len).and_then(|item| item.split_first_chunk());
        let (seed, address) = parts.ok_or(Error::Damaged)?;
        let text = core::str::from_utf8(address).map_err(|_| Error::Damaged)?;
        let address = Address::from_canonical(text).ok_or(Error::Damaged)?;
        Ok(Some(Self { address, seed: Zeroizing::new(*seed) }))
    }

    /// Makes an account for `address` and writes it down.
    ///
    /// # Errors
    /// If the storage can't be written.
    pub async fn create<S: Storage>(
        storage: &mut S,
        address: Address,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error<S::Error>> {
        let mut seed = Zeroizing::new([0; SEED]);
        rng.fill_bytes(seed.as_mut());
        let item = [seed.as_slice(), address.as_bytes()];
        storage.save(keys::ACCOUNT, &item).await.map_err(Error::Storage)?;
        Ok(Self { address, seed })
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The secret from which the keys follow.
    pub fn seed(&self) -> &Zeroizing<[u8; SEED]> {
        &self.seed
    }
}
