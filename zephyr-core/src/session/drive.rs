//! What is to be done next, and when something is.

use rand_core::CryptoRng;

use crate::crypto::suite::Suite;
use crate::directory::Role;
use crate::ids::{MixerIndex, PkgIndex, Round, UnixMs};

use super::event::{Action, Event, ServerRef};
use super::exchange::Kind;
use super::extraction::Checked;
use super::outgoing::{Outgoing, Slot};
use super::{ROUNDS_IN_FLIGHT, Session};

/// How long a connection may say nothing, at most, in milliseconds.
const PATIENCE_MS: u64 = 10_000;

impl<S: Suite> Session<'_, S> {
    /// Does a step of what is to be computed for the round's packets, if there is one: on a stack that is as empty as
    /// can be.
    #[inline(never)]
    pub(super) fn compute(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> bool {
        self.check_key() || self.wrap_sealed(rng) || self.compute_slot_key(now)
    }

    #[inline(never)]
    pub(super) fn next_action(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        let mut action = self.next_outgoing(now, rng);
        if action.is_none() {
            action = self.next_incoming(now, rng);
        }
        action
    }

    /// How long a connection may say nothing before it counts as failed: so that there is time for another try.
    pub(super) fn patience_ms(&self, kind: Kind) -> u64 {
        let parameters = self.manifest.parameters();
        let phase = match kind {
            Kind::Download { .. } => parameters.download_ms,
            _ => parameters.submit_ms,
        };
        (u64::from(phase) / 4).clamp(1, PATIENCE_MS)
    }

    #[inline(never)]
    pub(super) fn connect(
        &mut self,
        kind: Kind,
        round: Round,
        rng: &mut impl CryptoRng,
    ) -> Option<Action> {
        let infos = self.manifest.servers(Role::Info).count();
        let server = match kind {
            Kind::Clock | Kind::Version | Kind::Directory => {
                ServerRef { role: Role::Info, index: rng.next_u32() as usize % infos }
            }
            Kind::Confirm { first } => {
                let others = (infos - 1).max(1);
                let index = (usize::from(first) + 1 + rng.next_u32() as usize % others) % infos;
                ServerRef { role: Role::Info, index }
            }
            Kind::Extract(PkgIndex(pkg)) => ServerRef { role: Role::Pkg, index: pkg.into() },
            Kind::Submit(mixer) => ServerRef { role: Role::Mixer, index: mixer.0.into() },
            Kind::Download { server } => ServerRef { role: Role::Mailbox, index: server.into() },
        };
        let (now, expires) = (self.local, self.local.plus(self.patience_ms(kind)));
        let exchange = self.exchanges.start(kind, round, server.index, now, expires)?;
        Some(Action::Connect { exchange, server })
    }

    #[inline(never)]
    fn next_outgoing(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        let mut action = self.next_fill(now, rng);
        if action.is_none() {
            action = self.next_question(now, rng);
        }
        action
    }

    #[inline(never)]
    fn next_question(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        let outgoing = self.outgoing.as_ref()?;
        if now < outgoing.retry_at() || self.exchanges.is_full() {
            return None;
        }
        let (round, submits) = (outgoing.round(), now >= outgoing.submit_at());
        let kind = self.next_request(outgoing, submits)?;
        let action = self.connect(kind, round, rng)?;
        if let (Kind::Confirm { .. }, Some(outgoing)) = (kind, &mut self.outgoing) {
            outgoing.unconfirmed = None;
        }
        Some(action)
    }

    /// Does a step of the check of the PKGs' shares, if there is one.
    #[inline(never)]
    fn check_key(&mut self) -> bool {
        let Some(outgoing) = &mut self.outgoing else { return false };
        let Some(agreed) = &outgoing.agreed else { return false };
        let round = agreed.context.round();
        match outgoing.extraction.check(&self.own, agreed.context.key()) {
            None => return false,
            Some(Checked::NotYet) => {}
            Some(Checked::Right) => self.event(Event::Keyed { round }),
            Some(Checked::Wrong) => self.event(Event::WrongShare { round }),
        }
        true
    }

    /// What a server is to be asked for the round, if it isn't being asked already. Packets go out if `submits`.
    fn next_request(&self, outgoing: &Outgoing<S>, submits: bool) -> Option<Kind> {
        let round = outgoing.round();
        let idle = |kind: &Kind| !self.exchanges.running(*kind, round);
        let Some(agreed) = &outgoing.agreed else {
            return Some(Kind::Directory).filter(idle);
        };
        if let Some(first) = outgoing.unconfirmed {
            return Some(Kind::Confirm { first });
        }
        // Whoever failed last is not the first again, so that nobody keeps the others from being asked.
        let entries = agreed.routes.entries();
        let from = outgoing.failures % entries.len().max(1);
        let mixers = entries.iter().cycle().skip(from).take(entries.len()).copied();
        let packed = |&mixer: &MixerIndex| submits && outgoing.next_packed(mixer).is_some();
        let mut packed = mixers.filter(packed).map(Kind::Submit);
        if let Some(kind) = packed.find(idle) {
            return Some(kind);
        }
        let extraction = &outgoing.extraction;
        if extraction.key().is_some() || extraction.has_failed() {
            return None;
        }
        let pkgs = self.manifest.servers(Role::Pkg).count();
        let from = outgoing.failures % pkgs;
        let pkgs = (0..pkgs as u16).cycle().skip(from).take(pkgs).map(PkgIndex);
        pkgs.filter(|&pkg| !extraction.has_share(pkg)).map(Kind::Extract).find(idle)
    }

    #[inline(never)]
    fn next_incoming(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        if self.may_open(now) {
            return Some(Action::Open);
        }
        for place in 0..ROUNDS_IN_FLIGHT {
            let Some(incoming) = self.incoming[place].as_mut() else { continue };
            let (round, own) = (incoming.round(), self.own.address());
            if let Some(key) = &incoming.key
                && self.contacts.compute_next(place, own, key, incoming.id.directory())
            {
                return Some(Action::Continue);
            }
            let idle = !self.exchanges.downloading(round) && !self.exchanges.is_full();
            if incoming.may_download(now) && idle {
                let attempt = incoming.attempt();
                let replicas = usize::from(self.manifest.parameters().replicas);
                // Each round begins with another one, so that none of them has a client to itself.
                let first = (round.0 % replicas as u64) as usize;
                let server = self
                    .manifest
                    .mailbox_servers(self.mailbox)
                    .nth((first + attempt) % replicas)?;
                return self.connect(Kind::Download { server: server as u16 }, round, rng);
            }
        }
        None
    }

    /// Whether a message is to be opened that was set aside: when nobody waits for an answer of this client, who would
    /// see that it takes longer, and at the latest when the keys of the message's round are to be erased.
    fn may_open(&self, now: UnixMs) -> bool {
        let late = || self.incoming.iter().flatten().any(|incoming| now >= incoming.closes());
        !self.held.is_empty() && (self.exchanges.is_empty() || late())
    }

    /// When a round has something to do by itself, in network time: exactly when
    /// [`next_action`](Self::next_action) or `advance` will find it.
    pub(super) fn round_wake_up(&self) -> UnixMs {
        let now = self.network_time(self.local);
        if self.may_open(now) {
            return now;
        }
        let outgoing = match &self.outgoing {
            Some(outgoing) => self.outgoing_wake_up(outgoing),
            // Only what is under way is waited for.
            None if self.ends_before(self.next_round) => UnixMs(u64::MAX),
            None => self.manifest.parameters().schedule(self.next_round).submit_from,
        };
        let incoming = self.incoming.iter().enumerate().filter_map(|(place, incoming)| {
            let incoming = incoming.as_ref()?;
            if incoming.done && !self.held.has(place) {
                return Some(now);
            }
            let idle = !self.exchanges.downloading(incoming.round()) && !self.exchanges.is_full();
            let download = Some(incoming.download_at()).filter(|_| idle && !incoming.done);
            Some(download.map_or(incoming.closes(), |at| at.min(incoming.closes())))
        });
        incoming.fold(outgoing, UnixMs::min)
    }

    fn outgoing_wake_up(&self, outgoing: &Outgoing<S>) -> UnixMs {
        if outgoing.extraction.is_checking() || outgoing.unwrapped.is_some() {
            return self.network_time(self.local);
        }
        let fill = outgoing.agreed.is_some() && outgoing.slots.contains(&Slot::Empty);
        let may_ask = !self.exchanges.is_full();
        let ask = may_ask && self.next_request(outgoing, false).is_some();
        let submit = may_ask && self.next_request(outgoing, true).is_some();
        let retry_at = outgoing.retry_at();
        [(fill, outgoing.fill_at()), (ask, retry_at), (submit, outgoing.submit_at().max(retry_at))]
            .into_iter()
            .filter_map(|(waits, at)| waits.then_some(at))
            .fold(outgoing.schedule().submit_until, UnixMs::min)
    }
}
