//! How connections, frames and the outbox move a session on.

use rand_core::CryptoRng;

use crate::crypto::suite::{Signature, Suite};
use crate::directory::{Directory, Role};
use crate::ibe::{KeyShare, PrivateKey};
use crate::ids::{Mailbox, PkgIndex, Round, UnixMs};
use crate::onion::{SEALED_OFFSET, Wrap, wrap_in_place};
use crate::seal::{
    Cover, Opener, Payload, PayloadHeader, SEAL_OVERHEAD, Sealed, Sealer, SenderKey, SenderTag,
};
use crate::wire::{
    DownloadRefusal, InfoReply, InfoRequest, MailboxReply, MailboxRequest, MixerReply,
    MixerRequest, NoDirectory, PkgBinding, PkgRefusal, PkgReply, PkgRequest, SubmitRefusal, decode,
    encode,
};

use super::contact::Hit;
use super::event::{Action, Draft, Event, ExchangeId, Reaction};
use super::exchange::{Exchange, Kind};
use super::incoming::List;
use super::outgoing::Slot;
use super::{ROUNDS_IN_FLIGHT, Session, client_seed};

impl<S: Suite> Session<'_, S> {
    pub(super) fn next_action(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        self.next_outgoing(now, rng).or_else(|| self.next_incoming(now, rng))
    }

    fn next_outgoing(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        let outgoing = self.outgoing.as_mut()?;
        let round = outgoing.round();
        let retry = outgoing.may_retry(now);
        let Some(agreed) = &outgoing.agreed else {
            let infos = self.manifest.servers(Role::Info).count();
            let idle = retry && !self.exchanges.running(Kind::Directory, round);
            return idle.then(|| self.connect(Kind::Directory, round, infos, rng)).flatten();
        };
        if outgoing.must_fill(now)
            && let Some(slot) = outgoing.slots.iter().position(|s| *s == Slot::Empty)
        {
            outgoing.slots[slot] = Slot::Asked;
            let slot = slot as u8;
            return Some(match self.contacts.holder(round, slot) {
                Some(contact) if outgoing.key.is_some() => {
                    Action::Fill { round, slot, contact: contact.clone() }
                }
                _ => {
                    self.fill(round, slot, None, rng);
                    Action::Continue
                }
            });
        }
        let entries = agreed.routes.entries();
        let packed = entries.into_iter().find(|&mixer| {
            outgoing.next_packed(mixer).is_some()
                && !self.exchanges.running(Kind::Submit(mixer), round)
        });
        let pkgs = 0..self.manifest.servers(Role::Pkg).count() as u16;
        let keyless = outgoing.key.is_none() && !outgoing.keyless;
        let pkg = pkgs.map(PkgIndex).find(|&pkg| {
            keyless
                && !outgoing.has_share(pkg)
                && !self.exchanges.running(Kind::Extract(pkg), round)
        });
        let kind = packed.map(Kind::Submit).or(pkg.map(Kind::Extract)).filter(|_| retry)?;
        self.connect(kind, round, 1, rng)
    }

    fn next_incoming(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        for place in 0..ROUNDS_IN_FLIGHT {
            let Some(incoming) = self.incoming[place].as_mut() else { continue };
            let (round, own) = (incoming.round(), self.own.address());
            if let Some(key) = &incoming.key
                && self.contacts.compute_next(place, own, key, incoming.context.directory())
            {
                return Some(Action::Continue);
            }
            if incoming.may_download(now) && !self.exchanges.downloading(round) {
                let attempt = incoming.attempt();
                let replicas = usize::from(self.manifest.parameters().replicas);
                let server = self.manifest.mailbox_servers(self.mailbox).nth(attempt % replicas)?;
                return self.connect(Kind::Download { server: server as u16 }, round, 1, rng);
            }
        }
        None
    }

    /// Packs the slot of an [`Action::Fill`], at once: with the fragment in `draft`, or with cover if there is
    /// none (two pairings and two X25519 a hop). `false` if the slot isn't waiting for it any more, the fragment
    /// does not fit or the contact is gone: the slot then carries cover, and an
    /// [`Event::SlotFailed`] does not follow.
    pub fn fill(
        &mut self,
        round: Round,
        slot: u8,
        draft: Option<Draft<'_>>,
        rng: &mut impl CryptoRng,
    ) -> bool {
        let parameters = *self.manifest.parameters();
        let geometry = parameters.geometry;
        let index = usize::from(slot);
        let Some(outgoing) = self.outgoing.as_mut().filter(|o| o.round() == round) else {
            return false;
        };
        let (Some(agreed), Some(Slot::Asked)) = (&outgoing.agreed, outgoing.slots.get(index))
        else {
            return false;
        };
        let packet = &mut self.packets[index * geometry.packet_len()..][..geometry.packet_len()];
        let sealed = &mut packet[SEALED_OFFSET..SEALED_OFFSET + geometry.sealed_len()];

        let holder = self.contacts.holder(round, slot);
        let recipient = holder.and_then(|address| self.contacts.identity(address));
        let message =
            draft.zip(recipient).zip(outgoing.key.as_ref()).and_then(|((draft, to), key)| {
                let payload = draft.payload(self.own.address(), slot);
                payload.encode(&mut sealed[SEAL_OVERHEAD..]).ok()?;
                let sender_key = SenderKey::to(self.own.address(), key, to);
                let tag = SenderTag::Slot(&sender_key, slot.into());
                Sealer::new(&agreed.context).seal(to, tag, sealed, rng, &mut self.hedge);
                Some(to.address().mailbox(self.manifest.network(), parameters.mailboxes))
            });
        let mailbox = message.unwrap_or_else(|| {
            Cover::fill::<S::Pairing>(sealed, rng);
            Mailbox((rng.next_u64() % u64::from(parameters.mailboxes)) as u32)
        });

        let route = agreed.routes.pick(rng);
        let mut hops = heapless::Vec::<_, { crate::geometry::MAX_HOPS }>::new();
        for mixer in &route {
            let hop =
                agreed.hops.iter().find(|hop| hop.mixer == *mixer).expect("routes are over hops");
            hops.push(*hop).expect("a route has at most as many hops as a packet");
        }
        let directory = agreed.context.directory();
        let to = Wrap { geometry, directory, route: &hops, mailbox };
        // Fails only for a mixer whose key is of low order; its round can carry nothing.
        outgoing.slots[index] = match wrap_in_place::<S>(to, packet, rng, &mut self.hedge) {
            Some(()) => Slot::Packed(route[0]),
            None => Slot::Refused,
        };
        message.is_some() || draft.is_none()
    }

    /// A link that [`Action::Connect`] asked for is open; `handshake` is its handshake hash. Writes the first
    /// request to `out`, which has room for a packet and 256 bytes.
    pub fn handle_connected<'f>(
        &mut self,
        id: ExchangeId,
        handshake: &[u8; 32],
        out: &mut [u8],
    ) -> Reaction<'f> {
        let Some(Exchange { kind, round, .. }) = self.exchanges.get(id) else {
            return Reaction::Close;
        };
        let request = match kind {
            Kind::Clock => encode(&InfoRequest::Clock, out),
            Kind::Directory => encode(&InfoRequest::Directory(round), out),
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
        let address = self.own.address();
        let seed = client_seed(&self.seed, &server.id);
        let signature = S::Signature::sign(&seed, &binding.extract(round, address));
        let address = address.as_str();
        let signature = crate::wire::Bytes(signature);
        let request = PkgRequest::Extract { round, address, signature };
        encode(&request, out).map_or(Reaction::Close, |request| Reaction::Send(request.len()))
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
        encode(&request, out).map_or(Reaction::Close, |request| Reaction::Send(request.len()))
    }

    /// A frame came from the server. What is to be sent is written to `out`, which has room for a packet and
    /// 256 bytes; a message for the user is opened in `frame`.
    pub fn handle_frame<'f>(
        &mut self,
        id: ExchangeId,
        frame: &'f mut [u8],
        now: UnixMs,
        out: &mut [u8],
    ) -> Reaction<'f> {
        let Some(exchange) = self.exchanges.get(id) else { return Reaction::Close };
        let reaction = match exchange.kind {
            Kind::Clock => self.handle_clock(frame, now),
            Kind::Directory => self.handle_directory(exchange.round, frame),
            Kind::Extract(pkg) => self.handle_share(exchange.round, pkg, frame),
            Kind::Submit(_) => self.handle_submitted(exchange, frame, out),
            Kind::Download { .. } => self.handle_download(exchange.round, frame),
        };
        match reaction {
            Some(Reaction::Close) => {
                self.exchanges.end(id);
                Reaction::Close
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
            Kind::Clock => {}
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

    fn handle_clock<'f>(&mut self, frame: &[u8], now: UnixMs) -> Option<Reaction<'f>> {
        let InfoReply::Clock(time) = decode(frame).ok()? else { return None };
        let offset_ms = (time.0 as i64).checked_sub(now.0 as i64)?;
        self.clock_offset = Some(offset_ms);
        self.event(Event::Clock { offset_ms });
        Some(Reaction::Close)
    }

    fn handle_directory<'f>(&mut self, round: Round, frame: &[u8]) -> Option<Reaction<'f>> {
        let bytes = match decode(frame).ok()? {
            InfoReply::Directory(bytes) => bytes,
            InfoReply::NoDirectory(NoDirectory::NotYet | NoDirectory::Gone) => return None,
            InfoReply::Clock(_) => return None,
        };
        let checked = Directory::parse(bytes).and_then(|directory| {
            let context = directory.verify::<S>(&self.manifest, self.verify_proofs)?;
            Ok((directory, context))
        });
        let (directory, context) = match checked {
            Ok(checked) if checked.0.round() == round => checked,
            Ok(_) => return None,
            Err(why) => {
                self.event(Event::DirectoryRefused { round, why });
                return None;
            }
        };
        let outgoing = self.outgoing.as_mut().filter(|o| o.round() == round)?;
        if let Err(equivocation) = self.watch.accept(round, context.directory()) {
            outgoing.keyless = true;
            self.event(Event::Equivocation(equivocation));
            return None;
        }
        let routes = directory.routes(&self.manifest)?;
        outgoing.agree(context, routes, &directory);
        self.event(Event::Opened {
            round,
            mixers: directory.mixers().count(),
            listed: self.manifest.servers(Role::Mixer).count(),
        });
        Some(Reaction::Close)
    }

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
                outgoing.keyless |= !matches!(why, PkgRefusal::RoundNotOpen | PkgRefusal::Busy);
                self.event(Event::PkgRefused { round, pkg, why });
                return None;
            }
            _ => return None,
        };
        let share = KeyShare::from_bytes(share.as_bytes())?;
        let pkgs = self.manifest.servers(Role::Pkg).count();
        if let Some(sum) = outgoing.add_share(pkg, share, pkgs) {
            let round_key = outgoing.agreed.as_ref()?.context.key();
            match PrivateKey::from_sum(sum, &self.own, round_key) {
                Ok(key) => {
                    outgoing.key = Some(key);
                    self.event(Event::Keyed { round });
                }
                Err(_) => {
                    outgoing.keyless = true;
                    self.event(Event::WrongShare { round });
                }
            }
        }
        Some(Reaction::Close)
    }

    fn handle_submitted<'f>(
        &mut self,
        exchange: Exchange,
        frame: &[u8],
        out: &mut [u8],
    ) -> Option<Reaction<'f>> {
        let Exchange { id, kind: Kind::Submit(mixer), round } = exchange else { return None };
        let reply: MixerReply = decode(frame).ok()?;
        let outgoing = self.outgoing.as_mut().filter(|o| o.round() == round)?;
        let slot = outgoing.next_packed(mixer)?;
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

    fn incoming_place(&self, round: Round) -> Option<usize> {
        self.incoming.iter().position(|i| i.as_ref().is_some_and(|i| i.round() == round))
    }

    fn handle_download<'f>(&mut self, round: Round, frame: &'f mut [u8]) -> Option<Reaction<'f>> {
        let place = self.incoming_place(round)?;
        let incoming = self.incoming[place].as_mut()?;
        if incoming.download.list.as_ref().is_some_and(|list| list.left > 0) {
            return self.handle_message(place, frame);
        }
        self.end_list(place)?;
        let incoming = self.incoming[place].as_mut()?;
        let download = &mut incoming.download;
        match decode(frame).ok()? {
            MailboxReply::Start { .. } if !download.started => download.started = true,
            MailboxReply::List { mixer, messages, signature } if download.started => {
                download.list = Some(List {
                    mixer,
                    left: messages,
                    hashes: Default::default(),
                    signature: signature.0,
                });
            }
            MailboxReply::End if download.started => {
                let complete = incoming.exits.iter().all(|m| download.lists.contains(m));
                let event =
                    Event::Scanned { round, messages: download.messages, opened: download.opened };
                let altered = download.altered || !complete;
                incoming.done = true;
                self.event(event);
                if altered {
                    self.event(Event::MailboxAltered { round });
                }
                return Some(Reaction::Close);
            }
            MailboxReply::Refused(why) => {
                incoming.gone |= why == DownloadRefusal::Gone;
                return None;
            }
            _ => return None,
        }
        Some(Reaction::Wait)
    }

    /// Checks the signature of the list that has been received whole.
    fn end_list(&mut self, place: usize) -> Option<()> {
        let incoming = self.incoming[place].as_mut()?;
        let Some(list) = incoming.download.list.take() else { return Some(()) };
        let server = self.manifest.server(Role::Mixer, list.mixer.0.into());
        let directory = incoming.context.directory();
        let genuine = incoming.exits.contains(&list.mixer)
            && !incoming.download.lists.contains(&list.mixer)
            && server.is_some_and(|server| {
                let (mixer, signature) = (list.mixer, &list.signature);
                list.hashes.verify::<S>(&server.id, directory, mixer, self.mailbox, signature)
            });
        if genuine {
            incoming.download.lists.push(list.mixer).ok()?;
        } else {
            incoming.download.altered = true;
        }
        Some(())
    }

    fn handle_message<'f>(&mut self, place: usize, message: &'f mut [u8]) -> Option<Reaction<'f>> {
        if message.len() != self.manifest.parameters().geometry.sealed_len() {
            return None;
        }
        let incoming = self.incoming[place].as_mut()?;
        let download = &mut incoming.download;
        let list = download.list.as_mut()?;
        list.left -= 1;
        list.hashes.push(message);
        download.messages = download.messages.saturating_add(1);

        let round = incoming.context.round();
        let Some(key) = &incoming.key else { return Some(Reaction::Wait) };
        let opener = Opener::new(&incoming.context, self.own.address(), key);
        let tag = Sealed::new(message)?.tag();
        let opened = match self.contacts.look_up(place, &tag) {
            Some(hit) if hit.used => None,
            Some(Hit { entry, sender, key, slot, .. }) => {
                let opened = opener.open_from(sender, key, slot, message);
                if opened.is_some() {
                    self.contacts.mark_used(entry);
                }
                opened
            }
            None if self.contacts_only => None,
            None => opener.open(message).filter(|opened| {
                // A contact's tags of all slots are in the table: this one is of no slot.
                let sender = opened.payload.header.sender.as_ref();
                sender.is_none_or(|sender| self.contacts.find(sender).is_none())
            }),
        };
        Some(match opened {
            Some(opened) => {
                incoming.download.opened += 1;
                Reaction::Received { round, payload: opened.payload }
            }
            None => Reaction::Wait,
        })
    }
}

impl<'a> Draft<'a> {
    fn payload(&self, sender: &crate::identity::Address, slot: u8) -> Payload<'a> {
        let header = PayloadHeader {
            sender: Some(sender.clone()),
            content: self.content,
            slot: slot.into(),
            message: self.message,
            stream: self.stream,
            sequence: self.sequence,
            ack_stream: self.ack_stream,
            ack: self.ack,
            fragment: self.fragment,
            fragments: self.fragments,
        };
        Payload { header, body: self.body }
    }
}
