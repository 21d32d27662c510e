//! What must always hold. Whatever happens is checked here as it happens.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use zephyr_core::wire::decode;
use zephyr_core::{DirectoryHash, MixerIndex, Role, Round, ServerId, Suite};
use zephyr_machine::event::ServerEvent;
use zephyr_machine::peer::PeerRequest;
use zephyr_machine::record::{Record, RecordKey};

use super::mutation::Mutation;
use super::server::Machine;
use super::world::World;

/// What one person wrote to another.
#[derive(Default)]
pub(super) struct Written {
    pub(super) messages: Vec<(u64, Vec<u8>)>,
    /// How many of them are in the recipient's inbox: always the first ones.
    pub(super) arrived: usize,
    /// How many of them the sender was shown as delivered: always the first ones.
    pub(super) delivered: usize,
}

/// What has been seen of a directory.
#[derive(Default)]
struct Signed {
    members: BTreeSet<MixerIndex>,
    signers: BTreeSet<MixerIndex>,
}

/// What is remembered for the checks: more than anybody in the network knows.
#[derive(Default)]
pub(super) struct Checks {
    /// The valid directory of each round.
    directories: BTreeMap<Round, DirectoryHash>,
    /// All signatures that exist, whoever has them.
    signed: BTreeMap<(Round, DirectoryHash), Signed>,
    /// What honest mixers have signed.
    votes: BTreeMap<(Round, usize), DirectoryHash>,
    /// The packets that each honest mixer has mixed.
    mixed: HashSet<(usize, [u8; 32])>,
    /// By sender and recipient.
    pub(super) written: BTreeMap<(usize, usize), Written>,
    /// Rounds in which somebody read a mailbox.
    pub(super) scanned: BTreeSet<Round>,
}

impl Checks {
    /// How many messages have not arrived, or are not known to have.
    pub(super) fn unfinished(&self) -> usize {
        self.written.values().map(|w| w.messages.len() - w.delivered).sum()
    }
}

