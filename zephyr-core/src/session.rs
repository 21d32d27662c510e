//! The client as a state machine: it owns no socket, clock, random numbers, storage or thread.
//!
//! In every round the client fetches the directory, gets its key from the PKGs, sends one packet a slot and
//! downloads its mailbox, at times set by the clock and never by what it has to say or finds.
//!
//! # Driving a session
//! 1. Call [`Session::poll`] until it gives `None`, and carry out each [`Action`].
//! 2. Wait until [`Session::poll_timeout`], or until a connection has something; go to 1 afterwards.
//! 3. For [`Action::Connect`] open a [link](crate::Link) to the server. Once it is open call
//!    [`Session::handle_connected`] with its handshake hash, for each frame that arrives
//!    [`Session::handle_frame`]; send what they write. Who has several processors runs a [`Trial`] on each frame that
//!    waits, side by side, and calls [`Session::handle_tried`]. If anything fails or takes too long, call
//!    [`Session::handle_failed`]. The session retries by itself.
//! 4. For [`Action::Fill`] look into the outbox and call [`Session::fill`]; for [`Action::Open`] call
//!    [`Session::open`] and keep what it gives.
//!
//! Frames from servers and everything in them are hostile; no input panics.

mod contact;
mod download;
mod drive;
mod event;
mod exchange;
mod extraction;
mod fill;
mod held;
mod incoming;
mod info;
mod loops;
mod mixer_set;
mod outgoing;
mod replies;
mod trial;

use heapless::Deque;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::hash::{Label, kdf};
use crate::crypto::hedge::Hedge;
use crate::crypto::suite::{Signature, Suite};
use crate::directory::{Manifest, Role, RoundWatch};
use crate::identity::{Address, Identity};
use crate::ids::{ClientKey, DirectoryHash, Mailbox, Round, UnixMs};
use crate::onion::Hop;
use crate::seal::Tag;

pub use contact::{Contact, TagEntry};
pub use event::{Action, Draft, Event, ExchangeId, Missed, Reaction, ServerRef};
pub use exchange::{Exchange, MAX_CONNECTIONS};
pub use trial::{Trial, Tried};

use contact::Contacts;
use exchange::{Exchanges, Kind};
use held::Held;
use incoming::Incoming;
use outgoing::Outgoing;

/// How many rounds can be on their way to the mailboxes while the next one is submitted.
pub const ROUNDS_IN_FLIGHT: usize = 4;
/// How many messages for the user a host has room for, until they are opened.
pub const HELD_MESSAGES: usize = 32;
const EVENTS: usize = 16;
/// How many tags of messages from strangers are remembered.
const STRANGERS: usize = 32;
/// The clock is asked for again after so many rounds.
const CLOCK_ROUNDS: u64 = 8;
/// Milliseconds until the clock is asked for again when nobody told.
const CLOCK_RETRY_MS: u64 = 1_000;

/// What a session needs to know about its user.
pub struct Settings {
    /// The user's address, registered with all PKGs.
    pub address: Address,
    /// The secret from which the user's signing keys and hedged randomness come.
    pub seed: Zeroizing<[u8; 32]>,
    /// Whether messages of people who are no contacts are left unopened: saves a pairing a message.
    pub contacts_only: bool,
    /// Whether the PKGs' proofs of knowledge are verified here too. The directory's mixers have all done so; a
    /// microcontroller may rely on one of them being honest.
    pub verify_proofs: bool,
    /// The newest round in which this user may have filled a slot, and its directory: tags must not repeat, so
    /// the session takes part in later rounds only.
    pub last_round: Option<(Round, DirectoryHash)>,
}

/// Memory that the caller lends to a session.
pub struct Storage<'a, S: Suite> {
    /// The packets of one round: [`Storage::packets_len`] bytes.
    pub packets: &'a mut [u8],
    /// One place for each contact.
    pub contacts: &'a mut [Option<Contact<S::Pairing>>],
    /// [`Storage::tags_len`] entries.
    pub tags: &'a mut [TagEntry],
    /// Where the user's messages wait until they are opened: [`Storage::held_len`] bytes. What there is no room for is
    /// sent again by whoever sent it.
    pub held: &'a mut [u8],
    /// [`Storage::hops_len`] hops.
    pub hops: &'a mut [Hop],
    /// One place for each connection that may be open at once; a host gives [`MAX_CONNECTIONS`]. With one of them a
    /// server that is slow holds up whatever comes behind it, with two a long download leaves the next round a way to
    /// its servers.
    pub exchanges: &'a mut [Option<Exchange>],
}

