//! Who may register an e-mail address at a PKG, and who gets its shares.
//!
//! The shell around [`PkgMachine`] does, for each request:
//!
//! 1. reads the address ([`Address::from_canonical`]) and loads its [`Registration`], if there is one;
//! 2. calls [`PkgMachine::handle`] and gets a [`Decision`];
//! 3. sends the decision's mail, then does its write; if either fails, calls [`PkgMachine::undo`] and
//!    refuses;
//! 4. only then sends the reply, so that nothing is lost that was accepted.
//!
//! Between loading and writing, no other request that may write ([`may_write`]) about the same address may come.
//! Registrations are stored, codes are not: who waits for one while a PKG restarts asks again.

mod clock;
mod letter;
mod limits;
mod pending;
mod points;
mod registration;
mod rounds;
mod rules;
mod signed;

use std::fmt;
use std::marker::PhantomData;

use rand_core::CryptoRng;
use zephyr_core::wire::{Code, PkgRefusal, PkgReply, PkgRequest};
use zephyr_core::{Address, ClientKey, NetworkId, Round, ServerId, Suite, UnixMs};

pub use letter::{Letter, PkgName, PkgNameError};
pub use limits::PeerKey;
pub use registration::{Registration, Replacement};
pub use rounds::{PkgAction, PkgRounds};
pub use rules::{PkgRules, Quota};

use clock::Clock;
use limits::{Counted, Limits};
use pending::{Attempt, Pending, Pendings};
use signed::Signed;

/// What the machine knows of the PKG that it decides for.
#[derive(Clone, Debug)]
pub struct PkgIdentity {
    /// The network.
    pub network: NetworkId,
    /// The PKG's identity in the manifest.
    pub id: ServerId,
    /// The name that mails show.
    pub name: PkgName,
}

/// The link that a request came over.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Whom its requests are counted for.
    pub peer: PeerKey,
    /// Its Noise handshake hash.
    pub handshake: &'a [u8; 32],
}

/// What is to be done about a request.
#[must_use = "mail, write, then reply"]
#[derive(Debug)]
pub struct Decision {
    /// What to reply when all else is done.
    pub answer: Answer,
    /// What to write about the address. Also refusals may come with a write.
    pub write: Option<Write>,
    /// A mail to send before anything is written.
    pub mail: Option<Letter>,
    /// What to give to [`PkgMachine::undo`] if the mail or the write fails.
    pub undo: Option<Undo>,
}

/// What to reply.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// This.
    Reply(PkgReply),
    /// The address's share of this round.
    Share(Round),
}

/// What to write about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Insert or replace its registration.
    Put(Registration),
    /// Delete its registration.
    Delete,
}

/// How to take back what a decision changed in the machine.
pub struct Undo(Change);

enum Change {
    Mailed { address: Address, key: ClientKey, peer: PeerKey, previous: Option<Pending> },
    Used { address: Address, key: ClientKey },
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Undo(…)")
    }
}

/// Why a decision could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The mail server could not be reached or has no time: nothing is counted.
    Mail,
    /// The mail server refuses this address for good: counted for the peer.
    Recipient,
    /// The write failed.
    Store,
}

impl Failure {
    /// How the request is refused.
    pub fn refusal(self) -> PkgRefusal {
        match self {
            Self::Mail => PkgRefusal::MailFailed,
            Self::Recipient => PkgRefusal::MailRefused,
            Self::Store => PkgRefusal::Unavailable,
        }
    }
}

/// Whether deciding a request can lead to a write: then no other such request about the address may be under way.
pub fn may_write(request: &PkgRequest<'_>) -> bool {
    !matches!(request, PkgRequest::Register { .. })
}

/// The rules of registration. See the [module](self) for how to drive it.
pub struct PkgMachine<S> {
    identity: PkgIdentity,
    rules: PkgRules,
    clock: Clock,
    pendings: Pendings,
    limits: Limits,
    suite: PhantomData<fn() -> S>,
}

type Outcome = Result<Decision, PkgRefusal>;

impl<S: Suite> PkgMachine<S> {
    /// A machine that waits for no code yet.
    pub fn new(identity: PkgIdentity, rules: PkgRules) -> Self {
        let pendings = Pendings::new(&rules);
        let limits = Limits::new(&rules);
        let clock = Clock::default();
        Self { identity, rules, clock, pendings, limits, suite: PhantomData }
    }