impl<S: Suite + Sync> World<'_, S> {
    /// A valid directory of the round exists: there must be no other.
    pub(super) fn saw_directory(
        &mut self,
        round: Round,
        hash: DirectoryHash,
        who: &impl fmt::Display,
    ) {
        let known = *self.checks.directories.entry(round).or_insert(hash);
        if known != hash {
            self.violate(|| {
                format!("round {round} has two valid directories; {who} has the second")
            });
        }
    }

    /// Somebody publishes a record, or a corrupt mixer shows it to somebody.
    pub(super) fn saw_record(&mut self, number: usize, key: &RecordKey, record: &Record) {
        let Record::Signed(signed) = record else { return };
        let mixer = MixerIndex(self.servers[number].index as u16);
        let known = self.checks.signed.entry((key.round, signed.directory)).or_default();
        known.members.extend(&signed.mixers);
        known.signers.insert(mixer);
        let valid = known.members.is_subset(&known.signers);
        if !self.servers[number].corrupt.lies() {
            let vote = (key.round, number);
            let vote = *self.checks.votes.entry(vote).or_insert(signed.directory);
            if vote != signed.directory {
                self.violate(|| format!("mixer {mixer} has signed two directories of one round"));
            }
            if !self.is_mutated(Mutation::SignsTwice) {
                self.check_guard(number, key.round, signed.directory);
            }
        }
        if valid {
            self.saw_directory(key.round, signed.directory, &"whoever has all signatures");
        }
    }

    /// What is signed has been written down before.
    fn check_guard(&mut self, number: usize, round: Round, directory: DirectoryHash) {
        let guard = self.servers[number].disk.guard;
        let mut expected = [0; 40];
        expected[..8].copy_from_slice(&round.0.to_be_bytes());
        expected[8..].copy_from_slice(directory.as_bytes());
        if guard != Some(expected) {
            self.violate(|| {
                format!("mixer {number} signs in round {round} what it has not written down")
            });
        }
    }

    /// A mixer calls another one about a directory.
    pub(super) fn saw_proposal(&mut self, number: usize, request: &[u8]) {
        let Ok(PeerRequest::Propose { body, signature: Some(_) }) = decode(request) else { return };
        let Ok(directory) = zephyr_core::Directory::parse(body) else { return };
        let vote = self.checks.votes.get(&(directory.round(), number));
        if !self.servers[number].corrupt.lies() && vote != Some(&directory.hash()) {
            self.violate(|| format!("mixer {number} shows a signature that it has not published"));
        }
    }

    /// Looks at what is new on a server's board.
    pub(super) fn look_at_board(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let news = server.board.news();
        if !server.is_up() || std::mem::replace(&mut server.news, news) == news {
            return;
        }
        let local = server.local(self.now);
        let opened = self.parameters().opened_by(local).map_or(0, |round| round.0);
        for round in (opened.saturating_sub(2)..=opened + 1).map(Round) {
            if let Some(directory) = self.servers[number].board.directory(round) {
                let hash = zephyr_core::Directory::parse(directory).expect("checked").hash();
                self.saw_directory(round, hash, &format_args!("server {number}"));
            }
        }
        self.plot(number);
    }

    /// A mixer has mixed these packets.
    pub(super) fn check_mixed(
        &mut self,
        number: usize,
        packets: usize,
        fresh: usize,
        keys: impl Iterator<Item = [u8; 32]>,
    ) {
        if self.servers[number].corrupt.lies() {
            return;
        }
        let mut new = 0;
        for key in keys {
            new += usize::from(self.checks.mixed.insert((number, key)));
        }
        if packets != fresh || new != fresh {
            self.violate(|| format!("mixer {number} has mixed a packet twice"));
        }
    }

    /// A mixer has given a round up: no secret of it is left.
    pub(super) fn check_erased(&mut self, number: usize, round: Round) {
        let Some(Machine::Mixer(mixer)) = &self.servers[number].machine else { return };
        if mixer.keys().any(|held| held == round) {
            self.violate(|| {
                format!("mixer {number} keeps the key of round {round}, which is void")
            });
        }
    }

    /// Nobody is blamed but corrupt mixers: a loop packet gets lost only on a route with one of them.
    pub(super) fn check_blame(&mut self, number: usize, event: &ServerEvent) {
        // What a mixer did before it became honest shows later.
        if self.servers[number].corrupt.lies() || self.repented {
            return;
        }
        let is_honest = |id: &ServerId| !self.servers[self.server_by_id(id)].corrupt.lies();
        let honest = |index: &MixerIndex| {
            !self.servers[self.server_number(Role::Mixer, index.0.into())].corrupt.lies()
        };
        let blames = match event {
            ServerEvent::Mixed { dropped, .. } => dropped.keys().flatten().any(honest),
            ServerEvent::Looped { ways, .. } => ways.iter().any(|way| {
                way.lost > 0 && way.route.iter().all(is_honest)
                    || way.doubled > 0 && way.route.last().is_some_and(is_honest)
            }),
            ServerEvent::OtherBatch { from, .. } => honest(from),
            ServerEvent::MailboxAltered { .. } => true,
            _ => false,
        };
        if blames {
            self.violate(|| format!("mixer {number} blames only honest servers: {event:?}"));
        }
    }

    /// No server has a secret of a round that is over by its own clock.
    pub(super) fn check_secrets(&mut self, number: usize) {
        let server = &self.servers[number];
        let (local, parameters) = (server.local(self.now), self.parameters());
        let over = match &server.machine {
            Some(Machine::Mixer(mixer)) => {
                mixer.keys().find(|round| local >= parameters.schedule(*round).deliver_until)
            }
            Some(Machine::Pkg { rounds, .. }) => {
                rounds.secrets().find(|round| local >= parameters.schedule(*round).submit_until)
            }
            _ => None,
        };
        if let Some(round) = over {
            self.violate(|| format!("{number} keeps a secret of round {round}, which is over"));
        }
    }

    /// A message comes into an inbox.
    pub(super) fn put_into_inbox(&mut self, who: usize, from: usize, message: u64, body: &[u8]) {
        let written = self.checks.written.entry((from, who)).or_default();
        let next = written.arrived;
        written.arrived += 1;
        let place = written.messages.iter().position(|(id, _)| *id == message);
        let wrong = match place {
            None => Some("which was never written to it"),
            Some(place) if place < next => Some("for the second time"),
            Some(place) if place > next => Some("before an earlier one"),
            Some(place) if written.messages[place].1 != body => Some("altered"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.violate(|| format!("{who} gets message {message} from {from} {wrong}"));
        }
        self.story
            .tell(self.now, || format!("message {message} of {from} is in the inbox of {who}"));
    }

    /// A sender is shown that its message was delivered.
    pub(super) fn shown_as_delivered(&mut self, who: usize, to: usize, message: u64) {
        let Some(written) = self.checks.written.get_mut(&(who, to)) else { return };
        let place = written.delivered;
        written.delivered += 1;
        let right = written.messages.get(place).is_some_and(|(id, _)| *id == message);
        let lost = place >= written.arrived;
        if !right || lost {
            self.violate(|| {
                format!("{who} is shown that {message} was delivered, and {to} does not have it")
            });
        }
    }

    /// A client read its mailbox of a round.
    pub(super) fn arrived_in(&mut self, round: Round, _opened: u32) {
        self.checks.scanned.insert(round);
    }

    /// The number of a server by role and index.
    pub(super) fn server_number(&self, role: Role, index: usize) -> usize {
        let found = self.servers.iter().position(|s| s.role == role && s.index == index);
        found.expect("sessions and machines name servers of the manifest")
    }
}