impl<S: Suite> Storage<'_, S> {
    /// Length in bytes of [`Storage::packets`].
    pub fn packets_len(manifest: &Manifest<'_>) -> usize {
        let parameters = manifest.parameters();
        parameters.geometry.packet_len() * usize::from(parameters.packets_per_round)
    }

    /// Length in bytes of [`Storage::held`] for `messages` of them at once; [`HELD_MESSAGES`] are plenty.
    pub fn held_len(manifest: &Manifest<'_>, messages: usize) -> usize {
        Held::len(manifest.parameters().geometry.sealed_len(), messages)
    }

    /// Number of [`Storage::hops`].
    pub fn hops_len(manifest: &Manifest<'_>) -> usize {
        manifest.servers(Role::Mixer).count()
    }

    /// Number of [`Storage::tags`] for `contacts` contacts.
    pub fn tags_len(manifest: &Manifest<'_>, contacts: usize) -> usize {
        ROUNDS_IN_FLIGHT * contacts * usize::from(manifest.parameters().packets_per_round)
    }
}

/// The client's signing key for the PKG with the identity `pkg`, as a seed: each PKG gets a key of its own.
pub fn client_seed(seed: &[u8; 32], pkg: &crate::ids::ServerId) -> Zeroizing<[u8; 32]> {
    kdf(Label::CLIENT_KEY, seed, &[b"sign", pkg.as_bytes()])
}

/// The public key to [`client_seed`].
pub fn client_key<S: Suite>(seed: &[u8; 32], pkg: &crate::ids::ServerId) -> ClientKey {
    ClientKey::from_bytes(S::Signature::public(&client_seed(seed, pkg)))
}

/// A client in a network. See the [module](self) for how to drive it.
pub struct Session<'a, S: Suite> {
    manifest: Manifest<'a>,
    own: Identity<S::Pairing>,
    mailbox: Mailbox,
    seed: Zeroizing<[u8; 32]>,
    hedge: Hedge,
    contacts_only: bool,
    verify_proofs: bool,
    packets: &'a mut [u8],
    contacts: Contacts<'a, S>,
    watch: RoundWatch,
    next_round: Round,
    /// The newest version of the manifest that the caller knows.
    newest: u32,
    /// The first round in which another version than this session's is in effect, if that is known.
    until: Option<Round>,
    /// Network time less local time, in milliseconds; `None` until an info-node has told.
    clock_offset: Option<i64>,
    /// When an info-node is asked for it, in local time.
    clock_at: UnixMs,
    /// The local time of the last poll.
    local: UnixMs,
    /// The newest round whose directory was accepted: slots may have been filled in it.
    spent: Option<Round>,
    outgoing: Option<Outgoing<S>>,
    /// The mixers in the directory of the outgoing round.
    hops: &'a mut [Hop],
    incoming: [Option<Incoming<S>>; ROUNDS_IN_FLIGHT],
    held: Held<'a>,
    /// The tags of the last messages opened that are not from contacts: copies of them are ignored.
    strangers: Deque<Tag, STRANGERS>,
    exchanges: Exchanges<'a>,
    /// Slots that failed and have not been reported yet, a bit each.
    failed: Option<(Round, u64)>,
    events: Deque<Event, EVENTS>,
}

impl<'a, S: Suite> Session<'a, S> {
    /// A client of the network of `manifest`. `now` is the local time.
    ///
    /// # Panics
    /// If the lent memory is shorter than [`Storage`] says.
    #[inline(never)] // into the caller's place, and not in its stack frame
    pub fn new(
        manifest: Manifest<'a>,
        settings: Settings,
        storage: Storage<'a, S>,
        now: UnixMs,
    ) -> Self {
        let contacts = storage.contacts.len();
        assert!(
            storage.packets.len() >= Storage::<S>::packets_len(&manifest),
            "too few bytes lent for packets"
        );
        assert!(
            storage.tags.len() >= Storage::<S>::tags_len(&manifest, contacts),
            "too few tags lent"
        );
        assert!(storage.hops.len() >= Storage::<S>::hops_len(&manifest), "too few hops lent");
        assert!(!storage.exchanges.is_empty(), "no place for a connection lent");
        let parameters = manifest.parameters();
        let network = *manifest.network();
        let mailbox = settings.address.mailbox(&network, parameters.mailboxes);
        let slots = parameters.packets_per_round.into();
        let hedge = kdf(Label::CLIENT_KEY, settings.seed.as_ref(), &[b"hedge"]);
        Self {
            mailbox,
            own: Identity::new(&network, settings.address),
            // The time makes the counter differ from all that an earlier session used.
            hedge: Hedge::new(*hedge, now.0 << 20),
            seed: settings.seed,
            contacts_only: settings.contacts_only,
            verify_proofs: settings.verify_proofs,
            packets: storage.packets,
            contacts: Contacts::new(storage.contacts, storage.tags, slots),
            watch: RoundWatch::starting_after(settings.last_round),
            next_round: settings
                .last_round
                .map_or(Round(0), |(round, _)| after(round))
                .max(manifest.from_round()),
            newest: manifest.version(),
            until: None,
            clock_offset: None,
            clock_at: now,
            local: now,
            spent: settings.last_round.map(|(round, _)| round),
            outgoing: None,
            incoming: [const { None }; ROUNDS_IN_FLIGHT],
            held: Held::new(storage.held, parameters.geometry.sealed_len()),
            strangers: Deque::new(),
            hops: storage.hops,
            exchanges: Exchanges::new(storage.exchanges),
            failed: None,
            events: Deque::new(),
            manifest,
        }
    }

