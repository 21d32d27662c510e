//! The servers as clients see them, in one piece and without I/O.

use std::collections::{BTreeMap, HashMap, HashSet};

use zephyr_core::session::ServerRef;
use zephyr_core::wire::*;
use zephyr_core::*;

use super::chance::Chance;
use super::faults::Faults;
use super::plan::Plan;
use super::round::RoundState;

/// Servers as clients see them: requests in, frames out.
pub trait ClientFacing {
    /// Answers one request that came over a link with this handshake hash.
    fn handle(
        &mut self,
        now: UnixMs,
        server: ServerRef,
        handshake: &[u8; 32],
        request: &[u8],
    ) -> Vec<Vec<u8>>;
}

/// Simple servers: they keep to the protocol, unless [`Faults`] says otherwise.
pub struct Servers<S: Suite> {
    plan: Plan,
    faults: Faults,
    chance: Chance,
    manifest: Manifest<'static>,
    /// Clients' keys by PKG and address.
    registered: HashMap<(usize, Address), ClientKey>,
    rounds: BTreeMap<Round, RoundState<S>>,
    next: Option<Round>,
    /// Rounds in which a mixer dropped packets.
    lossy: HashSet<Round>,
}

impl<S: Suite> Servers<S> {
    /// The servers of the plan's network, whose manifest this is.
    pub fn new(plan: Plan, faults: Faults, manifest: Manifest<'static>) -> Self {
        let chance = Chance::new(plan.seed);
        let (registered, rounds) = (HashMap::new(), BTreeMap::new());
        Self {
            plan,
            faults,
            chance,
            manifest,
            registered,
            rounds,
            next: None,
            lossy: HashSet::new(),
        }
    }

    /// Registers an address to a key at a PKG, without mail.
    pub fn register(&mut self, pkg: usize, address: Address, key: ClientKey) {
        self.registered.insert((pkg, address), key);
    }

    /// Whether the mixers give `round` up.
    pub fn is_void(&self, round: Round) -> bool {
        self.chance.happens(self.faults.round_void, "void", &[round.0])
    }

