//! Deliveries to mailbox servers, whole and damaged.

use std::collections::BTreeMap;

use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::delivery::{self, DeliveryError, Item, Unpack, item_len};

use super::world::*;

const HASH: DirectoryHash = DirectoryHash::from_bytes([4; 32]);
const ME: MixerIndex = MixerIndex(1);
/// Mailboxes with two, no, one and no messages.
const COUNTS: [usize; 4] = [2, 0, 1, 0];

struct Delivery {
    world: World,
    messages: BTreeMap<Mailbox, Batch>,
    items: Vec<Vec<u8>>,
}

fn mailboxes() -> Vec<Mailbox> {
    (0..4).map(Mailbox).collect()
}

fn delivery() -> Delivery {
    let world = World::simple(RouteMode::Round, 2, 2);
    let (geometry, mut rng) = (world.geometry(), rng(5));
    let mut messages = BTreeMap::new();
    for (mailbox, count) in mailboxes().into_iter().zip(COUNTS).filter(|(_, n)| *n > 0) {
        let mut batch = Batch::new(geometry.sealed_len());
        (0..count).for_each(|_| batch.push(&random(geometry.sealed_len(), &mut rng)));
        messages.insert(mailbox, batch);
    }
    let seed = world.mixer_seed(1);
    let mixed = messages.iter().map(|(m, batch): (_, &Batch)| (*m, batch.clone().into())).collect();
    let packed = delivery::Delivery::new::<S>(geometry, mailboxes(), &mixed, seed, &HASH, ME);
    assert_eq!(packed.item_len(), item_len(geometry));
    let items = packed.to_batch().iter().map(<[u8]>::to_vec).collect();
    Delivery { world, messages, items }
}

impl Delivery {
    fn read_as(
        &self,
        hash: &DirectoryHash,
        mixer: MixerIndex,
        mailboxes: Vec<Mailbox>,
    ) -> Result<BTreeMap<Mailbox, Batch>, DeliveryError> {
        let server = self.world.mixer_id(mixer);
        let mut unpack = Unpack::<S>::new(mailboxes, hash, mixer, &server);
        let (mut out, mut current) = (BTreeMap::new(), Mailbox(0));
        for item in &self.items {
            match unpack.next(item)? {
                Item::Head(head) => current = head.mailbox,
                Item::Message(message) => {
                    let batch = out.entry(current).or_insert_with(|| Batch::new(message.len()));
                    batch.push(message);
                }
            }
        }
        unpack.finish().map(|()| out)
    }

    fn read(&self) -> Result<BTreeMap<Mailbox, Batch>, DeliveryError> {
        self.read_as(&HASH, ME, mailboxes())
    }
}

#[test]
fn a_delivery_comes_back_as_it_was() {
    let delivery = delivery();
    assert_eq!(delivery.items.len(), 4 + 3);
    assert_eq!(delivery.read(), Ok(delivery.messages.clone()));
}

#[test]
fn a_delivery_is_bound_to_its_round_and_mixer() {
    let delivery = delivery();
    let other = DirectoryHash::from_bytes([5; 32]);
    assert_eq!(delivery.read_as(&other, ME, mailboxes()), Err(DeliveryError::Signature));
    let as_other = delivery.read_as(&HASH, MixerIndex(0), mailboxes());
    assert_eq!(as_other, Err(DeliveryError::Signature));
}

#[test]
fn missing_items_are_noticed() {
    for i in 0..7 {
        let mut delivery = delivery();
        delivery.items.remove(i);
        assert!(delivery.read().is_err(), "without item {i}");
    }
    for len in 0..7 {
        let mut delivery = delivery();
        delivery.items.truncate(len);
        assert_eq!(delivery.read(), Err(DeliveryError::Incomplete), "cut off after {len}");
    }
}

#[test]
fn swapped_items_are_noticed() {
    for (i, j) in [(0, 1), (1, 2), (0, 3), (3, 4), (4, 5), (2, 5), (4, 6), (3, 6)] {
        let mut delivery = delivery();
        delivery.items.swap(i, j);
        assert!(delivery.read().is_err(), "items {i} and {j} swapped");
    }
}

#[test]
fn repeated_items_are_noticed() {
    for i in 0..7 {
        let mut delivery = delivery();
        let item = delivery.items[i].clone();
        delivery.items.insert(i, item);
        assert!(delivery.read().is_err(), "item {i} twice");
    }
}

#[test]
fn a_wrong_count_is_noticed() {
    for (i, count) in [(0, 0), (0, 1), (0, 3), (0, u32::MAX), (3, 1), (6, 1), (6, u32::MAX)] {
        let mut delivery = delivery();
        delivery.items[i][4..8].copy_from_slice(&count.to_be_bytes());
        assert!(delivery.read().is_err(), "item {i} says {count}");
    }
}

#[test]
fn any_changed_byte_is_noticed() {
    let whole = delivery();
    for i in 0..whole.items.len() {
        for byte in (0..whole.items[i].len()).step_by(7) {
            let mut delivery = delivery();
            delivery.items[i][byte] ^= 0x10;
            assert!(delivery.read().is_err(), "byte {byte} of item {i}");
        }
    }
}

#[test]
fn other_mailboxes_than_expected_are_noticed() {
    let delivery = delivery();
    let read = |expected: &[u32]| {
        delivery.read_as(&HASH, ME, expected.iter().copied().map(Mailbox).collect())
    };
    assert_eq!(read(&[0, 1, 2, 3, 4]), Err(DeliveryError::Incomplete));
    assert_eq!(read(&[0, 1, 2]), Err(DeliveryError::OutOfPlace));
    assert_eq!(read(&[0, 2, 1, 3]), Err(DeliveryError::OutOfPlace));
    assert_eq!(read(&[]), Err(DeliveryError::OutOfPlace));
}

#[test]
fn items_too_short_for_anything_are_refused() {
    let delivery = delivery();
    let server = delivery.world.mixer_id(ME);
    for len in [0, 3, 4, 7, 71] {
        let mut unpack = Unpack::<S>::new(mailboxes(), &HASH, ME, &server);
        assert_eq!(unpack.next(&vec![0; len]), Err(DeliveryError::OutOfPlace), "{len} bytes");
    }
}
