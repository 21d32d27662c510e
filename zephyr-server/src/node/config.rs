//! What a server is told when it starts, and what can be wrong with that.

use std::io;
use std::path::PathBuf;

use zephyr_core::Role;
use zeroize::Zeroizing;

use crate::listen::Limits;
use crate::mail::{MailConfigError, SmtpConfig};
use crate::net::StartError;
use crate::store::{Database, StoreError};
use zephyr_machine::SharedManifest;
use zephyr_machine::pkg::PkgRules;

/// What a server needs to start.
#[derive(Clone)]
pub struct NodeConfig {
    /// The network.
    pub manifest: SharedManifest,
    /// The secret from which the server's keys come.
    pub seed: Zeroizing<[u8; 32]>,
    /// Where to listen for clients, `host:port`.
    pub client_listen: String,
    /// Where to listen for the other servers, `host:port`.
    pub peer_listen: String,
    /// The folder for what must survive a restart. Without it a mixer forgets what it has signed: only for
    /// networks that end with their servers.
    pub state: Option<PathBuf>,
    /// For PKGs only, and they need it.
    pub pkg: Option<PkgConfig>,
    /// For mailbox servers only; memory by default.
    pub mailbox_database: Option<Database>,
    /// Where to serve metrics, `host:port`; nowhere by default. Whoever can connect there can read them.
    pub metrics_listen: Option<String>,
    /// What clients may cost.
    pub limits: Limits,
}

/// What a PKG needs besides.
#[derive(Clone, Debug)]
pub struct PkgConfig {
    /// The mail server.
    pub smtp: SmtpConfig,
    /// The limits of registration.
    pub rules: PkgRules,
    /// Where registrations are kept; memory by default.
    pub database: Option<Database>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The key belongs to no server of the manifest.
    #[error(
        "the network file lists no server with this key: check the key file, or have the server added"
    )]
    NotListed,
    /// The manifest gives it a role that this program does not know.
    #[error("the network file gives this server the role {0}, which this program does not know")]
    UnknownRole(Role),
    /// A front of something else.
    #[error("the network file lists this key as a {0}: only a mailbox server has fronts")]
    NoMailbox(Role),
    /// A PKG without its settings.
    #[error("a PKG needs the settings of its mail server: add a section [smtp]")]
    NoPkgSettings,
    /// The port for clients cannot be used.
    #[error("can't listen for clients on {0}: {1}")]
    Listen(String, #[source] io::Error),
    /// The port for metrics cannot be used.
    #[error("can't serve metrics on {0}: {1}")]
    Metrics(String, #[source] io::Error),
    /// The network between the servers cannot start.
    #[error(transparent)]
    Net(#[from] StartError),
    /// The state folder cannot be used.
    #[error("can't use the state file {path}: {source}")]
    State {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings of the mail server are wrong.
    #[error(transparent)]
    Mail(#[from] MailConfigError),
    /// The server's name in the manifest cannot stand in a mail.
    #[error("the PKG's name in the network file can't stand in a mail: {0}")]
    Name(String),
}
