//! What a client knows, wants to send and has received: it survives a reset.

use core::fmt;

use zephyr_core::session::Draft;
use zephyr_core::{Address, Content, DirectoryHash, Payload, Round, ServerId, UnixMs};

use crate::account::Account;
use crate::error::Error;
use crate::registration::Registration;
use crate::storage::Storage;

/// The longest message in bytes.
pub const MAX_TEXT: usize = 4_096;

/// A message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A fragment of a message that has come. Its bytes stand in the buffer that was lent.
///
/// Fragments of one sender come in order, those of one message behind each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Who sent it; `None` if nobody says so.
    pub from: Option<Address>,
    /// What the message is.
    pub content: Content,
    /// The message's id, the same in all its fragments.
    pub message: u64,
    /// The fragment's index in the message.
    pub fragment: u16,
    /// How many fragments the message has.
    pub fragments: u16,
    /// How many bytes of the buffer it fills.
    pub len: usize,
}

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

/// Why a message can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<E> {
    /// The recipient is no contact.
    NoContact,
    /// The message is empty or longer than [`MAX_TEXT`].
    Length,
    /// Too much waits for this contact already. Wait until something is delivered.
    Full,
    /// The network's time isn't known yet.
    ClockUnknown,
    /// The storage can't be written.
    Storage(E),
}

pub(crate) struct Home<S, const CONTACTS: usize> {
    storage: S,
    account: Account,
    last: Option<(Round, DirectoryHash)>,
    contacts: heapless::Vec<Address, CONTACTS>,
}

impl<S: Storage, const CONTACTS: usize> Home<S, CONTACTS> {
    pub(crate) async fn open(storage: S, account: Account) -> Result<Self, Error<S::Error>> {
        Ok(Self { storage, account, last: None, contacts: heapless::Vec::new() })
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The newest network time that was written down.
    pub(crate) fn clock(&self) -> UnixMs {
        UnixMs(0)
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
        let _ = network_time;
        self.last = Some((round, directory));
        Ok(())
    }

    pub(crate) fn contacts(&self) -> impl Iterator<Item = &Address> {
        self.contacts.iter()
    }

    /// `now` is the network's time. An address that is a contact already stays one.
    pub(crate) async fn add_contact(
        &mut self,
        address: &Address,
        now: Option<UnixMs>,
    ) -> Result<(), ContactError<S::Error>> {
        let _ = now;
        if address == self.account.address() {
            return Err(ContactError::Oneself);
        }
        self.contacts.push(address.clone()).map_err(|_| ContactError::Full)
    }

    pub(crate) async fn remove_contact(
        &mut self,
        address: &Address,
    ) -> Result<(), Error<S::Error>> {
        self.contacts.retain(|contact| contact != address);
        Ok(())
    }

    /// `message` is a random number; `capacity` is how many bytes of the message a fragment takes.
    pub(crate) async fn send(
        &mut self,
        to: &Address,
        content: Content,
        text: &[u8],
        message: u64,
        capacity: usize,
        now: Option<UnixMs>,
    ) -> Result<MessageId, SendError<S::Error>> {
        let _ = (to, content, text, message, capacity, now);
        Err(SendError::Full)
    }

    /// What goes into the slot, written down: the fragment that is due, an acknowledgement that is owed, or nothing.
    pub(crate) async fn fill<'b>(
        &mut self,
        round: Round,
        slot: u8,
        contact: &Address,
        resend_after: u64,
        buffer: &'b mut [u8],
    ) -> Result<Option<Draft<'b>>, Error<S::Error>> {
        let _ = (round, slot, contact, resend_after, buffer);
        Ok(None)
    }

    /// A mixer took the slot's packet.
    pub(crate) fn sent(&mut self, round: Round, slot: u8) {
        let _ = (round, slot);
    }

    /// No mixer took the slot's packet, or it carries cover.
    pub(crate) fn failed(&mut self, round: Round, slot: u8) {
        let _ = (round, slot);
    }

    /// The round was void.
    pub(crate) fn void(&mut self, round: Round) {
        let _ = round;
    }

    /// Keeps what came; `delivered` gets the messages whose last fragment is acknowledged. Whether it was kept: if
    /// there is no room, it comes again.
    pub(crate) async fn receive(
        &mut self,
        round: Round,
        payload: &Payload<'_>,
        delivered: impl FnMut(MessageId),
    ) -> Result<bool, Error<S::Error>> {
        let _ = (round, payload, delivered);
        Ok(true)
    }

    /// The first part that waits for the user; `buffer` has room for a payload.
    pub(crate) async fn next_part(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<Option<Part>, Error<S::Error>> {
        let _ = buffer;
        Ok(None)
    }

    /// The user has that part: it is erased.
    pub(crate) async fn taken(&mut self) -> Result<(), Error<S::Error>> {
        Ok(())
    }

    pub(crate) async fn registration(
        &mut self,
        pkg: &ServerId,
    ) -> Result<Registration, Error<S::Error>> {
        let _ = pkg;
        Ok(Registration::None)
    }

    pub(crate) async fn set_registration(
        &mut self,
        pkg: &ServerId,
        state: Registration,
    ) -> Result<(), Error<S::Error>> {
        let _ = (pkg, state);
        Ok(())
    }

    /// The newest signed manifest with an even (0) or odd (1) version: its length in `buffer`.
    pub(crate) async fn version(
        &mut self,
        parity: u32,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Error<S::Error>> {
        let _ = (parity, buffer);
        Ok(None)
    }

    /// Keeps a signed manifest in the place of the one before the last.
    pub(crate) async fn set_version(
        &mut self,
        version: u32,
        signed: &[u8],
    ) -> Result<(), Error<S::Error>> {
        let _ = (version, signed, &mut self.storage);
        Ok(())
    }
}
