//! What servers answer to clients.

use std::net::{IpAddr, Ipv4Addr};

use zephyr_core::wire::{
    InfoReply, MixerReply, MixerRequest, PkgReply, PkgRequest, decode, encode,
};
use zephyr_core::{Address, Suite};
use zephyr_machine::pkg::{Answer, Link, PeerKey};

use super::dice::Dice;
use super::figures::Fault;
use super::server::Machine;
use super::world::World;

/// The longest answer in bytes: a directory of the few servers that there are.
const LONGEST: usize = 4_096;

impl<S: Suite + Sync> World<'_, S> {
    /// The frames with which a server answers a request that came over a link with this handshake hash; none if it
    /// closes the link.
    pub(super) fn answer(
        &mut self,
        number: usize,
        handshake: &[u8; 32],
        request: &[u8],
    ) -> Vec<Vec<u8>> {
        let frames = match &self.servers[number].machine {
            None => Vec::new(),
            Some(Machine::Info { .. }) => self.info(number, request).into_iter().collect(),
            Some(Machine::Pkg { .. }) => self.pkg(number, handshake, request).into_iter().collect(),
            Some(Machine::Mixer(_)) => self.submit(number, request).into_iter().collect(),
            Some(Machine::Mailbox { .. }) => self.download(number, request),
        };
        self.drive_server(number);
        frames
    }

    fn info(&mut self, number: usize, request: &[u8]) -> Option<Vec<u8>> {
        let lies = !self.calm && self.rng.happens(self.faults.liars);
        let server = &self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Info { rules, .. }) = &server.machine else { return None };
        let request = decode(request).ok()?;
        let answer = rules.answer(&server.board, &request, local);
        let mut frame = encoded(&answer);
        if lies && let InfoReply::Directory(_) = answer {
            self.figures.count(Fault::Other);
            let byte = self.rng.below(frame.len() as u64) as usize;
            frame[byte] ^= 1 << self.rng.below(8);
        }
        Some(frame)
    }

    fn pkg(&mut self, number: usize, handshake: &[u8; 32], request: &[u8]) -> Option<Vec<u8>> {
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Pkg { rounds, people, .. }) = &mut server.machine else { return None };
        let request: PkgRequest<'_> = decode(request).ok()?;
        let address = Address::from_canonical(request.address())?;
        let peer = PeerKey::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let link = Link { peer, handshake };
        let stored = server.disk.registrations.get(&address);
        let decision = people.handle(link, &address, &request, stored, local, &mut self.rng);
        Some(encoded(&match decision.answer {
            Answer::Reply(reply) => reply,
            Answer::Share(round) => match rounds.share(round, &address, local) {
                Some(share) => PkgReply::Share(share),
                None => PkgReply::Refused(zephyr_core::wire::PkgRefusal::RoundNotOpen),
            },
        }))
    }

    fn submit(&mut self, number: usize, request: &[u8]) -> Option<Vec<u8>> {
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Mixer(mixer)) = &mut server.machine else { return None };
        let Ok(MixerRequest::Submit { round, packet, .. }) = decode(request) else { return None };
        Some(encoded(&match mixer.submit(round, packet, local) {
            Ok(()) => MixerReply::Accepted,
            Err(why) => MixerReply::Refused(why),
        }))
    }
}

pub(super) fn encoded(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = [0; LONGEST];
    encode(message, &mut buffer).expect("answers are short").to_vec()
}
