//! The configuration of a mail server.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

/// How to send mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// The server's host name, which its certificate must have, or its IP address.
    pub host: String,
    /// The port; by default 25, 587 or 465 for `none`, `starttls` and `tls`.
    pub port: Option<u16>,
    /// How the connection is secured.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// The user to log in as, if the server wants that.
    pub user: Option<String>,
    /// The file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// The environment variable that has the password.
    pub password_env: Option<String>,
    /// The sender, such as `Zephyr PKG <pkg@example.org>`.
    pub from: String,
    /// A PEM file with a certificate to trust besides the public ones, for a server with a certificate of one's
    /// own making.
    pub root_certificate: Option<PathBuf>,
    /// Seconds that sending a mail may take: 20.
    #[serde(default = "default_timeout")]
    pub timeout_s: u16,
}

const fn default_timeout() -> u16 {
    20
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// Not at all: for a server on the same machine.
    None,
    /// By STARTTLS, without which nothing is sent (RFC 3207).
    #[default]
    Starttls,
    /// By TLS from the first byte (RFC 8314).
    Tls,
}

/// What is wrong with the configuration of mail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailConfigError {
    /// The sender is not an address.
    #[error("`from` must be an e-mail address, such as `Zephyr PKG <pkg@example.org>`")]
    From,
    /// A password would travel in the clear.
    #[error("a password is not sent without TLS: set `security` to \"starttls\" or \"tls\"")]
    Insecure,
    /// A user and no password, or the other way round, or two passwords.
    #[error("set `user` and one of `password_file` and `password_env`, or none of the three")]
    Credentials,
    /// The environment has no such variable.
    #[error("the environment variable {0} of `password_env` is not set")]
    Environment(String),
    /// A file cannot be read.
    #[error("the file {} cannot be read: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file with the certificate has none.
    #[error("the file of `root_certificate` has no certificate in PEM form")]
    NoCertificate,
    /// TLS refuses the host name or the certificate.
    #[error("TLS cannot be set up with this `host` and `root_certificate`: {0}")]
    Tls(String),
}

impl SmtpConfig {
    /// A server on this machine that takes mail without further ado.
    pub fn local(address: std::net::SocketAddr, from: &str) -> Self {
        Self {
            host: address.ip().to_string(),
            port: Some(address.port()),
            security: SmtpSecurity::None,
            user: None,
            password_file: None,
            password_env: None,
            from: from.into(),
            root_certificate: None,
            timeout_s: default_timeout(),
        }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            SmtpSecurity::None => 25,
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::Tls => 465,
        })
    }

    pub(super) fn credentials(
        &self,
    ) -> Result<Option<(String, Zeroizing<String>)>, MailConfigError> {
        let password = match (&self.user, &self.password_file, &self.password_env) {
            (None, None, None) => return Ok(None),
            (Some(_), Some(path), None) => {
                let text = Zeroizing::new(read(path)?);
                let text = String::from_utf8_lossy(&text);
                Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
            }
            (Some(_), None, Some(name)) => std::env::var(name)
                .map(Zeroizing::new)
                .map_err(|_| MailConfigError::Environment(name.clone()))?,
            _ => return Err(MailConfigError::Credentials),
        };
        if self.security == SmtpSecurity::None && !self.is_loopback() {
            return Err(MailConfigError::Insecure);
        }
        Ok(self.user.clone().map(|user| (user, password)))
    }

    pub(super) fn root_certificate(&self) -> Result<Option<Vec<u8>>, MailConfigError> {
        self.root_certificate.as_ref().map(read).transpose()
    }

    fn is_loopback(&self) -> bool {
        self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, MailConfigError> {
    std::fs::read(path).map_err(|error| MailConfigError::File { path: path.clone(), error })
}
