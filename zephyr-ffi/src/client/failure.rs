//! What the client's errors are as statuses that a program can act on; their sentences go along.

use std::string::{String, ToString};

use ::zephyr_client::{
    BackupError, NetworkError, RegistrationError, RequestError, RunError, SendError, StoreError,
};
use zephyr_core::wire::{CodeError, PkgRefusal};

use crate::abi::zephyr_status::*;
use crate::abi::{Failure, zephyr_status};

/// A failure with the error's own sentence.
macro_rules! with_sentence {
    ($($error:ty => $status:ident),* $(,)?) => {$(
        impl From<&$error> for Failure {
            fn from(error: &$error) -> Self {
                Self::new($status(error), sentence(&error.to_string()))
            }
        }

        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::from(&error)
            }
        }
    )*};
}

with_sentence! {
    BackupError => backup,
    CodeError => code,
    NetworkError => network,
    RegistrationError => registration,
    RunError => run,
    SendError => send,
    StoreError => store,
}

/// As the other sentences of the library are written.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut sentence: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    sentence.push_str(chars.as_str());
    if !sentence.is_empty() && !sentence.ends_with(['.', ')']) {
        sentence.push('.');
    }
    sentence
}

fn store(error: &StoreError) -> zephyr_status {
    match error {
        StoreError::NoHome(_) => ZEPHYR_ERROR_NO_HOME,
        StoreError::InUse(_) => ZEPHYR_ERROR_IN_USE,
        StoreError::OtherAddress(_) | StoreError::OtherNetwork => ZEPHYR_ERROR_OTHER_HOME,
        StoreError::Blocked(_) => ZEPHYR_ERROR_BLOCKED,
        StoreError::NoMessage(_) => ZEPHYR_ERROR_NO_MESSAGE,
        StoreError::Random(_) => ZEPHYR_ERROR_RANDOM,
        _ => ZEPHYR_ERROR_HOME,
    }
}

fn send(error: &SendError) -> zephyr_status {
    match error {
        SendError::EmptyText => ZEPHYR_ERROR_ARGUMENT,
        SendError::TooLong { .. } => ZEPHYR_ERROR_TOO_LONG,
        SendError::OwnAddress => ZEPHYR_ERROR_OWN_ADDRESS,
        SendError::Blocked(_) => ZEPHYR_ERROR_BLOCKED,
        SendError::AddressTooLong { .. } => ZEPHYR_ERROR_ADDRESS,
        SendError::ContactsFull { .. } => ZEPHYR_ERROR_CONTACTS_FULL,
        SendError::Store(error) => store(error),
        _ => ZEPHYR_ERROR_HOME,
    }
}

fn registration(error: &RegistrationError) -> zephyr_status {
    match error {
        RegistrationError::NoSuchPkg { .. } => ZEPHYR_ERROR_ARGUMENT,
        RegistrationError::Request(RequestError::Unexpected) => ZEPHYR_ERROR_REFUSED,
        RegistrationError::Request(_) => ZEPHYR_ERROR_UNREACHABLE,
        RegistrationError::Refused(why) => refusal(*why),
        RegistrationError::Store(error) => store(error),
        _ => ZEPHYR_ERROR_REFUSED,
    }
}

fn refusal(why: PkgRefusal) -> zephyr_status {
    match why {
        PkgRefusal::NotRegistered | PkgRefusal::Waiting { .. } => ZEPHYR_ERROR_NOT_REGISTERED,
        PkgRefusal::WrongCode { .. } => ZEPHYR_ERROR_WRONG_CODE,
        PkgRefusal::NoCode => ZEPHYR_ERROR_NO_CODE,
        PkgRefusal::BadAddress | PkgRefusal::MailRefused => ZEPHYR_ERROR_ADDRESS,
        PkgRefusal::RateLimited { .. } | PkgRefusal::MailFailed | PkgRefusal::Busy => {
            ZEPHYR_ERROR_LATER
        }
        _ => ZEPHYR_ERROR_REFUSED,
    }
}

fn backup(error: &BackupError) -> zephyr_status {
    match error {
        BackupError::ShortPassphrase | BackupError::Unreadable(_) => ZEPHYR_ERROR_PASSPHRASE,
        BackupError::Exists(_) | BackupError::HasHome(_) => ZEPHYR_ERROR_EXISTS,
        BackupError::TooLong(_) => ZEPHYR_ERROR_TOO_LONG,
        BackupError::File { .. } => ZEPHYR_ERROR_FILE,
        BackupError::Memory(_) => ZEPHYR_ERROR_SYSTEM,
        BackupError::Store(error) => store(error),
        _ => ZEPHYR_ERROR_FILE,
    }
}

fn run(error: &RunError) -> zephyr_status {
    match error {
        RunError::Running => ZEPHYR_ERROR_RUNNING,
        RunError::Store(error) => store(error),
        _ => ZEPHYR_ERROR_HOME,
    }
}

fn network(_: &NetworkError) -> zephyr_status {
    ZEPHYR_ERROR_NETWORK
}

fn code(_: &CodeError) -> zephyr_status {
    ZEPHYR_ERROR_CODE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_tell_what_a_program_can_do() {
        let failure = |error: RegistrationError| Failure::from(error).status;
        let refused = |why| failure(RegistrationError::Refused(why));
        assert_eq!(refused(PkgRefusal::WrongCode { tries_left: 2 }), ZEPHYR_ERROR_WRONG_CODE);
        assert_eq!(refused(PkgRefusal::NoCode), ZEPHYR_ERROR_NO_CODE);
        assert_eq!(refused(PkgRefusal::RateLimited { seconds: 9 }), ZEPHYR_ERROR_LATER);
        assert_eq!(refused(PkgRefusal::Malformed), ZEPHYR_ERROR_REFUSED);
        let in_use = || StoreError::InUse("home".into());
        assert_eq!(failure(RegistrationError::Store(in_use())), ZEPHYR_ERROR_IN_USE);
        assert_eq!(Failure::from(SendError::Store(in_use())).status, ZEPHYR_ERROR_IN_USE);
        assert_eq!(Failure::from(BackupError::Store(in_use())).status, ZEPHYR_ERROR_IN_USE);
    }

    #[test]
    fn sentences_begin_and_end_as_sentences_do() {
        assert_eq!(sentence("écoute: now"), "Écoute: now.");
        assert_eq!(sentence("Is one."), "Is one.");
        assert_eq!(sentence(""), "");
    }
}
