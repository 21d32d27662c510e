//! What a client knows, wants to send and has received: it survives a reset.
//!
//! Of a storage only single items are atomic. So whatever changes is written in such an order that every beginning of
//! it is right: fragments first, then the numbers of the contact that speak of them, and what these speak of no more is
//! erased last. What a loss of power left over is erased when the home is opened.

mod bytes;
mod inbox;
pub(crate) mod keys;
mod limits;
mod outbox;
mod part;
mod registrations;
mod state;
mod strangers;
mod versions;

use core::fmt;

use zephyr_core::{Address, DirectoryHash, NetworkId, Round, UnixMs};

use crate::account::Account;
use crate::error::Error;
use crate::storage::Storage;

use bytes::{Reader, Writer};
use inbox::Showing;
use limits::Limits;
use state::{STATE_SIZE, State};
use strangers::Strangers;

pub use outbox::{MAX_TEXT, MessageId, SendError};
pub use part::Part;
pub(crate) use state::Contact;
pub(crate) use versions::LONGEST as LONGEST_MANIFEST;

/// Round, hash of its directory, time.
const ROUND_SIZE: usize = 8 + 32 + 8;

/// The newest round, if there was one.
type Newest = Option<(Round, DirectoryHash)>;

/// Why a contact can't be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactError<E> {
    /// It is the user's own address.
    Oneself,
    /// There are as many contacts as [`Resources`](crate::Resources) have places.
    Full,
    /// The network's time isn't known yet. Wait for [`Event::Round`](crate::Event::Round) with a clock.
    ClockUnknown,
    /// The storage can't be written.
    Storage(E),
}

impl<E: fmt::Debug> fmt::Display for ContactError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oneself => f.write_str("that is your own address"),
            Self::Full => {
                f.write_str("there are as many contacts as there is room for: remove one")
            }
            Self::ClockUnknown => {
                f.write_str("the network's time isn't known yet: wait until a server is reached")
            }
            Self::Storage(error) => write!(f, "the storage can't be written: {error:?}"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for ContactError<E> {}

pub(crate) struct Home<'a, S> {
    storage: S,
    account: Account,
    limits: Limits,
    last: Newest,
    clock: UnixMs,
    contacts: &'a mut [Option<Contact>],
    strangers: Strangers,
    /// The contact whose turn it is to be shown.
    turn: usize,
    showing: Option<Showing>,
}

impl<'a, S: Storage> Home<'a, S> {
    /// Reads what `storage` holds, and erases what a loss of power left over. `contacts` are places for them, all free.
    pub(crate) async fn open(
        mut storage: S,
        account: Account,
        contacts: &'a mut [Option<Contact>],
        network: &NetworkId,
        payload_len: usize,
    ) -> Result<Self, Error<S::Error>> {
        let limits = Limits::new(&storage, payload_len, contacts.len())?;
        check_network(&mut storage, network).await?;
        let (last, clock) = match load(&mut storage, keys::ROUND).await? {
            Some(item) => read_round(&item)?,
            None => (None, UnixMs(0)),
        };
        let strangers = Strangers::load(&mut storage).await?;
        let mut home = Self {
            storage,
            account,
            limits,
            last,
            clock,
            contacts,
            strangers,
            turn: 0,
            showing: None,
        };
        for place in 0..home.contacts.len() {
            home.load_contact(place).await?;
        }
        Ok(home)
    }

    async fn load_contact(&mut self, place: usize) -> Result<(), Error<S::Error>> {
        let present =
            self.storage.present(keys::contact(place, 0)).await.map_err(Error::Storage)?;
        let mut wanted = 0;
        if present & (1 << keys::STATE) != 0 {
            let address = self.load::<256>(place, keys::ADDRESS).await?;
            let text = address.as_deref().and_then(|text| core::str::from_utf8(text).ok());
            let address = text.and_then(Address::from_canonical).ok_or(Error::Damaged)?;
            let state = self.load::<STATE_SIZE>(place, keys::STATE).await?;
            let state = state.and_then(|item| State::read(&item)).ok_or(Error::Damaged)?;
            wanted = state.keys();
            self.contacts[place] = Some(Contact { address, state });
        }
        if wanted & !present != 0 {
            return Err(Error::Damaged);
        }
        self.erase(place, present & !wanted).await
    }

    async fn load<const N: usize>(
        &mut self,
        place: usize,
        index: u16,
    ) -> Result<Option<heapless::Vec<u8, N>>, Error<S::Error>> {
        load(&mut self.storage, keys::contact(place, index)).await
    }