    /// Adds a contact (two hashes to the curve): slots go to contacts, and their messages are found by tag.
    /// Returns `false` if there is no room left, or it is the user's own address.
    pub fn add_contact(&mut self, address: Address) -> bool {
        address != *self.own.address()
            && self.contacts.add(Identity::new(self.manifest.network(), address))
    }

    /// Removes a contact. Its place in later rounds' slots goes to the others.
    pub fn remove_contact(&mut self, address: &Address) {
        self.contacts.remove(address);
    }

    /// Removes the contacts that are not to be `kept`.
    pub fn retain_contacts(&mut self, kept: impl Fn(&Address) -> bool) {
        self.contacts.retain(kept);
    }

    /// Whether this is a contact's address.
    pub fn is_contact(&self, address: &Address) -> bool {
        self.contacts.find(address).is_some()
    }

    /// The user's address.
    pub fn address(&self) -> &Address {
        self.own.address()
    }

    /// How many contacts there are.
    pub fn contacts(&self) -> usize {
        self.contacts.count()
    }

    /// Which version of the manifest is the newest one that is known, and the first round in which another version
    /// than this session's is in effect, if one is known: the session takes part in no round from there on. Info-nodes
    /// are asked for the version behind the newest.
    pub fn set_versions(&mut self, newest: u32, until: Option<Round>) {
        if newest > self.newest {
            // There may be more of them.
            self.clock_at = self.local;
        }
        self.newest = newest;
        self.until = until;
        // One that was begun in the meantime will never agree on a directory.
        self.give_up_if(|o| o.agreed.is_none() && until.is_some_and(|until| until <= o.round()));
    }

    /// Gives the round up that is to be submitted.
    fn give_up_if(&mut self, hopeless: impl FnOnce(&Outgoing<S>) -> bool) {
        // Not moved out, here and below: a round is large, and on microcontrollers the stack is not.
        if let Some(outgoing) = self.outgoing.as_ref().filter(|o| hopeless(o)) {
            self.exchanges.cancel(outgoing.round());
            self.outgoing = None;
        }
    }

    /// Whether all rounds of this session's version are over: go on with a session over the next one.
    pub fn is_over(&self) -> bool {
        self.ends_before(self.next_round)
            && self.outgoing.is_none()
            && self.incoming.iter().all(Option::is_none)
            && self.failed.is_none()
            && self.events.is_empty()
    }

    fn ends_before(&self, round: Round) -> bool {
        self.until.is_some_and(|until| until <= round)
    }

    /// The mailbox that is downloaded.
    pub fn mailbox(&self) -> Mailbox {
        self.mailbox
    }

