//! What can go wrong, so that an application can act on it.

use std::time::{Duration, SystemTime};

use zephyr_client::{
    BackupError, MIN_PASSPHRASE, NetworkError, RegistrationError, RequestError, RunError,
    SendError, StoreError,
};
use zephyr_core::AddressError;
use zephyr_core::wire::{CodeError, PkgRefusal};

use crate::types::{small, time};

/// Why something was not done. [`sentence`](Self::sentence) says it to people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[non_exhaustive]
pub enum ZephyrError {
    /// A text is not an e-mail address.
    #[error("{reason}")]
    InvalidAddress {
        /// What is wrong with it: `TooLong`, `NotAscii`, `NoAt`, `Local` or `Domain`.
        problem: String,
        /// A sentence about it.
        reason: String,
    },
    /// The text is no network file, or it was altered.
    #[error("{reason}")]
    InvalidNetwork {
        /// A sentence about it.
        reason: String,
    },
    /// There is no home in the folder: create one.
    #[error("there is no zephyr home at {directory}: create one")]
    NoHome {
        /// The folder.
        directory: String,
    },
    /// Another program, or another client of this one, has the home open.
    #[error("this home is open already ({directory}): close it first, or use another one")]
    InUse {
        /// The folder.
        directory: String,
    },
    /// The home was made for another address.
    #[error("this home belongs to {address}: use another home for another address")]
    OtherAddress {
        /// That address.
        address: String,
    },
    /// The home was made for another network.
    #[error("this home belongs to another network: use another home, or that network's file")]
    OtherNetwork,
    /// The home can only be read.
    #[error("the home is read-only: make its folder and files writable")]
    ReadOnly,
    /// The disk or the quota is used up; nothing that was saved is lost.
    #[error("the disk is full: free some space and try again, nothing that was saved is lost")]
    DiskFull,
    /// The home's database is damaged: restore a backup, or register with a new home.
    #[error("the home's database is damaged: restore a backup, or register with a new home")]
    HomeDamaged,
    /// A newer version of the library wrote the home: update the application.
    #[error("the home was written by a newer version: update this program")]
    HomeTooNew,
    /// A file or folder can't be used.
    #[error("{reason}")]
    FileUnusable {
        /// A sentence about it.
        reason: String,
    },
    /// There is no such message, or not any more.
    #[error("there is no message {id}")]
    NoMessage {
        /// Its number.
        id: u64,
    },
    /// It is the user's own address.
    #[error("this is your own address: write to somebody else")]
    OwnAddress,
    /// The user has blocked the address: unblock it first.
    #[error("{address} is blocked: unblock it first")]
    Blocked {
        /// The address.
        address: String,
    },
    /// There is nothing in the text.
    #[error("the text is empty: write something")]
    EmptyText,
    /// The message is longer than any may be.
    #[error("the message has {len} bytes, the most are {max}: shorten or split it")]
    TooLong {
        /// Its length in bytes.
        len: u64,
        /// The most that can be sent in this network, in bytes.
        max: u64,
    },
    /// The user's address takes all of a packet in this network: register a shorter one.
    #[error("your address is too long for this network, whose payloads have {payload_len} bytes")]
    OwnAddressTooLong {
        /// How many bytes a packet carries.
        payload_len: u32,
    },
    /// There is no place for another contact until the client is stopped and started again.
    #[error("no more contacts than {places} fit until the client is stopped and started again")]
    ContactsFull {
        /// How many there can be until then.
        places: u64,
    },
    /// Who has the backup could guess the passphrase: take a longer one.
    #[error("the passphrase is too short: it needs at least {min} characters")]
    WeakPassphrase {
        /// The fewest characters that it needs.
        min: u32,
    },
    /// The passphrase is wrong, or the file is damaged or no backup: nothing tells these apart.
    #[error(
        "{file} can't be opened: the passphrase is wrong, or it is damaged or no zephyr backup"
    )]
    WrongPassphrase {
        /// The backup.
        file: String,
    },
    /// There is such a file already: backups are never overwritten.
    #[error("there is a file {file} already: choose another name, backups are never overwritten")]
    FileExists {
        /// The file.
        file: String,
    },
    /// There is a home in the folder already: homes are never overwritten.
    #[error("there is a home at {directory} already: choose another folder")]
    HomeExists {
        /// The folder.
        directory: String,
    },
    /// The text is no code: codes have eight letters and digits.
    #[error("{reason}")]
    InvalidCode {
        /// A sentence about it.
        reason: String,
    },
    /// The code is not the one that the PKG mailed.
    #[error("the code is wrong: compare it with the mail (tries left: {tries_left})")]
    WrongCode {
        /// How often it may still be tried; after that ask for a new one.
        tries_left: u8,
    },
    /// The PKG waits for no code: it was used, is too old, or was tried too often. Ask for a new one.
    #[error("the PKG waits for no code here (any more): ask for a new one")]
    NoCode,
    /// The network has no such PKG.
    #[error("the network has {count} PKGs: there is none with the number {pkg}")]
    NoSuchPkg {
        /// Which was meant.
        pkg: u32,
        /// How many there are.
        count: u32,
    },
    /// The PKG does not know the address with this home's key: register.
    #[error("the PKG has not registered this address to this key: register the address")]
    NotRegistered,
    /// Too many codes were asked for.
    #[error("too many codes were asked for: try again in {} seconds", retry_in.as_secs())]
    RateLimited {
        /// When the next one can be had.
        retry_in: Duration,
    },
    /// Another home has the address: this one's key replaces it later, unless that one vetoes.
    #[error("the address is registered to another key, which this one will replace later")]
    Waiting {
        /// When.
        until: SystemTime,
    },
    /// The mail server does not take mail to the address.
    #[error("the mail server does not take mail to this address: is it right?")]
    MailRefused,
    /// The PKG can't do it now: try again later.
    #[error("{reason}")]
    PkgUnavailable {
        /// A sentence about it.
        reason: String,
    },
    /// The PKG refused for another reason.
    #[error("{reason}")]
    Refused {
        /// A sentence about it.
        reason: String,
    },
    /// A server could not be reached, or the connection broke: look at the network and try again.
    #[error("{reason}")]
    Unreachable {
        /// A sentence about it.
        reason: String,
    },
    /// A server speaks another version of the protocol: update the application.
    #[error("{reason}")]
    Incompatible {
        /// A sentence about it.
        reason: String,
    },
    /// The client was closed, before the call or during it.
    #[error("this client is closed: open the home again")]
    Closed,
    /// Something that the application can't do anything about.
    #[error("{reason}")]
    Unexpected {
        /// A sentence about it.
        reason: String,
    },
}

