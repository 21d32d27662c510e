//! What info-nodes answer: the time, and the round's directory.

use crate::crypto::pairing::Pairing;
use crate::crypto::suite::Suite;
use crate::directory::{Directory, DirectoryError, Role, Verification};
use crate::ids::UnixMs;
use crate::seal::RoundContext;
use crate::wire::{InfoReply, InfoRequest, decode, encode};

use super::event::{Event, Reaction};
use super::exchange::{Exchange, Kind};
use super::{CLOCK_ROUNDS, Session};

impl<S: Suite> Session<'_, S> {
    #[inline(never)]
    pub(super) fn handle_clock<'f>(
        &mut self,
        exchange: Exchange,
        frame: &[u8],
        now: UnixMs,
        out: &mut [u8],
    ) -> Option<Reaction<'f>> {
        let InfoReply::Clock(time) = decode(frame).ok()? else { return None };
        // The answer has been on its way for half of the time, as far as anybody can tell.
        let time = time.plus(now.since(exchange.asked) / 2);
        let (network, local) = (i64::try_from(time.0).ok()?, i64::try_from(now.0).ok()?);
        let offset_ms = network - local;
        self.clock_offset = Some(offset_ms);
        let parameters = self.manifest.parameters();
        self.clock_at = now.plus(u64::from(parameters.round_ms) * CLOCK_ROUNDS);
        self.correct_round(time);
        self.event(Event::Clock { offset_ms });
        self.exchanges.becomes(exchange.id, Kind::Version);
        Some(self.request_version(out))
    }

    /// Asks for the version of the manifest behind the newest one.
    pub(super) fn request_version<'f>(&self, out: &mut [u8]) -> Reaction<'f> {
        let request = InfoRequest::Manifest(self.newest.saturating_add(1));
        encode(&request, out).map_or(Reaction::Close, |request| Reaction::Send(request.len()))
    }

    #[inline(never)]
    pub(super) fn handle_directory<'f>(
        &mut self,
        exchange: Exchange,
        frame: &[u8],
    ) -> Option<Reaction<'f>> {
        let round = exchange.round;
        let InfoReply::Directory(bytes) = decode(frame).ok()? else { return None };
        let Verified::Whole(directory, context) = self.verify_directory(exchange, bytes)? else {
            return Some(Reaction::Again);
        };
        let several = self.manifest.servers(Role::Info).count() > 1;
        let outgoing = self.outgoing.as_mut().filter(|o| o.round() == round)?;
        if let Err(equivocation) = self.watch.accept(round, context.directory()) {
            outgoing.extraction.fail();
            self.event(Event::Equivocation(equivocation));
            return None;
        }
        let routes = directory.routes(&self.manifest)?;
        let hash = *context.directory();
        outgoing.agree(context, routes, &directory, self.hops);
        outgoing.unconfirmed = Some(exchange.server as u16).filter(|_| several);
        self.spent = Some(round);
        self.event(Event::Opened {
            round,
            directory: hash,
            mixers: directory.mixers().count(),
            listed: self.manifest.servers(Role::Mixer).count(),
        });
        Some(Reaction::Close)
    }

    /// What another info-node has for the round. Without any it has nothing to object.
    #[inline(never)]
    pub(super) fn handle_confirmation<'f>(
        &mut self,
        exchange: Exchange,
        frame: &[u8],
    ) -> Option<Reaction<'f>> {
        let round = exchange.round;
        let InfoReply::Directory(bytes) = decode(frame).ok()? else { return None };
        let agreed = self.outgoing.as_ref().filter(|o| o.round() == round)?.agreed.as_ref()?;
        if Directory::parse(bytes).is_ok_and(|other| other.hash() == *agreed.context.directory()) {
            return Some(Reaction::Close);
        }
        let Verified::Whole(_, context) = self.verify_directory(exchange, bytes)? else {
            return Some(Reaction::Again);
        };
        if let Err(equivocation) = self.watch.accept(round, context.directory()) {
            self.outgoing.as_mut()?.split = true;
            self.event(Event::Equivocation(equivocation));
        }
        Some(Reaction::Close)
    }

    /// Does a step of verifying what the exchange has brought.
    fn verify_directory<'d>(
        &mut self,
        Exchange { id, round, .. }: Exchange,
        bytes: &'d [u8],
    ) -> Option<Verified<'d, S::Pairing>> {
        let outgoing = self.outgoing.as_mut().filter(|o| o.round() == round)?;
        let verified = Directory::parse(bytes).and_then(|directory| {
            if directory.round() != round {
                return Err(DirectoryError::Times);
            }
            let begun = outgoing.verification.take().filter(|(of, _)| *of == id);
            let begun = begun.map(|(_, begun)| begun).filter(|begun| begun.is_of(&directory));
            let mut verification = begun.unwrap_or_else(|| Verification::new(&directory));
            match verification.step::<S>(&directory, &self.manifest, self.verify_proofs)? {
                Some(context) => Ok(Verified::Whole(directory, context)),
                None => {
                    outgoing.verification = Some((id, verification));
                    Ok(Verified::Partly)
                }
            }
        });
        if let Err(DirectoryError::OtherNetwork) = verified {
            // There may be a version of the manifest that is not known here.
            self.clock_at = self.local;
        }
        verified.map_err(|why| self.event(Event::DirectoryRefused { round, why })).ok()
    }
}

/// How much of a directory has been verified.
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
enum Verified<'d, P: Pairing> {
    Partly,
    Whole(Directory<'d>, RoundContext<P>),
}

pub(super) fn handle_version<'f>(frame: &'f [u8]) -> Option<Reaction<'f>> {
    match decode(frame).ok()? {
        InfoReply::Manifest(signed) => Some(Reaction::Version { signed }),
        InfoReply::NoManifest => Some(Reaction::Close),
        _ => None,
    }
}
