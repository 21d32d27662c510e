//! Sending the PKG's mails.

mod catcher;
mod config;

use std::future::Future;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

pub use catcher::{CaughtMail, MailCatcher};
pub use config::{MailConfigError, SmtpConfig, SmtpSecurity};

use zephyr_machine::pkg::{Failure, Letter};

/// Why a mail was not sent. The texts are for operators; they may name the recipient, so they are for debugging.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The server refuses it for good.
    #[error("the mail server refuses the mail: {0}")]
    Refused(String),
    /// The server is not to be reached, or refuses for the moment.
    #[error("the mail server does not take the mail now: {0}")]
    Unavailable(String),
}

impl From<&MailError> for Failure {
    fn from(error: &MailError) -> Self {
        match error {
            MailError::Refused(_) => Self::Recipient,
            MailError::Unavailable(_) => Self::Mail,
        }
    }
}

/// Something that sends mail.
pub trait Mailer: Send + Sync + 'static {
    /// Sends `letter`; returns when a mail server is responsible for it.
    fn send(&self, letter: &Letter) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// Sends mail through an SMTP server, with a connection for each mail.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// For everything about one mail.
    timeout: Duration,
}

impl SmtpMailer {
    /// Reads the password and the certificate that `config` names; does not connect.
    ///
    /// # Errors
    /// Says what is wrong with the configuration.
    pub fn new(config: &SmtpConfig) -> Result<Self, MailConfigError> {
        let from = config.from.parse().map_err(|_| MailConfigError::From)?;
        let timeout = Duration::from_secs(config.timeout_s.into());
        let host = config.host.as_str();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(config.port())
            .timeout(Some(timeout))
            .tls(tls(config)?);
        if let Some((user, password)) = config.credentials()? {
            builder = builder.credentials(Credentials::new(user, password.to_string()));
        }
        Ok(Self { transport: builder.build(), from, timeout })
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailError> {
        let refused = |error: &dyn std::error::Error| MailError::Refused(error.to_string());
        let (local, domain) = letter.to.as_str().rsplit_once('@').unwrap_or_default();
        let to = lettre::Address::new(local, domain).map_err(|error| refused(&error))?;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| MailError::Unavailable(error.to_string()))?;
        let id = u128::from_be_bytes(id);
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.as_str())
            .date_now()
            // Of the sender's domain: the machine's name is nobody's business.
            .message_id(Some(format!("<{id:032x}@{}>", self.from.email.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone())
            .map_err(|error| refused(&error))
    }
}

impl Mailer for SmtpMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(letter)?;
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if is_about_recipient(&error) => {
                Err(MailError::Refused(with_causes(&error)))
            }
            Ok(Err(error)) => Err(MailError::Unavailable(with_causes(&error))),
            Err(_) => Err(MailError::Unavailable("it does not answer in time".into())),
        }
    }
}

/// Other permanent errors, such as a wrong password, are the operator's to mend (RFC 5321, section 4.2.3).
fn is_about_recipient(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 550 | 551 | 553))
}

fn tls(config: &SmtpConfig) -> Result<Tls, MailConfigError> {
    if config.security == SmtpSecurity::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(pem) = config.root_certificate()? {
        let root = Certificate::from_pem(&pem).map_err(|_| MailConfigError::NoCertificate)?;
        parameters = parameters.add_root_certificate(root);
    }
    let parameters =
        parameters.build().map_err(|error| MailConfigError::Tls(with_causes(&error)))?;
    Ok(match config.security {
        SmtpSecurity::Tls => Tls::Wrapper(parameters),
        _ => Tls::Required(parameters),
    })
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// `Auto-Submitted: auto-generated` (RFC 3834), so that nobody's holiday message answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

#[cfg(test)]
mod tests;