#[uniffi::export]
impl ZephyrError {
    /// A sentence for people that says what is wrong and what to do, in English.
    pub fn sentence(&self) -> String {
        self.to_string()
    }
}

impl From<AddressError> for ZephyrError {
    fn from(error: AddressError) -> Self {
        Self::InvalidAddress { problem: format!("{error:?}"), reason: error.to_string() }
    }
}

impl From<NetworkError> for ZephyrError {
    fn from(error: NetworkError) -> Self {
        Self::InvalidNetwork { reason: error.to_string() }
    }
}

impl From<CodeError> for ZephyrError {
    fn from(error: CodeError) -> Self {
        Self::InvalidCode { reason: error.to_string() }
    }
}

impl From<StoreError> for ZephyrError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoHome(path) => Self::NoHome { directory: path.display().to_string() },
            StoreError::InUse(path) => Self::InUse { directory: path.display().to_string() },
            StoreError::OtherAddress(address) => {
                Self::OtherAddress { address: address.as_str().to_owned() }
            }
            StoreError::OtherNetwork => Self::OtherNetwork,
            StoreError::ReadOnly => Self::ReadOnly,
            StoreError::Full => Self::DiskFull,
            StoreError::Damaged => Self::HomeDamaged,
            StoreError::Newer => Self::HomeTooNew,
            StoreError::NoMessage(id) => Self::NoMessage { id },
            StoreError::Blocked(address) => Self::Blocked { address: address.as_str().to_owned() },
            error @ StoreError::File { .. } => Self::FileUnusable { reason: error.to_string() },
            error => Self::Unexpected { reason: error.to_string() },
        }
    }
}

impl From<SendError> for ZephyrError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::EmptyText => Self::EmptyText,
            SendError::TooLong { len, max } => Self::TooLong { len: len as u64, max: max as u64 },
            SendError::OwnAddress => Self::OwnAddress,
            SendError::Blocked(address) => Self::Blocked { address: address.as_str().to_owned() },
            SendError::AddressTooLong { payload_len } => {
                Self::OwnAddressTooLong { payload_len: small(payload_len) }
            }
            SendError::ContactsFull { places } => Self::ContactsFull { places: places as u64 },
            SendError::Store(error) => error.into(),
            error => Self::Unexpected { reason: error.to_string() },
        }
    }
}

impl From<BackupError> for ZephyrError {
    fn from(error: BackupError) -> Self {
        let reason = error.to_string();
        match error {
            BackupError::ShortPassphrase => Self::WeakPassphrase { min: small(MIN_PASSPHRASE) },
            BackupError::Unreadable(file) => {
                Self::WrongPassphrase { file: file.display().to_string() }
            }
            BackupError::Exists(file) => Self::FileExists { file: file.display().to_string() },
            BackupError::HasHome(path) => {
                Self::HomeExists { directory: path.display().to_string() }
            }
            BackupError::File { .. } => Self::FileUnusable { reason },
            BackupError::Store(error) => error.into(),
            _ => Self::Unexpected { reason },
        }
    }
}

impl From<RunError> for ZephyrError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            error => Self::Unexpected { reason: error.to_string() },
        }
    }
}

impl From<RequestError> for ZephyrError {
    fn from(error: RequestError) -> Self {
        let reason = error.to_string();
        match error {
            RequestError::Connect { .. } | RequestError::Connection(_) => {
                Self::Unreachable { reason }
            }
            _ => Self::Incompatible { reason },
        }
    }
}

impl From<RegistrationError> for ZephyrError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::NoSuchPkg { index, count } => {
                Self::NoSuchPkg { pkg: small(index), count: small(count) }
            }
            RegistrationError::Request(error) => error.into(),
            RegistrationError::Refused(why) => why.into(),
            RegistrationError::Store(error) => error.into(),
            error => Self::Unexpected { reason: error.to_string() },
        }
    }
}

impl From<PkgRefusal> for ZephyrError {
    fn from(why: PkgRefusal) -> Self {
        let reason = why.to_string();
        match why {
            PkgRefusal::WrongCode { tries_left } => Self::WrongCode { tries_left },
            PkgRefusal::NoCode => Self::NoCode,
            PkgRefusal::NotRegistered => Self::NotRegistered,
            PkgRefusal::RateLimited { seconds } => {
                Self::RateLimited { retry_in: Duration::from_secs(seconds.into()) }
            }
            PkgRefusal::Waiting { until } => Self::Waiting { until: time(until) },
            PkgRefusal::MailRefused => Self::MailRefused,
            PkgRefusal::MailFailed | PkgRefusal::Busy | PkgRefusal::Unavailable => {
                Self::PkgUnavailable { reason }
            }
            _ => Self::Refused { reason },
        }
    }
}

#[cfg(test)]
mod tests;
