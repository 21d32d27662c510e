//! The time, the servers, and what lies between them and the sessions.

use std::collections::VecDeque;
use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use zephyr_core::session::{ServerRef, client_key};
use zephyr_core::wire::{InfoReply, InfoRequest, decode, encode};
use zephyr_core::{
    Address, FrameBuffer, Link, LinkKey, Manifest, ManifestSignature, Role, Round, Standard,
    UnixMs, X25519, encode_signed_manifest, sign_manifest,
};
use zephyr_testkit::{ClientFacing, Faults, Plan, Servers};

use super::person::Person;
use crate::blocks::*;

const STEP_MS: u64 = 4;

/// A network, and the time in it.
pub(super) struct World {
    pub(super) now: u64,
    pub(super) plan: Plan,
    pub(super) manifest: Manifest<'static>,
    pub(super) connections: u32,
    /// How often, in a thousand, what comes is garbage or the connection breaks.
    pub(super) garbage: u32,
    pub(super) broken: u32,
    /// What info-nodes give as version 1 of the manifest.
    pub(super) next: Option<Vec<u8>>,
    servers: Servers<Standard>,
    chance: ChaCha8Rng,
}

/// The server's end of a connection.
pub(super) struct Socket {
    server: ServerRef,
    link: Link,
    frames: FrameBuffer<Vec<u8>>,
    opened: bool,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let plan = Plan::small(seed);
        let bytes: &'static [u8] = plan.manifest::<Standard>().leak();
        let manifest = Manifest::parse(bytes).expect("a good plan");
        let servers = Servers::new(plan, Faults::default(), manifest.clone());
        Self {
            now: plan.parameters.genesis.0 + 20_000,
            plan,
            manifest,
            connections: 4,
            garbage: 0,
            broken: 0,
            next: None,
            servers,
            chance: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A version 1 of the network, in effect so many rounds from now on, signed by all; and the bytes of it alone.
    pub(super) fn next_version(&self, rounds: u64) -> (Vec<u8>, usize) {
        let now = self.plan.parameters.opened_by(UnixMs(self.now)).expect("after the genesis");
        let (mut bytes, mut signed) = (std::vec![0; 8_192], std::vec![0; 8_192]);
        let servers: Vec<_> = self.manifest.all().collect();
        let from = Round(now.0 + rounds);
        let parameters = self.manifest.parameters();
        let entries = servers.into_iter();
        let len = Manifest::encode_next(&self.manifest, from, parameters, entries, &mut bytes);
        let len = len.expect("a good manifest");
        let manifest = Manifest::parse(&bytes[..len]).expect("just encoded");
        let mut signatures = Vec::new();
        for role in [Role::Mixer, Role::Pkg] {
            for index in 0..self.plan.count(role) {
                let seed = self.plan.server_seed(role, index);
                let signature = sign_manifest::<Standard>(&seed, &manifest);
                signatures.push(ManifestSignature { role, index: index as u16, signature });
            }
        }
        let end = encode_signed_manifest(&manifest, &signatures, &mut signed);
        signed.truncate(end.expect("there is room"));
        (signed, len)
    }

    pub(super) fn register(&mut self, address: &str, seed: &[u8; 32]) {
        for (i, pkg) in self.manifest.servers(Role::Pkg).enumerate() {
            let address = Address::parse(address).expect("an address");
            self.servers.register(i, address, client_key::<Standard>(seed, &pkg.id));
        }
    }

    /// Lets time pass, until `done`.
    pub(super) fn run(
        &mut self,
        people: &mut [&mut Person],
        ms: u64,
        done: impl Fn(&[&mut Person]) -> bool,
    ) {
        for person in people.iter() {
            self.register(&person.address, &person.seed);
        }
        let end = self.now + ms;
        while self.now < end && !done(people) {
            for person in people.iter_mut() {
                person.drive(self);
            }
            self.now += STEP_MS;
        }
    }

    fn happens(&mut self, permille: u32) -> bool {
        permille > 0 && self.chance.next_u32() % 1_000 < permille
    }

    pub(super) fn open(&mut self, role: u32, index: u32) -> Socket {
        let role = match role {
            ZEPHYR_ROLE_MIXER => Role::Mixer,
            ZEPHYR_ROLE_PKG => Role::Pkg,
            ZEPHYR_ROLE_INFO => Role::Info,
            _ => Role::Mailbox,
        };
        let index = index as usize;
        let mut ephemeral = [0; 32];
        self.chance.fill_bytes(&mut ephemeral);
        let key = LinkKey::new::<X25519>(&self.plan.link_secret(role, index));
        Socket {
            server: ServerRef { role, index },
            link: Link::responder(self.manifest.network(), &key, ephemeral),
            frames: FrameBuffer::new(std::vec![0; 70_000]),
            opened: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
        }
    }

    /// Takes a few of `bytes`; `None` if the connection breaks.
    pub(super) fn send(&mut self, socket: &mut Socket, bytes: &[u8]) -> Option<usize> {
        if self.happens(self.broken) {
            return None;
        }
        let len = self.some(bytes.len());
        socket.up.extend(&bytes[..len]);
        self.serve(socket);
        Some(len)
    }

    /// A few of the bytes that the server has sent.
    pub(super) fn receive(&mut self, socket: &mut Socket) -> Vec<u8> {
        let len = self.some(socket.down.len());
        let mut bytes: Vec<u8> = socket.down.drain(..len).collect();
        if !bytes.is_empty() && self.happens(self.garbage) {
            let at = self.chance.next_u32() as usize % bytes.len();
            bytes[at] ^= 1 << (self.chance.next_u32() % 8);
        }
        bytes
    }

    /// Mostly all, sometimes a byte, else any number.
    fn some(&mut self, len: usize) -> usize {
        match self.chance.next_u32() % 4 {
            0 => len.min(1),
            1 => self.chance.next_u32() as usize % (len + 1),
            _ => len,
        }
    }

    fn serve(&mut self, socket: &mut Socket) {
        let Socket { server, link, frames, opened, up, down } = socket;
        while !up.is_empty() {
            let space = frames.space();
            let len = space.len().min(up.len());
            up.drain(..len).zip(space).for_each(|(byte, place)| *place = byte);
            frames.filled(len);
            while let Ok(Some(frame)) = frames.next_frame(link.lengths()) {
                if !link.is_open() {
                    link.read_handshake(frame).expect("clients keep to the protocol");
                    if !*opened {
                        *opened = true;
                        let mut out = [0; 64];
                        let len = link.write_handshake(&mut out).expect("the server's turn");
                        down.extend(&out[..len]);
                    }
                    continue;
                }
                let hash = *link.handshake_hash().expect("it is open");
                let request = link.open(frame).expect("clients keep to the protocol");
                let replies = match (&self.next, decode(request)) {
                    (Some(signed), Ok(InfoRequest::Manifest(1))) if server.role == Role::Info => {
                        let mut reply = std::vec![0; signed.len() + 16];
                        let reply = encode(&InfoReply::Manifest(signed), &mut reply);
                        std::vec![reply.expect("there is room").to_vec()]
                    }
                    _ => self.servers.handle(UnixMs(self.now), *server, &hash, request),
                };
                for reply in replies {
                    let mut out = std::vec![0; reply.len() + 18];
                    let len = link.seal(&reply, &mut out).expect("replies fit");
                    down.extend(&out[..len]);
                }
            }
        }
    }
}