    /// Decides a request about `address`, whose registration is `stored`.
    pub fn handle(
        &mut self,
        link: Link<'_>,
        address: &Address,
        request: &PkgRequest<'_>,
        stored: Option<&Registration>,
        now: UnixMs,
        rng: &mut impl CryptoRng,
    ) -> Decision {
        // A replacement whose time has come takes effect here, and is written down at the first occasion.
        let current = stored.map(|registration| registration.at(now));
        let signed = Signed::<S>::new(&self.identity, link, address, current.as_ref());
        let outcome = match *request {
            PkgRequest::Extract { round, ref signature, .. } => signed.extract(round, signature),
            PkgRequest::Veto { ref signature, .. } => signed.veto(signature),
            PkgRequest::Unregister { ref signature, .. } => signed.unregister(signature),
            PkgRequest::Register { key, .. } => {
                self.register(link.peer, address, key, current.as_ref(), now, rng)
            }
            PkgRequest::Confirm { key, ref code, .. } => {
                self.confirm(address, key, code, current.as_ref(), now)
            }
        };
        let mut decision = outcome.unwrap_or_else(|why| Decision::reply(PkgReply::Refused(why)));
        if decision.write.is_none() && may_write(request) && current.as_ref() != stored {
            decision.write = current.map(Write::Put);
        }
        decision
    }

    /// Takes back a decision of [`handle`](Self::handle) that could not be carried out.
    pub fn undo(&mut self, undo: Undo, why: Failure) {
        match undo.0 {
            Change::Mailed { address, key, peer, previous } => {
                self.pendings.restore(&address, &key, previous);
                let of_peer = if why == Failure::Mail { Counted::Yes } else { Counted::No };
                self.limits.give_back(peer, &address, of_peer);
            }
            Change::Used { address, key } => self.pendings.unuse(&address, &key),
        }
    }

    /// How many codes are waited for, for operators.
    pub fn pending(&self) -> usize {
        self.pendings.len()
    }

    fn register(
        &mut self,
        peer: PeerKey,
        address: &Address,
        key: ClientKey,
        current: Option<&Registration>,
        now: UnixMs,
        rng: &mut impl CryptoRng,
    ) -> Outcome {
        let at = self.clock.advance(now);
        self.pendings.make_room(address, &key, at)?;
        self.limits.count(peer, address, at)?;
        let code = Code::generate(rng);
        let previous = self.pendings.insert(address, key, self.code_hash(address, &key, &code), at);
        let mail = Letter::code(&self.identity, &self.rules, address, &key, &code, current, now);
        let seconds = (self.rules.code_lifetime_ms / 1000) as u32;
        Ok(Decision {
            mail: Some(mail),
            undo: Some(Undo(Change::Mailed { address: address.clone(), key, peer, previous })),
            ..Decision::reply(PkgReply::CodeSent { seconds })
        })
    }

    fn confirm(
        &mut self,
        address: &Address,
        key: ClientKey,
        code: &Code,
        current: Option<&Registration>,
        now: UnixMs,
    ) -> Outcome {
        let at = self.clock.advance(now);
        let hash = self.code_hash(address, &key, code);
        let attempt = self.pendings.attempt(address, &key, &hash, at)?;
        if let Some(reply) = current.and_then(|current| current.state_of(&key)) {
            return Ok(Decision::reply(reply));
        }
        if attempt == Attempt::Again {
            // The code has done its work, and that has been taken back since.
            return Err(PkgRefusal::NoCode);
        }
        let (registration, reply, mail) = match current {
            None => (Registration::new(key, now), PkgReply::Registered, None),
            Some(current) => {
                let until = now.plus(self.rules.replacement_wait_ms);
                let mail = Letter::replacement(&self.identity, address, &key, until, now);
                let replacement = Replacement { key, from: until };
                let waiting = Registration { replacement: Some(replacement), ..*current };
                (waiting, PkgReply::Waiting { until }, Some(mail))
            }
        };
        Ok(Decision {
            write: Some(Write::Put(registration)),
            mail,
            undo: Some(Undo(Change::Used { address: address.clone(), key })),
            ..Decision::reply(reply)
        })
    }

    /// Codes are kept as hashes, bound to the address and the key that they were asked for.
    fn code_hash(&self, address: &Address, key: &ClientKey, code: &Code) -> [u8; 32] {
        let PkgIdentity { network, id, .. } = &self.identity;
        let parts: [&[u8]; 5] = [
            network.as_bytes(),
            id.as_bytes(),
            address.as_bytes(),
            key.as_bytes(),
            code.as_bytes(),
        ];
        zephyr_core::hash(zephyr_core::Label::CODE, &parts)
    }
}

impl Decision {
    fn reply(reply: PkgReply) -> Self {
        Self { answer: Answer::Reply(reply), write: None, mail: None, undo: None }
    }
}

#[cfg(test)]
mod tests;
