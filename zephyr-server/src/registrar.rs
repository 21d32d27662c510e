//! A PKG's registrations as a service: the rules, the database and the mail together, without sockets.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, Semaphore};
use zephyr_core::wire::{PkgRefusal, PkgReply, PkgRequest, SecretShare};
use zephyr_core::{Address, Round, Suite, UnixMs};

use crate::mail::Mailer;
use crate::store::{Registrations, StoreError};
use zephyr_machine::pkg::{
    Answer, Decision, Failure, Link, PkgIdentity, PkgMachine, PkgRules, Registration, Undo, Write,
    may_write,
};

/// How many mails may be on their way to the mail server at a time.
const MAX_MAILS: usize = 32;
/// Requests about addresses that fall into the same of so many classes wait for each other.
const CLASSES: usize = 256;

/// Answers the requests of clients. Everything it answered with is in the database by then.
pub struct Registrar<S, R, M> {
    machine: Mutex<PkgMachine<S>>,
    store: R,
    mailer: M,
    mails: Semaphore,
    locks: Box<[AsyncMutex<()>]>,
    hasher: RandomState,
}

impl<S: Suite, R: Registrations, M: Mailer> Registrar<S, R, M> {
    /// A registrar of the PKG `identity`.
    pub fn new(identity: PkgIdentity, rules: PkgRules, store: R, mailer: M) -> Self {
        Self {
            machine: Mutex::new(PkgMachine::new(identity, rules)),
            store,
            mailer,
            mails: Semaphore::new(MAX_MAILS),
            locks: (0..CLASSES).map(|_| AsyncMutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Answers `request`, which came over `link`. `share` computes the share of an address in a round for which the
    /// PKG has a secret; it is asked only for who may have it.
    ///
    /// The returned future may be dropped at any time: what it began is then either done or taken back.
    pub async fn handle(
        &self,
        link: Link<'_>,
        request: &PkgRequest<'_>,
        now: UnixMs,
        share: impl FnOnce(Round, &Address) -> Option<SecretShare>,
    ) -> PkgReply {
        match self.answer(link, request, now, share).await {
            Ok(reply) => reply,
            Err(why) => PkgReply::Refused(why),
        }
    }

    async fn answer(
        &self,
        link: Link<'_>,
        request: &PkgRequest<'_>,
        now: UnixMs,
        share: impl FnOnce(Round, &Address) -> Option<SecretShare>,
    ) -> Result<PkgReply, PkgRefusal> {
        let address = Address::from_canonical(request.address()).ok_or(PkgRefusal::BadAddress)?;
        let (_lock, stored) = self.load(&address, request, now).await.map_err(unavailable)?;
        let decision = self.machine().handle(
            link,
            &address,
            request,
            stored.as_ref(),
            now,
            &mut UnwrapErr(SysRng),
        );
        match self.carry_out(&address, decision).await? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Share(round) => {
                share(round, &address).map(PkgReply::Share).ok_or(PkgRefusal::RoundNotOpen)
            }
        }
    }

    /// Loads the registration of `address`; also locks the address if the request can lead to a write.
    async fn load(
        &self,
        address: &Address,
        request: &PkgRequest<'_>,
        now: UnixMs,
    ) -> Result<(Option<AsyncMutexGuard<'_, ()>>, Option<Registration>), StoreError> {
        // Mail is slow: what asks for it, or does not write, neither holds up others nor waits for them.
        if matches!(request, PkgRequest::Register { .. } | PkgRequest::Extract { .. }) {
            let stored = self.store.load(address).await?;
            let settled = stored.is_none_or(|registration| registration.at(now) == registration);
            if settled || !may_write(request) {
                return Ok((None, stored));
            }
        }
        let lock = self.lock(address).await;
        Ok((Some(lock), self.store.load(address).await?))
    }

    async fn carry_out(&self, address: &Address, decision: Decision) -> Result<Answer, PkgRefusal> {
        let Decision { answer, write, mail, undo } = decision;
        let mut guard = Guard { registrar: self, undo };
        if let Some(letter) = mail {
            let Ok(_place) = self.mails.try_acquire() else {
                guard.undo(Failure::Mail);
                return Err(PkgRefusal::Busy);
            };
            if write.is_none() {
                // If the client leaves now, the mail may still arrive, and counts.
                let undo = guard.undo.take();
                let sent = self.mailer.send(&letter).await;
                guard.undo = undo;
                guard.check(sent)?;
            } else {
                let sent = self.mailer.send(&letter).await;
                guard.check(sent)?;
            }
        }
        let written = match &write {
            Some(Write::Put(registration)) => self.store.put(address, registration).await,
            Some(Write::Delete) => self.store.delete(address).await,
            None => Ok(()),
        };
        if let Err(error) = written {
            guard.undo(Failure::Store);
            return Err(unavailable(error));
        }
        guard.undo = None;
        Ok(answer)
    }

    async fn lock(&self, address: &Address) -> AsyncMutexGuard<'_, ()> {
        let class = self.hasher.hash_one(address) as usize % CLASSES;
        self.locks[class].lock().await
    }

    fn machine(&self) -> MutexGuard<'_, PkgMachine<S>> {
        // The rules do not panic; if they did, refusing everybody from then on would help nobody.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a decision back unless it was carried out: also if the future is dropped in the middle.
struct Guard<'a, S: Suite, R: Registrations, M: Mailer> {
    registrar: &'a Registrar<S, R, M>,
    undo: Option<Undo>,
}

impl<S: Suite, R: Registrations, M: Mailer> Guard<'_, S, R, M> {
    fn check(&mut self, sent: Result<(), crate::mail::MailError>) -> Result<(), PkgRefusal> {
        sent.map_err(|error| {
            // The text may name the recipient.
            tracing::debug!(%error, "a mail was not sent");
            let failure = Failure::from(&error);
            self.undo(failure);
            failure.refusal()
        })
    }

    fn undo(&mut self, why: Failure) {
        if let Some(undo) = self.undo.take() {
            self.registrar.machine().undo(undo, why);
        }
    }
}

impl<S: Suite, R: Registrations, M: Mailer> Drop for Guard<'_, S, R, M> {
    fn drop(&mut self) {
        self.undo(Failure::Store);
    }
}

fn unavailable(error: StoreError) -> PkgRefusal {
    tracing::warn!(%error, "the registrations cannot be used");
    PkgRefusal::Unavailable
}

#[cfg(test)]
mod tests;
