//! Registration with one PKG, without I/O: what a client asks for, and what the PKG answers.
//!
//! A client registers with every PKG of the network, with a key of its own for each ([`client_key`]):
//!
//! 1. [`Task::Register`] over a link to the PKG: [`Answer::CodeSent`]. The PKG mails a code and the
//!    [fingerprint](crate::ClientKey::fingerprint) of the key that it is for, which people compare.
//! 2. [`Task::Confirm`] brings the code back: [`Answer::Registered`], or [`Answer::Waiting`] if the address has another
//!    key, which can [`Veto`](Task::Veto) until then.
//!
//! A request is one message of a [`Connection`](crate::Connection), and is answered with one message. Each may be
//! repeated, also over another link.

use core::fmt;
use core::time::Duration;

use crate::crypto::suite::{SIGNATURE_SIZE, Signature, Suite};
use crate::ibe::SHARE_SIZE;
use crate::identity::{Address, MAX_ADDRESS};
use crate::ids::{Round, UnixMs};
use crate::session::{client_key, client_seed};
use crate::wire::{
    Bytes, Code, PkgBinding, PkgRefusal, PkgReply, PkgRequest, WireError, decode, encode,
};

/// Length of the longest request in bytes: kind, round, address and signature.
pub const MAX_REQUEST: usize = 1 + 10 + (2 + MAX_ADDRESS) + SIGNATURE_SIZE;
/// Length of the longest reply in bytes: kind and share.
pub const MAX_REPLY: usize = 1 + SHARE_SIZE;

/// What a PKG is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Mail a code for the client's key.
    Register,
    /// Register the client's key: here is the code.
    Confirm(Code),
    /// Don't replace the client's key, which is registered: it was somebody else who asked for that.
    Veto,
    /// Delete the registration: nobody can write to the address any more.
    Unregister,
    /// Give the address's share of this round. Whoever throws it away has learnt that the registration is good.
    Extract(Round),
}

impl Task {
    /// Writes the request to the start of `out`, at most [`MAX_REQUEST`] bytes, and returns it.
    ///
    /// `seed` is the client's, from which its keys for all PKGs follow; `binding` names the PKG, and the link that the
    /// request is for. The request contains a code or a signature: wipe it afterwards.
    ///
    /// # Errors
    /// [`TooLong`](WireError::TooLong) if `out` is too short.
    pub fn request<'b, S: Suite>(
        &self,
        address: &Address,
        seed: &[u8; 32],
        binding: &PkgBinding<'_>,
        out: &'b mut [u8],
    ) -> Result<&'b mut [u8], WireError> {
        let key = || client_key::<S>(seed, binding.pkg);
        let sign =
            |digest: [u8; 32]| Bytes(S::Signature::sign(&client_seed(seed, binding.pkg), &digest));
        let text = address.as_str();
        let request = match self {
            Self::Register => PkgRequest::Register { address: text, key: key() },
            Self::Confirm(code) => {
                PkgRequest::Confirm { address: text, key: key(), code: code.clone() }
            }
            Self::Veto => {
                PkgRequest::Veto { address: text, signature: sign(binding.veto(address)) }
            }
            Self::Unregister => PkgRequest::Unregister {
                address: text,
                signature: sign(binding.unregister(address)),
            },
            Self::Extract(round) => PkgRequest::Extract {
                round: *round,
                address: text,
                signature: sign(binding.extract(*round, address)),
            },
        };
        encode(&request, out)
    }

    /// Reads the PKG's reply to this task. A share says that the address is registered, and is thrown away.
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn answer(&self, reply: &[u8]) -> Result<Answer, AnswerError> {
        let reply = decode(reply).map_err(|_| AnswerError::Unexpected)?;
        Ok(match (self, reply) {
            (_, PkgReply::Refused(why)) => return Err(AnswerError::Refused(why)),
            (Self::Register, PkgReply::CodeSent { seconds }) => {
                Answer::CodeSent { valid_for: Duration::from_secs(seconds.into()) }
            }
            (Self::Confirm(_), PkgReply::Registered) | (Self::Extract(_), PkgReply::Share(_)) => {
                Answer::Registered
            }
            (Self::Confirm(_), PkgReply::Waiting { until }) => Answer::Waiting { until },
            (Self::Veto, PkgReply::Vetoed) => Answer::Vetoed,
            (Self::Unregister, PkgReply::Unregistered) => Answer::Unregistered,
            _ => return Err(AnswerError::Unexpected),
        })
    }
}

/// What a PKG answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// A code is on its way to the address.
    CodeSent {
        /// How long it can be used.
        valid_for: Duration,
    },
    /// The address is registered to the client's key.
    Registered,
    /// The client's key replaces another one, unless that one vetoes.
    Waiting {
        /// When.
        until: UnixMs,
    },
    /// No replacement of the client's key is waiting any more.
    Vetoed,
    /// The registration is deleted.
    Unregistered,
}

/// Why a PKG's reply is no [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// The PKG did not do what it was asked to.
    Refused(PkgRefusal),
    /// The reply is no message of the protocol, or does not answer the task.
    Unexpected,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => why.fmt(f),
            Self::Unexpected => f.write_str(
                "the server's answer makes no sense: use the same version as the network",
            ),
        }
    }
}

impl core::error::Error for AnswerError {}