    /// Erases these items of a contact, a bit each.
    async fn erase(&mut self, place: usize, items: u128) -> Result<(), Error<S::Error>> {
        for index in (0..).take(128).filter(|index| items & 1 << index != 0) {
            let key = keys::contact(place, index);
            self.storage.remove(key).await.map_err(Error::Storage)?;
        }
        Ok(())
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The newest network time that was written down.
    pub(crate) fn clock(&self) -> UnixMs {
        self.clock
    }

    pub(crate) fn last_round(&self) -> Option<(Round, DirectoryHash)> {
        self.last
    }

    /// A round's directory was accepted: written down before a slot of it is filled.
    pub(crate) async fn opened(
        &mut self,
        round: Round,
        directory: DirectoryHash,
        network_time: UnixMs,
    ) -> Result<(), Error<S::Error>> {
        let mut w = Writer::<ROUND_SIZE>::new();
        w.u64(round.0).put(directory.as_bytes()).u64(network_time.0);
        self.storage.save(keys::ROUND, &[w.bytes()]).await.map_err(Error::Storage)?;
        (self.last, self.clock) = (Some((round, directory)), network_time);
        Ok(())
    }

    pub(crate) fn contacts(&self) -> impl Iterator<Item = &Address> {
        self.contacts.iter().flatten().map(|contact| &contact.address)
    }

    fn place(&self, address: &Address) -> Option<usize> {
        self.contacts.iter().position(|c| c.as_ref().is_some_and(|c| c.address == *address))
    }

    fn state(&self, place: usize) -> Option<&State> {
        self.contacts.get(place)?.as_ref().map(|contact| &contact.state)
    }

    /// `now` is the network's time. An address that is a contact already stays one.
    pub(crate) async fn add_contact(
        &mut self,
        address: &Address,
        now: Option<UnixMs>,
    ) -> Result<(), ContactError<S::Error>> {
        if address == self.account.address() {
            return Err(ContactError::Oneself);
        }
        if self.place(address).is_some() {
            return Ok(());
        }
        let place = self.contacts.iter().position(Option::is_none).ok_or(ContactError::Full)?;
        let state = State::new(now.ok_or(ContactError::ClockUnknown)?);
        let key = keys::contact(place, keys::ADDRESS);
        let saved = self.storage.save(key, &[address.as_bytes()]).await;
        saved.map_err(ContactError::Storage)?;
        save_state(&mut self.storage, place, &state).await.map_err(ContactError::Storage)?;
        self.contacts[place] = Some(Contact { address: address.clone(), state });
        Ok(())
    }

    /// With all that waits for it or came from it.
    pub(crate) async fn remove_contact(
        &mut self,
        address: &Address,
    ) -> Result<(), Error<S::Error>> {
        let Some(place) = self.place(address) else { return Ok(()) };
        // With these its items are nobody's.
        let key = keys::contact(place, keys::STATE);
        self.storage.remove(key).await.map_err(Error::Storage)?;
        self.showing.take_if(|showing| showing.is_of(place));
        let items = self.state(place).map_or(0, State::keys);
        self.contacts[place] = None;
        self.erase(place, items).await
    }

    /// Writes a contact's numbers down, which are true from then on.
    async fn commit(&mut self, place: usize, state: &State) -> Result<(), S::Error> {
        save_state(&mut self.storage, place, state).await?;
        self.keep(place, state);
        Ok(())
    }

    /// What has changed need not be written down.
    fn keep(&mut self, place: usize, state: &State) {
        if let Some(contact) = &mut self.contacts[place] {
            contact.state.clone_from(state);
        }
    }
}

async fn save_state<S: Storage>(
    storage: &mut S,
    place: usize,
    state: &State,
) -> Result<(), S::Error> {
    storage.save(keys::contact(place, keys::STATE), &[state.write().bytes()]).await
}

/// An item of at most `N` bytes.
async fn load<S: Storage, const N: usize>(
    storage: &mut S,
    key: crate::storage::Key,
) -> Result<Option<heapless::Vec<u8, N>>, Error<S::Error>> {
    let mut item = heapless::Vec::new();
    item.resize_default(N).expect("it has room for N bytes");
    match storage.load(key, &mut item).await.map_err(Error::Storage)? {
        Some(len) if len > N => Err(Error::Damaged),
        Some(len) => {
            item.truncate(len);
            Ok(Some(item))
        }
        None => Ok(None),
    }
}

fn read_round<E>(item: &heapless::Vec<u8, ROUND_SIZE>) -> Result<(Newest, UnixMs), Error<E>> {
    let read = |mut r: Reader<'_>| {
        let (round, hash, time) = (r.u64()?, r.array()?, r.u64()?);
        let last = (Round(round), DirectoryHash::from_bytes(hash));
        r.end((Some(last), UnixMs(time)))
    };
    read(Reader(item)).ok_or(Error::Damaged)
}

/// A storage is of one network for good.
async fn check_network<S: Storage>(
    storage: &mut S,
    network: &NetworkId,
) -> Result<(), Error<S::Error>> {
    let network = network.as_bytes();
    match load::<S, 32>(storage, keys::NETWORK).await? {
        Some(known) if known == network => Ok(()),
        Some(_) => Err(Error::OtherNetwork),
        None => storage.save(keys::NETWORK, &[network]).await.map_err(Error::Storage),
    }
}

#[cfg(test)]
mod tests;