    /// Whether a mixer dropped packets in `round`.
    pub fn is_lossy(&self, round: Round) -> bool {
        self.lossy.contains(&round)
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Opens the rounds whose time has come, and forgets those that are over.
    fn advance(&mut self, now: UnixMs) {
        let parameters = self.plan.parameters;
        let Some(newest) = parameters.opened_by(now) else { return };
        let mut round = self.next.unwrap_or(newest);
        while round <= newest {
            let state = RoundState::open(&self.plan, &self.manifest, round);
            self.rounds.insert(round, state);
            round = Round(round.0 + 1);
        }
        self.next = Some(round);
        self.rounds.retain(|&round, _| now < parameters.schedule(round).closes);
    }

    fn happens(&self, permille: u32, what: &str, server: ServerRef, which: &[u64]) -> bool {
        let which: Vec<u64> =
            [server.role as u64, server.index as u64].iter().chain(which).copied().collect();
        self.chance.happens(permille, what, &which)
    }

    fn info(&mut self, now: UnixMs, server: ServerRef, request: InfoRequest) -> Vec<u8> {
        let round = match request {
            InfoRequest::Directory(round) => round,
            InfoRequest::Clock => return encoded(&InfoReply::Clock(now)),
            InfoRequest::Manifest(_) => return encoded(&InfoReply::NoManifest),
        };
        let schedule = self.plan.parameters.schedule(round);
        let late = self.happens(self.faults.directory_late, "late", server, &[round.0]);
        let ready = if late {
            UnixMs((schedule.submit_from.0 + schedule.submit_until.0) / 2)
        } else {
            schedule.submit_from
        };
        let Some(state) = self.rounds.get(&round) else {
            return encoded(&InfoReply::NoDirectory(NoDirectory::Gone));
        };
        if now < ready {
            return encoded(&InfoReply::NoDirectory(NoDirectory::NotYet));
        }
        let mut directory = state.directory.clone();
        if self.happens(self.faults.directory_false, "false", server, &[round.0]) {
            let bit = self.chance.below(directory.len() as u64 * 8, "bit", &[round.0]);
            directory[bit as usize / 8] ^= 1 << (bit % 8);
        }
        encoded(&InfoReply::Directory(&directory))
    }

    fn pkg(
        &mut self,
        now: UnixMs,
        server: ServerRef,
        handshake: &[u8; 32],
        request: &PkgRequest<'_>,
    ) -> PkgReply {
        let PkgRequest::Extract { round, address, signature } = request else {
            return PkgReply::Refused(PkgRefusal::Malformed);
        };
        let Some(address) = Address::from_canonical(address) else {
            return PkgReply::Refused(PkgRefusal::BadAddress);
        };
        let pkg = self.manifest.server(Role::Pkg, server.index).expect("a PKG was asked").id;
        let binding = PkgBinding { network: self.manifest.network(), pkg: &pkg, handshake };
        let message = binding.extract(*round, &address);
        let key = self.registered.get(&(server.index, address.clone()));
        if !key.is_some_and(|key| S::Signature::verify(key.as_bytes(), &message, &signature.0)) {
            return PkgReply::Refused(PkgRefusal::NotRegistered);
        }
        let open = now < self.plan.parameters.schedule(*round).submit_until;
        let Some(state) = self.rounds.get(round).filter(|_| open) else {
            return PkgReply::Refused(PkgRefusal::RoundNotOpen);
        };
        let who = self.chance.number(address.as_str(), &[]);
        if self.happens(self.faults.share_refused, "refuse", server, &[round.0, who]) {
            return PkgReply::Refused(PkgRefusal::Busy);
        }
        let other = Address::parse("somebody-else@example.org").expect("an address");
        let wrong = self.happens(self.faults.share_wrong, "wrong", server, &[round.0, who]);
        let address = if wrong { &other } else { &address };
        let share = state.masters[server.index].extract(self.manifest.network(), address);
        PkgReply::Share(SecretShare::new(share.to_bytes()))
    }

    fn mixer(&mut self, now: UnixMs, server: ServerRef, request: &MixerRequest<'_>) -> MixerReply {
        let MixerRequest::Submit { round, token, packet } = request;
        let schedule = self.plan.parameters.schedule(*round);
        let mixer = MixerIndex(server.index as u16);
        let Some(state) = self.rounds.get_mut(round) else {
            return MixerReply::Refused(SubmitRefusal::NotHere);
        };
        if now < schedule.submit_from {
            MixerReply::Refused(SubmitRefusal::NotYet)
        } else if now >= schedule.submit_until {
            MixerReply::Refused(SubmitRefusal::Closed)
        } else if !state.routes.entries().contains(&mixer) {
            MixerReply::Refused(SubmitRefusal::NotHere)
        } else if packet.len() != self.plan.parameters.geometry.packet_len()
            || token.len() > MAX_TOKEN
        {
            MixerReply::Refused(SubmitRefusal::Length)
        } else {
            state.submit(mixer, packet);
            MixerReply::Accepted
        }
    }

    fn mailbox(
        &mut self,
        now: UnixMs,
        server: ServerRef,
        MailboxRequest::Download { round, mailbox }: MailboxRequest,
    ) -> Vec<Vec<u8>> {
        let refused = |why| vec![encoded(&MailboxReply::Refused(why))];
        let which = [round.0, mailbox.0.into()];
        let servers: Vec<_> = self.manifest.mailbox_servers(mailbox).collect();
        if !servers.contains(&server.index) {
            return refused(DownloadRefusal::NotHere);
        }
        if self.is_void(round) {
            return refused(DownloadRefusal::Gone);
        }
        if self.happens(self.faults.mailbox_down, "down", server, &[round.0]) {
            return refused(DownloadRefusal::Unavailable);
        }
        if now < self.plan.parameters.schedule(round).deliver_until {
            return refused(DownloadRefusal::NotYet);
        }
        let hide = self.happens(self.faults.mail_hidden, "hide", server, &which);
        let add = self.happens(self.faults.mail_added, "add", server, &which);
        let alter = self.happens(self.faults.mail_altered, "alter", server, &which);
        let pick = self.chance.number("message", &which) as usize;
        let Some(state) = self.rounds.get_mut(&round) else {
            return refused(DownloadRefusal::Gone);
        };
        if state.deliver(&self.plan, self.faults.packet_dropped) {
            self.lossy.insert(round);
        }
        let lists = state.mailbox(mailbox);
        let total = lists.iter().map(|list| list.messages.len() as u32).sum();
        let mut frames =
            vec![encoded(&MailboxReply::Start { lists: lists.len() as u16, messages: total })];
        for list in lists {
            let mut messages = list.messages.clone();
            if !messages.is_empty() {
                let i = pick % messages.len();
                if alter {
                    let byte = pick / 8 % messages[i].len();
                    messages[i][byte] ^= 1 << (pick % 8);
                }
                if add {
                    messages.push(messages[i].clone());
                }
                if hide {
                    messages.remove(i);
                }
            }
            frames.push(encoded(&MailboxReply::List {
                mixer: list.mixer,
                messages: messages.len() as u32,
                signature: Bytes(list.signature),
            }));
            frames.extend(messages);
        }
        frames.push(encoded(&MailboxReply::End));
        frames
    }
}

impl<S: Suite> ClientFacing for Servers<S> {
    fn handle(
        &mut self,
        now: UnixMs,
        server: ServerRef,
        handshake: &[u8; 32],
        request: &[u8],
    ) -> Vec<Vec<u8>> {
        self.advance(now);
        match server.role {
            Role::Info => {
                let request = decode(request).expect("clients send what can be read");
                vec![self.info(now, server, request)]
            }
            Role::Pkg => {
                let request = decode(request).expect("clients send what can be read");
                vec![encoded(&self.pkg(now, server, handshake, &request))]
            }
            Role::Mixer => {
                let request = decode(request).expect("clients send what can be read");
                vec![encoded(&self.mixer(now, server, &request))]
            }
            _ => {
                let request = decode(request).expect("clients send what can be read");
                self.mailbox(now, server, request)
            }
        }
    }
}

fn encoded(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = vec![0; MAX_FRAME];
    let len = encode(message, &mut buffer).expect("a message fits a frame").len();
    buffer.truncate(len);
    buffer
}