    /// The network's time at the local time `now`; the local one until an info-node has told.
    pub fn network_time(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add_signed(self.clock_offset.unwrap_or(0)))
    }

    /// When to call [`Session::poll`] again at the latest, in local time; later than the last poll's time once that
    /// gave `None`.
    ///
    /// Changes with every call of the other methods.
    pub fn poll_timeout(&self) -> UnixMs {
        let clock = Some(self.clock_at).filter(|_| self.may_ask_clock());
        let rounds = self
            .clock_offset
            .map(|offset| UnixMs(self.round_wake_up().0.saturating_add_signed(-offset)));
        [clock, rounds, self.exchanges.next_expiry()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.clock_at)
    }

    /// Whether the session waits for something from this connection; if not, close it.
    pub fn waits_for(&self, exchange: ExchangeId) -> bool {
        self.exchanges.get(exchange).is_some()
    }

    /// What is to be done next, if anything.
    pub fn poll(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<Action> {
        self.local = now;
        if let event @ Some(_) = self.next_event() {
            return event;
        }
        while let Some(expired) = self.exchanges.expired(now) {
            self.handle_failed(expired, now);
        }
        if self.clock_offset.is_some() {
            self.advance(self.network_time(now), rng);
        }
        if let event @ Some(_) = self.next_event() {
            return event;
        }
        if now >= self.clock_at && self.may_ask_clock() {
            self.clock_at = now.plus(CLOCK_RETRY_MS);
            return self.connect(Kind::Clock, Round(0), rng);
        }
        self.clock_offset?;
        let now = self.network_time(now);
        if self.compute(now, rng) {
            return Some(Action::Continue);
        }
        self.next_action(now, rng)
    }

    fn may_ask_clock(&self) -> bool {
        !self.exchanges.asking_clock() && !self.exchanges.is_full()
    }

    #[inline(never)]
    fn next_event(&mut self) -> Option<Action> {
        if let Some((round, slots)) = &mut self.failed {
            let (round, slot) = (*round, slots.trailing_zeros() as u8);
            *slots &= *slots - 1;
            if *slots == 0 {
                self.failed = None;
            }
            return Some(Action::Event(Event::SlotFailed { round, slot }));
        }
        self.events.pop_front().map(Action::Event)
    }

    /// The round whose submit phase is on at `now` or was the last to be.
    fn current_round(&self, now: UnixMs) -> Round {
        let parameters = self.manifest.parameters();
        Round(now.since(parameters.genesis) / u64::from(parameters.round_ms))
    }

    /// The network's time is another than believed. If rounds of the future had been begun, goes back to those that
    /// are on: all but those in which a slot may have been filled.
    fn correct_round(&mut self, now: UnixMs) {
        self.give_up_if(|o| o.agreed.is_none() && !o.is_open(now));
        let current = self.current_round(now);
        if self.outgoing.is_none() && self.next_round > after(current) {
            let first = self.manifest.from_round();
            self.next_round = current.max(self.spent.map_or(first, after)).max(first);
        }
    }

    /// Ends rounds that are over and begins the next one. It has a stack frame of its own, since one of
    /// [`poll`](Self::poll) lies below pairings.
    #[inline(never)]
    fn advance(&mut self, now: UnixMs, rng: &mut impl CryptoRng) {
        for place in 0..ROUNDS_IN_FLIGHT {
            let over = self.incoming[place].as_ref().filter(|i| i.is_over(now));
            let Some((round, missed)) = over.map(|i| (i.round(), i.missed())) else { continue };
            if self.held.has(place) {
                continue;
            }
            match missed {
                Some(why) => self.event(Event::Missed { round, why }),
                None => self.report_mailbox(place),
            }
            self.incoming[place] = None;
            self.contacts.forget(place);
            self.exchanges.cancel(round);
        }
        if self.outgoing.as_ref().is_some_and(|o| o.is_over(now)) {
            self.finish_outgoing(now, rng);
        }
        if self.outgoing.is_none() {
            let parameters = *self.manifest.parameters();
            let round = self.current_round(now).max(self.next_round);
            let schedule = parameters.schedule(round);
            if self.ends_before(round) {
                self.next_round = round;
            // Who comes when half of the phase is over waits for the next round.
            } else if now.since(schedule.submit_from) > u64::from(parameters.submit_ms) / 2 {
                self.next_round = after(round);
            } else if now >= schedule.submit_from {
                let slots = parameters.packets_per_round;
                self.outgoing = Some(Outgoing::new(round, schedule, slots, now, rng));
                self.next_round = after(round);
            }
        }
    }

    /// The round's packets are sent or lost: from now on its mailbox is waited for.
    fn finish_outgoing(&mut self, now: UnixMs, rng: &mut impl CryptoRng) {
        let Some(outgoing) = &mut self.outgoing else { return };
        let (round, missed) = (outgoing.round(), outgoing.missed());
        self.exchanges.cancel(round);
        self.contacts.forget_own_keys();
        self.failed = Some((round, outgoing.unsent())).filter(|(_, slots)| *slots != 0);
        let place = self.incoming.iter().position(Option::is_none);
        if let Some(place) = place {
            self.contacts.forget(place);
            self.incoming[place] = Incoming::new(outgoing, &self.manifest, now, rng);
        }
        self.outgoing = None;
        if let Some(why) = missed {
            self.event(Event::Missed { round, why });
        }
        if missed == Some(Missed::NoDirectory) {
            // Perhaps the clock is wrong.
            self.clock_at = self.local;
        } else if place.is_none() {
            // Only a manifest whose rounds take very long compared to their distance comes here.
            self.event(Event::Missed { round, why: Missed::TooManyRounds });
        }
    }

    fn event(&mut self, event: Event) {
        // A caller that doesn't poll loses the oldest.
        if self.events.is_full() {
            self.events.pop_front();
        }
        let _ = self.events.push_back(event);
    }
}

fn after(round: Round) -> Round {
    Round(round.0.saturating_add(1))
}
