//! Trial decryption, apart from the session: the part of reading a mailbox that takes long and changes nothing.

use core::fmt;

use crate::crypto::suite::Suite;
use crate::seal::{Opener, OwnMessage};

use super::Session;
use super::event::ExchangeId;
use super::exchange::Kind;

/// What the frames of a connection are tried with before they are [handled](Session::handle_tried). Threads may share
/// it.
pub struct Trial<'s, S: Suite> {
    opener: Opener<'s, S::Pairing>,
    sealed_len: usize,
}

/// What a [`Trial`] has found in a frame.
#[derive(Default)]
pub struct Tried(pub(super) Option<OwnMessage>);

impl<S: Suite> Trial<'_, S> {
    /// Tries a frame: one pairing if it is as long as a message.
    pub fn run(&self, frame: &[u8]) -> Tried {
        let is_message = frame.len() == self.sealed_len;
        Tried(if is_message { self.opener.try_open(frame) } else { None })
    }
}

impl<S: Suite> fmt::Debug for Trial<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trial(…)")
    }
}

/// Does not show whether the message is the user's.
impl fmt::Debug for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tried(…)")
    }
}

impl<S: Suite> Session<'_, S> {
    /// What the frames of this connection are tried with; `None` if there is nothing to try. That does not change as
    /// long as the session [waits](Self::waits_for) for the connection.
    pub fn trial(&self, id: ExchangeId) -> Option<Trial<'_, S>> {
        if self.contacts_only {
            return None;
        }
        let exchange = self.exchanges.get(id)?;
        let Kind::Download { .. } = exchange.kind else { return None };
        let place = self.incoming_place(exchange.round)?;
        let incoming = self.incoming[place].as_ref()?;
        let key = incoming.key.as_ref()?;
        let opener = Opener::in_round(&incoming.id, self.own.address(), key);
        Some(Trial { opener, sealed_len: self.manifest.parameters().geometry.sealed_len() })
    }
}
