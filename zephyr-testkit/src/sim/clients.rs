//! Connections between clients and servers: frames there and back.

use std::collections::VecDeque;

use rand_core::Rng;
use zephyr_core::session::{ExchangeId, Reaction};
use zephyr_core::wire::{MixerRequest, decode};
use zephyr_core::{Role, Suite};

use super::dice::Dice;
use super::figures::Fault;
use super::links::Fate;
use super::person::Connection;
use super::queue::Happening;
use super::world::World;

/// What a request is longer than the packet in it, at most.
const REQUEST: usize = 256;

/// A connection of one run of a client's program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) person: usize,
    pub(super) life: u32,
    pub(super) exchange: ExchangeId,
}

impl<S: Suite + Sync> World<'_, S> {
    fn party(&self, person: usize) -> usize {
        self.servers.len() + person
    }

    /// Whether the connection still is there: the program has not ended since, nor has it closed it.
    fn stands(&self, line: Line) -> bool {
        let person = &self.people[line.person];
        person.life == line.life && person.connections.contains_key(&line.exchange)
    }

    pub(super) fn connect(&mut self, who: usize, exchange: ExchangeId, server: usize) {
        let mut handshake = [0; 32];
        self.rng.fill_bytes(&mut handshake);
        let person = &mut self.people[who];
        person.connections.insert(exchange, Connection { server, handshake });
        let line = Line { person: who, life: person.life, exchange };
        let up = self.servers[server].is_up();
        match self.fate_of(self.party(who), server) {
            Fate::Arrives(after, _) if up && !self.breaks() => {
                self.queue.plan(self.now.plus(after), Happening::Connected { line });
            }
            _ => self.breaks_after(line, 1),
        }
    }

    fn fate_of(&mut self, from: usize, to: usize) -> Fate {
        self.links.fate(from, to, &mut self.rng, &mut self.figures)
    }

    /// Whether a connection breaks just now.
    fn breaks(&mut self) -> bool {
        let breaks = self.rng.happens(self.links.weather.broken);
        if breaks {
            self.figures.count(Fault::Broken);
        }
        breaks
    }

    /// The client learns that the connection is broken, or waits until it loses patience.
    fn breaks_after(&mut self, line: Line, least: u64) {
        if self.rng.happens(700) {
            let after = least + self.rng.below(200);
            self.queue.plan(self.now.plus(after), Happening::Broken { line });
        }
    }

    pub(super) fn broken(&mut self, line: Line) {
        if !self.stands(line) {
            return;
        }
        let (who, now) = (line.person, self.now);
        let person = &mut self.people[who];
        person.connections.remove(&line.exchange);
        let local = person.local(now);
        if let Some(session) = &mut person.session {
            session.handle_failed(line.exchange, local);
        }
        self.drive_person(who);
    }

    pub(super) fn connected(&mut self, line: Line) {
        if !self.stands(line) {
            return;
        }
        let mut out = self.buffer();
        let person = &mut self.people[line.person];
        let local = person.local(self.now);
        let handshake = person.connections[&line.exchange].handshake;
        let Some(session) = &mut person.session else { return };
        match session.handle_connected(line.exchange, &handshake, local, &mut out) {
            Reaction::Send(len) => self.request(line, &out[..len]),
            _ => {
                session.handle_failed(line.exchange, local);
                person.connections.remove(&line.exchange);
            }
        }
        self.drive_person(line.person);
    }

    fn buffer(&self) -> Vec<u8> {
        vec![0; self.parameters().geometry.packet_len() + REQUEST]
    }

    /// A request goes out.
    fn request(&mut self, line: Line, request: &[u8]) {
        let who = line.person;
        let server = self.people[who].connections[&line.exchange].server;
        if self.servers[server].role == Role::Mixer {
            self.check_packet(who, request);
        }
        match self.fate_of(self.party(who), server) {
            Fate::Lost => self.breaks_after(line, 1),
            Fate::Arrives(after, again) => {
                for after in [Some(after), again].into_iter().flatten() {
                    let request = request.to_vec();
                    self.queue.plan(self.now.plus(after), Happening::Request { line, request });
                }
            }
        }
    }

    /// All packets of a round are of one length, and there are so many of them whatever there is to say.
    fn check_packet(&mut self, who: usize, request: &[u8]) {
        let Ok(MixerRequest::Submit { round, packet, .. }) = decode(request) else {
            return self
                .violate(|| format!("client {who} asks a mixer something else than to submit"));
        };
        let parameters = *self.parameters();
        let mut ephemeral = [0; 32];
        ephemeral.copy_from_slice(&packet[..32]);
        let packets = self.people[who].packets.entry(round).or_default();
        packets.insert(ephemeral);
        let count = packets.len();
        if count > parameters.packets_per_round.into()
            || packet.len() != parameters.geometry.packet_len()
        {
            self.violate(|| format!("client {who} sends {count} packets in round {round}"));
        }
    }

    /// A request arrives at its server.
    pub(super) fn requested(&mut self, line: Line, request: &[u8]) {
        if !self.stands(line) {
            return;
        }
        let Connection { server, handshake } = self.people[line.person].connections[&line.exchange];
        let frames = match self.servers[server].is_up() {
            true => self.answer(server, &handshake, request),
            false => Vec::new(),
        };
        if frames.is_empty() {
            return self.breaks_after(line, 1);
        }
        if self.rng.happens(self.links.weather.stalled) {
            return self.figures.count(Fault::Stalled);
        }
        match self.fate_of(server, self.party(line.person)) {
            Fate::Lost => self.breaks_after(line, 1),
            Fate::Arrives(after, _) => {
                let breaks = self.breaks();
                let mut frames = VecDeque::from(frames);
                if breaks {
                    frames.truncate(self.rng.below(frames.len() as u64) as usize);
                }
                let answer = Happening::Answer { line, frames };
                self.queue.plan(self.now.plus(after), answer);
                if breaks {
                    self.breaks_after(line, after);
                }
            }
        }
    }

    /// Frames of an answer arrive.
    pub(super) fn answered_client(&mut self, line: Line, frames: VecDeque<Vec<u8>>) {
        let who = line.person;
        let mut frames = frames;
        while let Some(mut frame) = frames.pop_front() {
            if !self.stands(line) || self.people[who].session.is_none() {
                return;
            }
            let mut out = self.buffer();
            let person = &mut self.people[who];
            let local = person.local(self.now);
            let Some(session) = &mut person.session else { return };
            match session.handle_frame(line.exchange, &mut frame, local, &mut out) {
                Reaction::Wait => {}
                Reaction::Again => {
                    frames.push_front(frame);
                    self.drive_person(who);
                }
                Reaction::Send(len) => self.request(line, &out[..len]),
                Reaction::Close | Reaction::Version { .. } => {
                    person.connections.remove(&line.exchange);
                }
            }
        }
        self.drive_person(who);
    }
}
