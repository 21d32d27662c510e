//! Storages whose power can be cut.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::vec::Vec;

use crate::flash::FlashStorage;
use crate::flash::ram::RamFlash;
use crate::storage::{Key, Storage};

/// What stays when a home is dropped.
pub(super) trait Disk {
    type Storage: Storage;
    fn storage(&self) -> Self::Storage;
    /// The power is lost in that write; `None`: never.
    fn cut_after(&self, writes: Option<u32>);
    /// How many writes there were.
    fn used(&self) -> u32;
}

/// Items in memory.
#[derive(Clone, Default)]
pub(super) struct Memory(Rc<RefCell<Items>>);

#[derive(Default)]
struct Items {
    items: BTreeMap<Key, Vec<u8>>,
    power: Option<u32>,
    used: u32,
    /// How many bytes there are.
    capacity: usize,
    /// Whether what is written when the power is lost is there afterwards.
    last_counts: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct PowerLost;

impl Memory {
    pub(super) fn new(capacity: usize, last_counts: bool) -> Self {
        Self(Rc::new(RefCell::new(Items { capacity, last_counts, ..Items::default() })))
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.0.borrow().items.keys().copied().collect()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut BTreeMap<Key, Vec<u8>>)) {
        change(&mut self.0.borrow_mut().items);
    }

    fn write(&self, change: impl FnOnce(&mut BTreeMap<Key, Vec<u8>>)) -> Result<(), PowerLost> {
        let mut there = self.0.borrow_mut();
        if there.power == Some(0) {
            return Err(PowerLost);
        }
        there.used += 1;
        if let Some(power) = &mut there.power {
            *power -= 1;
        }
        let lost = there.power == Some(0);
        if !lost || there.last_counts {
            change(&mut there.items);
        }
        if lost { Err(PowerLost) } else { Ok(()) }
    }
}

impl Disk for Memory {
    type Storage = Self;

    fn storage(&self) -> Self {
        self.clone()
    }

    fn cut_after(&self, writes: Option<u32>) {
        self.0.borrow_mut().power = writes;
    }

    fn used(&self) -> u32 {
        self.0.borrow().used
    }
}

impl Storage for Memory {
    type Error = PowerLost;

    fn longest(&self) -> usize {
        318
    }

    fn capacity(&self) -> usize {
        self.0.borrow().capacity
    }

    fn cost(&self, len: usize) -> usize {
        len + 10
    }

    async fn load(&mut self, key: Key, out: &mut [u8]) -> Result<Option<usize>, PowerLost> {
        let there = self.0.borrow();
        Ok(there.items.get(&key).map(|item| {
            out.iter_mut().zip(item).for_each(|(out, byte)| *out = *byte);
            item.len()
        }))
    }

    async fn save(&mut self, key: Key, value: &[&[u8]]) -> Result<(), PowerLost> {
        let value = value.concat();
        assert!(value.len() <= self.longest() && !value.is_empty());
        self.write(|items| drop(items.insert(key, value)))?;
        let there = self.0.borrow();
        let size: usize = there.items.values().map(|item| self.cost(item.len())).sum();
        assert!(size <= there.capacity, "the storage is full");
        Ok(())
    }

    async fn remove(&mut self, key: Key) -> Result<(), PowerLost> {
        if !self.0.borrow().items.contains_key(&key) {
            return Ok(());
        }
        self.write(|items| drop(items.remove(&key)))
    }

    async fn present(&mut self, first: Key) -> Result<u128, PowerLost> {
        let there = self.0.borrow();
        let places = there.items.keys().filter_map(|key| {
            key.number().checked_sub(first.number()).filter(|place| *place < Key::GROUP)
        });
        Ok(places.fold(0, |keys, place| keys | 1 << place))
    }
}

/// A flash.
pub(super) type Flash = RamFlash<4096, 4>;

impl Disk for Flash {
    type Storage = FlashStorage<Self>;

    fn storage(&self) -> Self::Storage {
        FlashStorage::new(self.clone(), 0..self.len())
    }

    fn cut_after(&self, writes: Option<u32>) {
        Flash::cut_after(self, writes);
    }

    fn used(&self) -> u32 {
        Flash::used(self)
    }
}
