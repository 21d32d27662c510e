//! The loop packets of one round, and what a mailbox server has shown so far.

use std::collections::BTreeMap;

use zephyr_core::wire::decode;
use zephyr_core::{
    DirectoryHash, LIST_SIGNATURE_SIZE, ListPart, Mailbox, Manifest, MixerIndex, Role, Round,
    ServerId, Suite, UnixMs,
};

use super::{LoopAction, Way};
use crate::peer::DeliveredReply;

/// A mailbox is asked for so many times at most, at equal distances from its delivery to the round's closing.
const TRIES: u64 = 8;

/// Why an answer brings nothing on.
pub(super) enum Unread {
    Refused,
    Altered,
}

/// The loop packets of one round.
pub(super) struct Check {
    directory: DirectoryHash,
    pub(super) mailbox: Mailbox,
    pub(super) exits: Vec<(MixerIndex, ServerId)>,
    pub(super) servers: Vec<ServerId>,
    /// By the hash of its message, the route of each packet.
    pub(super) packets: BTreeMap<[u8; 32], Vec<ServerId>>,
    pub(super) reading: Reading,
    /// The question that is not answered yet.
    pub(super) asked: Option<u64>,
    pub(super) found: Option<LoopAction>,
    pub(super) next: UnixMs,
    pub(super) pause: u64,
    pub(super) closes: UnixMs,
}

/// How far a mailbox has been read from one of its servers.
pub(super) struct Reading {
    pub(super) server: usize,
    pub(super) exit: usize,
    pub(super) list: ListPart,
    /// What the list's first page has said: how long it is, and the signature.
    head: Option<(u32, [u8; LIST_SIGNATURE_SIZE])>,
    /// How often each loop packet has been seen.
    came: BTreeMap<[u8; 32], u32>,
}

impl Reading {
    /// Nothing has been read of this server.
    fn of(server: usize) -> Self {
        Self { server, exit: 0, list: ListPart::digests(), head: None, came: BTreeMap::new() }
    }
}

impl Check {
    pub(super) fn new(
        manifest: &Manifest<'_>,
        round: Round,
        directory: &DirectoryHash,
        exits: &[MixerIndex],
        mailbox: Mailbox,
    ) -> Option<Self> {
        let schedule = manifest.parameters().schedule(round);
        let exits = exits
            .iter()
            .map(|&exit| Some((exit, manifest.server(Role::Mixer, exit.0.into())?.id)))
            .collect::<Option<_>>()?;
        let servers: Vec<_> = manifest
            .mailbox_servers(mailbox)
            .filter_map(|index| Some(manifest.server(Role::Mailbox, index)?.id))
            .collect();
        // Now this one, now that one is asked first, so that each of them is watched.
        let server = (round.0 % servers.len().max(1) as u64) as usize;
        let pause = (schedule.closes.since(schedule.deliver_until) / TRIES).max(1);
        (!servers.is_empty()).then(|| Self {
            directory: *directory,
            mailbox,
            exits,
            servers,
            packets: BTreeMap::new(),
            reading: Reading::of(server),
            asked: None,
            found: None,
            next: schedule.deliver_until.plus(pause),
            pause,
            closes: schedule.closes,
        })
    }

    pub(super) fn is_due(&self, now: UnixMs) -> bool {
        self.found.is_some() || now >= self.next.min(self.closes)
    }

    /// Goes on to the next server: at once, but after a pause each time from the first one on.
    pub(super) fn fail(&mut self, now: UnixMs) {
        let server = (self.reading.server + 1) % self.servers.len();
        self.reading = Reading::of(server);
        self.next = if server == 0 { now.plus(self.pause) } else { now };
    }

    /// Takes a page; says whether all lists are complete.
    pub(super) fn read<S: Suite>(&mut self, answer: Option<&[u8]>) -> Result<bool, Unread> {
        let reading = &mut self.reading;
        let (messages, signature, hashes) = match answer.map(decode) {
            Some(Ok(DeliveredReply::Page { messages, signature, hashes })) => {
                (messages, signature.0, hashes)
            }
            _ => return Err(Unread::Refused),
        };
        let (hashes, rest) = hashes.as_chunks::<32>();
        let left = messages.saturating_sub(reading.list.count()) as usize;
        let same = *reading.head.get_or_insert((messages, signature)) == (messages, signature);
        if !same || !rest.is_empty() || hashes.len() > left || (hashes.is_empty() && left > 0) {
            return Err(Unread::Altered);
        }
        for hash in hashes {
            reading.list.push_part(hash);
            if self.packets.contains_key(hash) {
                *reading.came.entry(*hash).or_default() += 1;
            }
        }
        if reading.list.count() < messages {
            return Ok(false);
        }
        let (exit, server) = &self.exits[reading.exit];
        let list = std::mem::replace(&mut reading.list, ListPart::digests());
        if !list.verify::<S>(server, &self.directory, *exit, self.mailbox, &signature) {
            return Err(Unread::Altered);
        }
        reading.head = None;
        reading.exit += 1;
        Ok(reading.exit == self.exits.len())
    }

    pub(super) fn ways(&self) -> Vec<Way> {
        let mut ways: BTreeMap<&[ServerId], (u32, u32, u32)> = BTreeMap::new();
        for (hash, route) in &self.packets {
            let came = self.reading.came.get(hash).copied().unwrap_or(0);
            let (sent, lost, doubled) = ways.entry(route).or_default();
            *sent += 1;
            *lost += u32::from(came == 0);
            *doubled += u32::from(came > 1);
        }
        ways.into_iter()
            .map(|(route, (sent, lost, doubled))| Way {
                route: route.to_vec(),
                sent,
                lost,
                doubled,
            })
            .collect()
    }
}
