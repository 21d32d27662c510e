//! A board: what it remembers over a reset, and the tasks that run on it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use zephyr_core::session::{self, client_key};
use zephyr_core::{Address, Content, Role, Round, Suite};
use zephyr_embedded::{
    Account, Client, Config, Error, Event, Key, MessageId, Part, Resources, Storage, new,
};

use crate::socket::Cable;
use crate::tasks::Tasks;
use crate::world::Shared;

pub const CONTACTS: usize = 4;
pub const CONNECTIONS: usize = 3;

pub type Memory<S> = Resources<CONTACTS, CONNECTIONS, 3, 4, 598, 2_048, 2_048, S>;
pub type Handle<S> = Client<'static, Cable<S>, Disk, ChaCha8Rng, S>;

/// Items in memory.
#[derive(Clone, Default)]
pub struct Disk(Rc<DiskState>);

#[derive(Default)]
pub struct DiskState {
    items: RefCell<BTreeMap<Key, Vec<u8>>>,
    /// After so many writes none succeeds.
    pub writes_left: Cell<Option<u32>>,
}

/// The disk can't be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskError;

impl Disk {
    fn write(&self) -> Result<(), DiskError> {
        match self.0.writes_left.get() {
            Some(0) => Err(DiskError),
            left => {
                self.0.writes_left.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    pub fn fail_after(&self, writes: u32) {
        self.0.writes_left.set(Some(writes));
    }
}

impl Storage for Disk {
    type Error = DiskError;

    async fn load(&mut self, key: Key, out: &mut [u8]) -> Result<Option<usize>, DiskError> {
        let items = self.0.items.borrow();
        let Some(item) = items.get(&key).filter(|item| !item.is_empty()) else { return Ok(None) };
        item.iter().zip(out).for_each(|(byte, place)| *place = *byte);
        Ok(Some(item.len()))
    }

    fn longest(&self) -> usize {
        320
    }

    fn capacity(&self) -> usize {
        64 * 1_024
    }

    fn cost(&self, len: usize) -> usize {
        len + 16
    }

    async fn save(&mut self, key: Key, value: &[&[u8]]) -> Result<(), DiskError> {
        self.write()?;
        self.0.items.borrow_mut().insert(key, value.concat());
        Ok(())
    }

    async fn present(&mut self, first: Key) -> Result<u128, DiskError> {
        let items = self.0.items.borrow();
        let numbers =
            items.iter().filter(|(_, item)| !item.is_empty()).map(|(key, _)| key.number());
        let bits = numbers.filter_map(|number| number.checked_sub(first.number()));
        Ok(bits.filter(|bit| *bit < Key::GROUP).fold(0, |present, bit| present | 1 << bit))
    }

    async fn remove(&mut self, key: Key) -> Result<(), DiskError> {
        self.write()?;
        self.0.items.borrow_mut().remove(&key);
        Ok(())
    }
}

/// What the board's program has printed, and how it ended. It survives a reset, as paper would.
#[derive(Default)]
pub struct Log {
    pub events: RefCell<Vec<Event>>,
    /// Parts of messages in the order in which they were shown.
    pub parts: RefCell<Vec<(Part, Vec<u8>)>>,
    /// Whether the last part was shown and it isn't known that the client knows that.
    unsure: Cell<bool>,
    pub ended: Cell<Option<Error<DiskError>>>,
}

impl Log {
    fn show(&self, part: Part, body: &[u8]) {
        let shown = (part, body.to_vec());
        let mut parts = self.parts.borrow_mut();
        // A part comes again until it is taken.
        let again = self.unsure.replace(true) && parts.last() == Some(&shown);
        if !again {
            parts.push(shown);
        }
    }

    /// The texts of the messages that are whole, with their senders.
    pub fn messages(&self) -> Vec<(String, Vec<u8>)> {
        let mut messages = Vec::new();
        let mut begun = BTreeMap::<String, (u64, u16, Vec<u8>)>::new();
        for (part, body) in self.parts.borrow().iter() {
            let from = part.from.as_ref().map_or("?", |from| from.as_str()).to_string();
            let message = begun.entry(from.clone()).or_default();
            if part.fragment == 0 {
                *message = (part.message, 0, Vec::new());
            }
            assert_eq!(
                (message.0, message.1),
                (part.message, part.fragment),
                "parts come in order"
            );
            message.1 += 1;
            message.2.extend(body);
            if part.fragment + 1 == part.fragments {
                messages.push((from, message.2.clone()));
            }
        }
        messages
    }

    pub fn delivered(&self, id: MessageId) -> bool {
        self.events.borrow().contains(&Event::Delivered(id))
    }
}

pub struct Board<S: Suite> {
    number: usize,
    address: Address,
    world: Shared<S>,
    pub disk: Disk,
    boots: u64,
    handle: Rc<Cell<Option<Handle<S>>>>,
    pub log: Rc<Log>,
    pub contacts_only: bool,
}

impl<S: Suite> Board<S> {
    pub fn new(world: &Shared<S>, number: usize, address: &str) -> Self {
        Self {
            number,
            address: Address::parse(address).expect("an address"),
            world: world.clone(),
            disk: Disk::default(),
            boots: 0,
            handle: Rc::default(),
            log: Rc::default(),
            contacts_only: false,
        }
    }

    /// Boots: what was in RAM is gone.
    pub fn boot(&mut self, tasks: &mut Tasks) -> Handle<S> {
        tasks.reset(self.number);
        self.handle.set(None);
        self.boots += 1;
        let seed = self.number as u64 * 1_000 + self.boots;
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ self.world.borrow_mut().chance());
        let (mut disk, address) = (self.disk.clone(), self.address.clone());
        let network = Cable { board: self.number, world: self.world.clone() };
        let manifest = self.world.borrow().manifest();
        let (handle, log, contacts_only) =
            (self.handle.clone(), self.log.clone(), self.contacts_only);
        tasks.spawn(self.number, async move {
            let account = match Account::load(&mut disk).await.expect("the disk works") {
                Some(account) => account,
                None => {
                    Account::create(&mut disk, address, &mut rng).await.expect("the disk works")
                }
            };
            let config = Config { account, manifest, contacts_only, verify_proofs: true };
            let memory: &'static mut Memory<S> = Box::leak(Box::new(Memory::new()));
            match new(memory, config, network, disk, rng).await {
                Ok(device) => {
                    let (client, runner) = Box::leak(Box::new(device)).split();
                    handle.set(Some(client));
                    let Err(error) = runner.run().await;
                    log.ended.set(Some(error));
                }
                Err(error) => log.ended.set(Some(error)),
            }
        });
        let handle = self.handle.clone();
        assert!(tasks.run_until(1_000, || handle.get().is_some()), "{:?}", self.log.ended.get());
        let client = self.handle.get().expect("it is there");
        let log = self.log.clone();
        tasks.spawn(self.number, async move {
            let mut buffer = [0; 300];
            loop {
                let part = client.receive(&mut buffer).await.expect("the disk works");
                let len = part.len;
                log.show(part, &buffer[..len]);
                client.taken().await.expect("the disk works");
                log.unsure.set(false);
            }
        });
        let log = self.log.clone();
        tasks.spawn(self.number, async move {
            loop {
                let event = client.event().await;
                log.events.borrow_mut().push(event);
            }
        });
        client
    }

    /// Registers with all PKGs, without mail.
    pub fn register(&self, tasks: &mut Tasks) {
        let manifest = self.world.borrow().manifest();
        let manifest = zephyr_core::Manifest::parse(manifest).expect("a good plan");
        let (mut disk, world) = (self.disk.clone(), self.world.clone());
        let address = self.address.clone();
        tasks.block_on(async move {
            let account = Account::load(&mut disk).await.expect("the disk works").expect("booted");
            for (i, pkg) in manifest.servers(Role::Pkg).enumerate() {
                let key = client_key::<S>(account.seed(), &pkg.id);
                world.borrow_mut().register(&address, i, key);
            }
        });
    }

    pub fn befriend(&self, tasks: &mut Tasks, other: &Self) {
        let (client, address) = (self.client(), other.address.clone());
        let added = tasks.block_on(async move { client.add_contact(&address).await });
        assert_eq!(added, Ok(()));
    }

    pub fn write(&self, tasks: &mut Tasks, to: &Self, text: &[u8]) -> MessageId {
        let (client, address, text) = (self.client(), to.address.clone(), text.to_vec());
        let sent = tasks.block_on(async move { client.send(&address, Content::Text, &text).await });
        sent.expect("there is room")
    }

    pub fn client(&self) -> Handle<S> {
        self.handle.get().expect("it has booted")
    }

    /// The rounds that a kind of event speaks of.
    pub fn rounds(&self, which: impl Fn(&session::Event) -> Option<Round>) -> Vec<Round> {
        let events = self.log.events.borrow();
        let rounds = events.iter().filter_map(|event| match event {
            Event::Round(event) => which(event),
            _ => None,
        });
        rounds.collect()
    }
}
