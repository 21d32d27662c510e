//! Two homes that write to each other over rounds that lose what is put into them, and whose power is lost at any write:
//! everything that was accepted arrives once and in order.

use std::format;

use rand_core::Rng;
use zephyr_core::session::Draft;

use super::disk::Memory;
use super::*;

const NAMES: [&str; 2] = ["alice@example.org", "bob@example.org"];
/// Rounds until what is put into a slot is read.
const WAY: u64 = 2;
const RESEND_AFTER: u64 = 2 * WAY + 1;
const SLOTS: u8 = 2;
/// While things go wrong.
const TROUBLE: u64 = 40;
/// By then all must have arrived.
const END: u64 = 400;

/// How a fragment can be recognised.
type Shown = (u64, u16, Vec<u8>);

struct Person<D: Disk> {
    name: &'static str,
    disk: D,
    home: Option<Home<'static, D::Storage>>,
    /// Message and text, and whether it is certain that it was accepted.
    written: Vec<(u64, Vec<u8>, bool)>,
    shown: Vec<Shown>,
    /// The last part was taken, or the power was lost meanwhile.
    unsure: bool,
    delivered: Vec<u64>,
    filled: Vec<(Round, u8)>,
    losses: u32,
}

/// On its way to the other person.
struct Packet {
    to: usize,
    round: u64,
    read: u64,
    draft: Draft<'static>,
    body: Vec<u8>,
}

struct Pair<D: Disk> {
    persons: [Person<D>; 2],
    packets: Vec<Packet>,
    rng: ChaCha8Rng,
    /// Chance in 1,000 that a person's power is lost soon, at each step.
    losses: u32,
}

impl<D: Disk> Person<D> {
    fn new(name: &'static str, other: &str, disk: D) -> Self {
        let mut home = ok(block_on(home(disk.storage(), name)));
        ok(block_on(home.add_contact(&address(other), Some(NOW))));
        let (written, shown, delivered, filled) = Default::default();
        Self {
            name,
            disk,
            home: Some(home),
            written,
            shown,
            unsure: false,
            delivered,
            filled,
            losses: 0,
        }
    }

    fn home(&mut self) -> &mut Home<'static, D::Storage> {
        self.home.as_mut().expect("it is opened again at once")
    }

    /// `None` if the power was lost: then all of the home is as it was written.
    fn survives<T, E>(&mut self, result: Result<T, E>) -> Option<T> {
        if result.is_err() {
            self.losses += 1;
            self.disk.cut_after(None);
            self.home = None;
            self.home = Some(ok(block_on(home(self.disk.storage(), self.name))));
        }
        result.ok()
    }

    fn write(&mut self, to: &str, message: u64, text: Vec<u8>) {
        let sent =
            block_on(self.home().send(&address(to), Content::Text, &text, message, 100, Some(NOW)));
        match sent {
            Err(SendError::Full) => {}
            sent => {
                let certain = self.survives(sent).is_some();
                self.written.push((message, text, certain));
            }
        }
    }

    fn read(&mut self) {
        loop {
            let mut buffer = [0; PAYLOAD_LEN];
            let part = block_on(self.home().next_part(&mut buffer));
            let Some(Some(part)) = self.survives(part) else { return };
            let shown = (part.message, part.fragment, buffer[..part.len].to_vec());
            if !(std::mem::take(&mut self.unsure) && self.shown.last() == Some(&shown)) {
                self.shown.push(shown);
            }
            let taken = block_on(self.home().taken());
            self.unsure = self.survives(taken).is_none();
        }
    }

    fn receive(&mut self, from: &str, round: u64, draft: &Draft<'_>) {
        let mut delivered = Vec::new();
        let payload = payload(from, draft);
        let received =
            self.home().receive(Round(round), &payload, |message| delivered.push(message.0));
        let received = block_on(received);
        self.delivered.extend(delivered);
        self.survives(received);
    }
}

impl<D: Disk> Pair<D> {
    fn new(seed: u64, losses: u32, disk: impl Fn() -> D) -> Self {
        let persons = [0, 1].map(|i: usize| Person::new(NAMES[i], NAMES[1 - i], disk()));
        Self { persons, packets: Vec::new(), rng: ChaCha8Rng::seed_from_u64(seed), losses }
    }

    fn chance(&mut self, of_thousand: u32) -> bool {
        self.rng.next_u32() % 1_000 < of_thousand
    }

    fn round(&mut self, round: u64) {
        let trouble = round < TROUBLE;
        let void = trouble && self.chance(50);
        for me in 0..2 {
            if trouble && self.chance(self.losses) {
                let writes = 1 + self.rng.next_u32() % 40;
                self.persons[me].disk.cut_after(Some(writes));
            }
            if trouble && self.chance(250) {
                let message = self.rng.next_u64();
                let len = 1 + self.rng.next_u32() % 350;
                let text = format!("{message:x}").into_bytes().into_iter().cycle();
                let text = text.take(len as usize).collect();
                self.persons[me].write(NAMES[1 - me], message, text);
            }
            self.open(me, round, trouble);
            if self.chance(500) || !trouble {
                self.persons[me].read();
            }
        }
        if void {
            self.packets.retain(|packet| packet.round != round);
            self.persons.iter_mut().for_each(|person| person.home().void(Round(round)));
        }
        self.deliver(round);
    }

