//! Requests that the registered key must have signed.

use std::marker::PhantomData;

use zephyr_core::wire::{Bytes, PkgBinding, PkgRefusal, PkgReply};
use zephyr_core::{Address, ClientKey, Round, Signature, Suite};

use super::{Answer, Decision, Link, Outcome, PkgIdentity, Registration, Write};

/// A request that a registered key must have signed.
pub(super) struct Signed<'a, S> {
    pkg: &'a PkgIdentity,
    link: Link<'a>,
    address: &'a Address,
    current: Option<&'a Registration>,
    suite: PhantomData<S>,
}

impl<'a, S: Suite> Signed<'a, S> {
    pub(super) fn new(
        pkg: &'a PkgIdentity,
        link: Link<'a>,
        address: &'a Address,
        current: Option<&'a Registration>,
    ) -> Self {
        Self { pkg, link, address, current, suite: PhantomData }
    }

    pub(super) fn extract(&self, round: Round, signature: &Bytes<64>) -> Outcome {
        self.verify(&self.binding().extract(round, self.address), signature)?;
        Ok(Decision { answer: Answer::Share(round), ..Decision::reply(PkgReply::Registered) })
    }

    pub(super) fn veto(&self, signature: &Bytes<64>) -> Outcome {
        let current = self.verify(&self.binding().veto(self.address), signature)?;
        let write =
            current.replacement.map(|_| Write::Put(Registration { replacement: None, ..current }));
        Ok(Decision { write, ..Decision::reply(PkgReply::Vetoed) })
    }

    pub(super) fn unregister(&self, signature: &Bytes<64>) -> Outcome {
        self.verify(&self.binding().unregister(self.address), signature)?;
        Ok(Decision { write: Some(Write::Delete), ..Decision::reply(PkgReply::Unregistered) })
    }

    fn binding(&self) -> PkgBinding<'_> {
        let PkgIdentity { network, id, .. } = self.pkg;
        PkgBinding { network, pkg: id, handshake: self.link.handshake }
    }

    /// Always the same work and one refusal, so that strangers cannot find out who is registered.
    fn verify(
        &self,
        message: &[u8; 32],
        signature: &Bytes<64>,
    ) -> Result<Registration, PkgRefusal> {
        let replacement = self.current.and_then(|current| current.replacement);
        let by_live = by::<S>(self.current.map(|current| current.key), message, signature);
        let by_next = by::<S>(replacement.map(|next| next.key), message, signature);
        match (self.current, replacement) {
            (Some(current), _) if by_live => Ok(*current),
            (_, Some(next)) if by_next => Err(PkgRefusal::Waiting { until: next.from }),
            _ => Err(PkgRefusal::NotRegistered),
        }
    }
}

fn by<S: Suite>(key: Option<ClientKey>, message: &[u8; 32], signature: &Bytes<64>) -> bool {
    /// Some point of the curve; its signatures do not count.
    const NOBODY: [u8; 32] = *b"\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\
        \x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
    let public = key.map_or(NOBODY, |key| *key.as_bytes());
    S::Signature::verify(&public, message, &signature.0) & key.is_some()
}
