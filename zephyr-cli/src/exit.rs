//! How the program ends: a sentence that says what to do, and an exit code.

use std::fmt::Display;
use std::process::ExitCode;

use zephyr_client::{
    BackupError, NetworkError, RegistrationError, RequestError, RunError, SendError, StoreError,
};
use zephyr_core::wire::PkgRefusal;
use zephyr_server::NodeError;

/// For `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed; a sentence on stderr says why and what to do
  2  the command line, a file or an input is not as it must be
  3  the network, or one of its servers that is needed, can't be reached
  4  this home has no address that is registered with all PKGs
  5  the message is in the outbox, but was not delivered in the time given";

/// The exit codes other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Failed = 1,
    Usage = 2,
    Unreachable = 3,
    NotRegistered = 4,
    NotDelivered = 5,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    sentence: String,
}

/// What commands return.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// With an exit code and a sentence that says what is wrong and what to do.
    pub fn new(exit: Exit, sentence: impl Display) -> Self {
        Self { exit, sentence: sentence.to_string() }
    }

    /// Exit code 1.
    pub fn failed(sentence: impl Display) -> Self {
        Self::new(Exit::Failed, sentence)
    }

    /// Exit code 2.
    pub fn usage(sentence: impl Display) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    /// With `name` in front, for failures of one of several things.
    pub fn of(self, name: impl Display) -> Self {
        Self { sentence: format!("{name}: {}", self.sentence), ..self }
    }

    /// Says the sentence on stderr.
    pub fn tell(&self) -> ExitCode {
        crate::output::note(format_args!("zephyr: {}", self.sentence));
        ExitCode::from(self.exit as u8)
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::NoHome(_) => Exit::NotRegistered,
            StoreError::OtherAddress(_) | StoreError::OtherNetwork => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, error)
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::ShortPassphrase | BackupError::Unreadable(_) => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Store(error) => error.into(),
            SendError::ContactsFull { .. } => Self::failed(error),
            error => Self::usage(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        Self::usage(error)
    }
}

impl From<RegistrationError> for Failure {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Request(RequestError::Connect { .. }) => {
                Self::new(Exit::Unreachable, error)
            }
            RegistrationError::Refused(PkgRefusal::NotRegistered) => {
                Self::new(Exit::NotRegistered, error)
            }
            RegistrationError::Store(error) => error.into(),
            error => Self::failed(error),
        }
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::failed(error)
    }
}