    /// Takes part in a round, unless it did before.
    fn open(&mut self, me: usize, round: u64, trouble: bool) {
        let person = &mut self.persons[me];
        let directory = DirectoryHash::from_bytes([round as u8; 32]);
        if person.home().last_round().is_some_and(|(last, _)| last.0 >= round) {
            return;
        }
        let opened = block_on(person.home().opened(Round(round), directory, NOW));
        if person.survives(opened).is_none() {
            return;
        }
        for slot in 0..SLOTS {
            let person = &mut self.persons[me];
            let mut body = [0; PAYLOAD_LEN];
            let contact = address(NAMES[1 - me]);
            let draft =
                block_on(person.home().fill(Round(round), slot, &contact, RESEND_AFTER, &mut body));
            let draft = ok(draft);
            assert!(!person.filled.contains(&(Round(round), slot)), "a slot is used twice");
            person.filled.push((Round(round), slot));
            let Some(draft) = draft else { continue };
            let (body, draft) = (draft.body.to_vec(), Draft { body: &[], ..draft });
            let late = if trouble && self.chance(200) { 3 } else { 0 };
            let packet = Packet { to: 1 - me, round, read: round + WAY + late, draft, body };
            if trouble && self.chance(100) {
                self.persons[me].home().failed(Round(round), slot);
                continue;
            }
            if !trouble || !self.chance(50) {
                self.persons[me].home().sent(Round(round), slot);
            }
            if !trouble || !self.chance(100) {
                self.packets.push(packet);
            }
        }
    }

    fn deliver(&mut self, round: u64) {
        let (now, later) = self.packets.drain(..).partition(|packet| packet.read <= round);
        self.packets = later;
        let now: Vec<Packet> = now;
        for Packet { to, round, draft, body, .. } in now {
            let draft = Draft { body: &body, ..draft };
            self.persons[to].receive(NAMES[1 - to], round, &draft);
        }
    }

    fn check(&self, story: &str) {
        for me in 0..2 {
            let (from, to) = (&self.persons[me], &self.persons[1 - me]);
            let mut shown = &to.shown[..];
            for (message, text, certain) in &from.written {
                let of = shown.iter().take_while(|(shown, ..)| shown == message).count();
                let (mine, rest) = shown.split_at(of);
                if of == 0 && !certain {
                    continue;
                }
                let whole: Vec<u8> = mine.iter().flat_map(|(.., body)| body.clone()).collect();
                let order: Vec<u16> = mine.iter().map(|(_, fragment, _)| *fragment).collect();
                assert_eq!(whole, *text, "{story}: {order:?} of {message:x}");
                shown = rest;
            }
            assert_eq!(shown, [], "{story}: nothing else comes");
            let known = |id: &u64| from.written.iter().any(|(message, ..)| message == id);
            assert!(from.delivered.iter().all(known), "{story}");
        }
    }

    fn run(&mut self, story: &str) {
        for round in 1..END {
            self.round(round);
            if round == TROUBLE {
                self.persons.iter().for_each(|person| person.disk.cut_after(None));
            }
            if round > TROUBLE && self.persons.iter_mut().all(|person| person.is_done()) {
                break;
            }
        }
        self.check(story);
    }
}

impl<D: Disk> Person<D> {
    fn is_done(&mut self) -> bool {
        let home = self.home();
        home.contacts.iter().flatten().all(|c| c.state.out_len() == 0 && c.state.in_len() == 0)
    }
}

#[test]
fn everything_arrives_once_and_in_order_wherever_the_power_is_lost() {
    for seed in 0..6 {
        for last_counts in [false, true] {
            let disk = || Memory::new(30_000, last_counts);
            let mut pair = Pair::new(seed, 0, disk);
            pair.run(&format!("seed {seed}"));
            let writes = pair.persons[0].disk.used();
            assert!(writes > 50 && !pair.persons[0].shown.is_empty(), "{writes}");
            for cut in 1..writes {
                let mut pair = Pair::new(seed, 0, disk);
                pair.persons[0].disk.cut_after(Some(cut));
                pair.run(&format!("seed {seed}, cut {cut}, {last_counts}"));
            }
        }
    }
}

#[test]
fn everything_arrives_once_and_in_order_however_often_the_power_is_lost() {
    let mut losses = 0;
    for seed in 100..500 {
        let mut pair = Pair::new(seed, 200, || Memory::new(30_000, seed % 2 == 0));
        pair.run(&format!("seed {seed}"));
        losses += pair.persons.iter().map(|person| person.losses).sum::<u32>();
    }
    assert!(losses > 400, "{losses}");
}

#[test]
fn everything_arrives_once_and_in_order_over_flash_whose_power_is_lost() {
    for seed in 0..3 {
        let mut pair = Pair::new(seed, 400, || super::disk::Flash::new(9));
        pair.run(&format!("seed {seed}"));
        assert!(pair.persons.iter().all(|person| person.losses > 0));
    }
}
