//! Requests, and what servers answer to them.

use crate::crypto::suite::Suite;
use crate::directory::Role;
use crate::ibe::KeyShare;
use crate::ids::{PkgIndex, Round, UnixMs};
use crate::registration::Task;
use crate::wire::{
    InfoRequest, MailboxRequest, MixerReply, MixerRequest, PkgBinding, PkgRefusal, PkgReply,
    SubmitRefusal, decode, encode,
};

use super::Session;
use super::event::{Event, ExchangeId, Reaction};
use super::exchange::{Exchange, Kind};
use super::info::handle_version;
use super::outgoing::Slot;
use super::trial::Tried;

impl<S: Suite> Session<'_, S> {
    /// A link that [`Action::Connect`](super::Action::Connect) asked for is open; `handshake` is its handshake hash. Writes the first
    /// request to `out`, which has room for a packet and 256 bytes. `now` is the local time.
    #[inline(never)]
    pub fn handle_connected<'f>(
        &mut self,
        id: ExchangeId,
        handshake: &[u8; 32],
        now: UnixMs,
        out: &mut [u8],
    ) -> Reaction<'f> {
        let Some(Exchange { kind, round, .. }) = self.exchanges.get(id) else {
            return Reaction::Close;
        };
        self.exchanges.opened(id, now);
        let request = match kind {
            Kind::Clock => encode(&InfoRequest::Clock, out),
            Kind::Version => return self.request_version(out),
            Kind::Directory | Kind::Confirm { .. } => encode(&InfoRequest::Directory(round), out),
            Kind::Extract(pkg) => return self.request_share(pkg, round, handshake, out),
            Kind::Submit(_) => return self.submit_next(id, out),
            Kind::Download { .. } => {
                encode(&MailboxRequest::Download { round, mailbox: self.mailbox }, out)
            }
        };
        request.map_or(Reaction::Close, |request| Reaction::Send(request.len()))
    }

    fn request_share<'f>(
        &self,
        pkg: PkgIndex,
        round: Round,
        handshake: &[u8; 32],
        out: &mut [u8],
    ) -> Reaction<'f> {
        let Some(server) = self.manifest.server(Role::Pkg, pkg.0.into()) else {
            return Reaction::Close;
        };
        let binding = PkgBinding { network: self.manifest.network(), pkg: &server.id, handshake };
        let task = Task::Extract(round);
        let request = task.request::<S>(self.own.address(), &self.seed, &binding, out);
        request.map_or(Reaction::Close, |request| Reaction::Send(request.len()))
    }

    /// Writes the next packet that waits for this exchange's mixer.
    fn submit_next<'f>(&mut self, id: ExchangeId, out: &mut [u8]) -> Reaction<'f> {
        let Some(Exchange { kind: Kind::Submit(mixer), round, .. }) = self.exchanges.get(id) else {
            return Reaction::Close;
        };
        let waiting = self.outgoing.as_ref().filter(|o| o.round() == round);
        let Some(slot) = waiting.and_then(|o| o.next_packed(mixer)) else {
            self.exchanges.end(id);
            return Reaction::Close;
        };
        let len = self.manifest.parameters().geometry.packet_len();
        let packet = &self.packets[usize::from(slot) * len..][..len];
        let request = MixerRequest::Submit { round, token: &[], packet };
        self.exchanges.submits(id, slot);
        encode(&request, out).map_or(Reaction::Close, |request| Reaction::Send(request.len()))
    }

    /// A frame came from the server. What is to be sent is written to `out`, which has room for a packet and
    /// 256 bytes. Takes at most one pairing, then says [`Reaction::Again`] if there is more to do; proofs of knowledge, if
    /// they are verified, take four multiplications.
    #[inline(never)]
    pub fn handle_frame<'f>(
        &mut self,
        id: ExchangeId,
        frame: &'f mut [u8],
        now: UnixMs,
        out: &mut [u8],
    ) -> Reaction<'f> {
        let tried = self.trial(id).map(|trial| trial.run(frame)).unwrap_or_default();
        self.handle_tried(id, frame, tried, now, out)
    }

    /// Handles a frame as [`handle_frame`](Self::handle_frame) does, after this connection's
    /// [`trial`](Self::trial) was run on it; if there is none, `tried` is the default.
    #[inline(never)]
    pub fn handle_tried<'f>(
        &mut self,
        id: ExchangeId,
        frame: &'f mut [u8],
        tried: Tried,
        now: UnixMs,
        out: &mut [u8],
    ) -> Reaction<'f> {
        let Some(exchange) = self.exchanges.get(id) else { return Reaction::Close };
        let expires = now.plus(self.patience_ms(exchange.kind));
        self.exchanges.extend(id, expires);
        let reaction = match exchange.kind {
            Kind::Clock => self.handle_clock(exchange, frame, now, out),
            Kind::Version => handle_version(frame),
            Kind::Directory => self.handle_directory(exchange, frame),
            Kind::Confirm { .. } => self.handle_confirmation(exchange, frame),
            Kind::Extract(pkg) => self.handle_share(exchange.round, pkg, frame),
            Kind::Submit(_) => self.handle_submitted(exchange, frame, out),
            Kind::Download { .. } => self.handle_download(exchange.round, frame, tried),
        };
        match reaction {
            Some(last @ (Reaction::Close | Reaction::Version { .. })) => {
                self.exchanges.end(id);
                last
            }
            Some(reaction) => reaction,
            // The server did not keep to the protocol.
            None => {
                self.handle_failed(id, now);
                Reaction::Close
            }
        }
    }

    /// The link could not be opened, broke, or took too long.
    pub fn handle_failed(&mut self, id: ExchangeId, now: UnixMs) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        self.exchanges.end(id);
        let now = self.network_time(now);
        match exchange.kind {
            Kind::Clock | Kind::Version | Kind::Confirm { .. } => {}
            Kind::Directory | Kind::Extract(_) | Kind::Submit(_) => {
                if let Some(outgoing) =
                    self.outgoing.as_mut().filter(|o| o.round() == exchange.round)
                {
                    outgoing.failed(now);
                }
            }
            Kind::Download { .. } => {
                if let Some(place) = self.incoming_place(exchange.round) {
                    self.incoming[place].as_mut().expect("a place found").failed(now);
                }
            }
        }
    }

    #[inline(never)]
    fn handle_share<'f>(
        &mut self,
        round: Round,
        pkg: PkgIndex,
        frame: &[u8],
    ) -> Option<Reaction<'f>> {
        let reply: PkgReply = decode(frame).ok()?;
        let outgoing = self.outgoing.as_mut().filter(|o| o.round() == round)?;
        let share = match reply {
            PkgReply::Share(share) => share,
            PkgReply::Refused(why) => {
                // Whoever isn't registered won't be before the round's phase ends.
                if !matches!(
                    why,
                    PkgRefusal::RoundNotOpen | PkgRefusal::Busy | PkgRefusal::Unavailable
                ) {
                    outgoing.extraction.fail();
                }
                self.event(Event::PkgRefused { round, pkg, why });
                return None;
            }
            _ => return None,
        };
        let share = KeyShare::from_bytes(share.as_bytes())?;
        let pkgs = self.manifest.servers(Role::Pkg).count();
        outgoing.extraction.add(pkg, share, pkgs);
        Some(Reaction::Close)
    }

    #[inline(never)]
    fn handle_submitted<'f>(
        &mut self,
        exchange: Exchange,
        frame: &[u8],
        out: &mut [u8],
    ) -> Option<Reaction<'f>> {
        let Exchange { id, round, slot, .. } = exchange;
        let reply: MixerReply = decode(frame).ok()?;
        let outgoing = self.outgoing.as_mut().filter(|o| o.round() == round)?;
        let slot = slot?;
        match reply {
            MixerReply::Accepted => {
                outgoing.slots[usize::from(slot)] = Slot::Sent;
                self.event(Event::SlotSent { round, slot });
                Some(self.submit_next(id, out))
            }
            MixerReply::Refused(why) => {
                if !matches!(why, SubmitRefusal::NotYet | SubmitRefusal::Full) {
                    outgoing.slots[usize::from(slot)] = Slot::Refused;
                }
                self.event(Event::SubmitRefused { round, why });
                None
            }
        }
    }
}
