use std::collections::BTreeMap;
use std::vec::Vec;

use embassy_futures::block_on;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::ram::{RamError, RamFlash};
use super::*;

const SEEDS: u64 = 8;

type Flash<const PAGE: usize, const WORD: usize> = RamFlash<PAGE, WORD>;

fn storage<const PAGE: usize, const WORD: usize>(
    flash: &Flash<PAGE, WORD>,
) -> FlashStorage<Flash<PAGE, WORD>> {
    FlashStorage::new(flash.clone(), 0..flash.len())
}

fn load<S: Storage>(storage: &mut S, key: Key) -> Result<Option<Vec<u8>>, S::Error> {
    let mut out = std::vec![0; 400];
    let len = block_on(storage.load(key, &mut out))?;
    Ok(len.map(|len| out[..len].to_vec()))
}

#[test]
fn items_are_read_as_they_were_written_and_gone_when_removed() {
    let flash = Flash::<4096, 4>::new(3);
    let mut there = storage(&flash);
    let (a, b) = (Key::new(0, 1), Key::new(3, 127));
    assert_eq!(load(&mut there, a), Ok(None));
    block_on(there.save(a, &[b"one", b" and ", b"another"])).unwrap();
    block_on(there.save(b, &[&[7; 318]])).unwrap();
    let mut again = storage(&flash);
    assert_eq!(load(&mut again, a), Ok(Some(b"one and another".to_vec())));
    assert_eq!(load(&mut again, b), Ok(Some(std::vec![7; 318])));
    let mut short = [0; 3];
    assert_eq!(block_on(again.load(a, &mut short)), Ok(Some(15)));
    assert_eq!(&short, b"one");
    assert_eq!(block_on(again.present(Key::new(0, 0))), Ok(1 << 1));
    assert_eq!(block_on(again.present(Key::new(3, 0))), Ok(1 << 127));
    block_on(again.remove(a)).unwrap();
    assert_eq!(load(&mut again, a), Ok(None));
    assert_eq!(block_on(again.present(Key::new(0, 0))), Ok(0));
    assert_eq!(block_on(again.save(a, &[&[0; 319]])), Err(FlashError::TooLong));
}

#[test]
fn a_full_flash_says_so_and_keeps_what_is_there() {
    let flash = Flash::<4096, 4>::new(3);
    let mut there = storage(&flash);
    let mut kept = 0;
    let error = loop {
        match block_on(there.save(Key::new(1, kept), &[&[kept as u8; 200]])) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, FlashError::Full);
    assert!(usize::from(kept) * there.cost(200) >= there.capacity());
    let mut there = storage(&flash);
    for i in 0..kept {
        assert_eq!(load(&mut there, Key::new(1, i)), Ok(Some(std::vec![i as u8; 200])), "{i}");
    }
}

/// Random items within the capacity, with the power lost now and then: `cuts` says after how many words.
fn story<const PAGE: usize, const WORD: usize>(seed: u64, pages: usize, steps: u32) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let flash = Flash::<PAGE, WORD>::new(pages);
    let mut there = storage(&flash);
    let mut expected = BTreeMap::<Key, Vec<u8>>::new();
    let mut known = BTreeMap::<Key, usize>::new();
    for _ in 0..steps {
        let mut below = |n: u32| rng.next_u32() % n;
        let key = Key::new(below(3) as u16, below(20) as u16);
        let len = if below(4) == 0 { 0 } else { 1 + below(318) as usize };
        let value = std::vec![below(256) as u8; len];
        known.insert(key, len);
        if known.values().map(|len| there.cost(*len)).sum::<usize>() > there.capacity() {
            known.insert(key, expected.get(&key).map_or(0, Vec::len));
            continue;
        }
        let cut = below(10) == 0;
        flash.cut_after(cut.then(|| 1 + below(200)));
        let done = match len {
            0 => block_on(there.remove(key)),
            _ => block_on(there.save(key, &[&value])),
        };
        flash.cut_after(None);
        match done {
            Ok(()) => drop(expected.insert(key, value)),
            Err(FlashError::Flash(RamError::PowerLost)) => {
                there = storage(&flash);
                let is = load(&mut there, key).expect("readable").unwrap_or_default();
                let old = expected.get(&key).cloned().unwrap_or_default();
                assert!(is == value || is == old, "seed {seed}: {key:?}");
                known.insert(key, is.len());
                expected.insert(key, is);
            }
            Err(why) => panic!("seed {seed}: {why:?}"),
        }
        if below(20) == 0 {
            there = storage(&flash);
        }
    }
    let mut present = [0u128; 3];
    for (key, value) in &expected {
        let is = load(&mut there, *key).expect("readable").unwrap_or_default();
        assert_eq!(is, *value, "seed {seed}: {key:?}");
        if !value.is_empty() {
            present[usize::from(key.number() / Key::GROUP)] |= 1 << (key.number() % Key::GROUP);
        }
    }
    for (group, keys) in present.iter().enumerate() {
        assert_eq!(block_on(there.present(Key::new(group as u16, 0))), Ok(*keys), "seed {seed}");
    }
}

#[test]
fn within_its_capacity_a_flash_is_never_full_and_loses_nothing_with_its_power() {
    for seed in 0..SEEDS {
        story::<1024, 4>(seed, 2 + seed as usize % 7, 400);
        story::<4096, 32>(seed, 2 + seed as usize % 3, 300);
        story::<2048, 1>(seed, 3, 200);
    }
}

#[test]
fn damaged_flash_is_an_error_and_no_panic() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let flash = Flash::<1024, 4>::new(4);
        let mut there = storage(&flash);
        for i in 0..20 {
            block_on(there.save(Key::new(0, i % 7), &[&[i as u8; 100]])).unwrap();
        }
        flash.change(|bytes| {
            if seed % 4 == 0 {
                rng.fill_bytes(bytes);
            } else {
                for _ in 0..1 + rng.next_u32() % 50 {
                    let at = rng.next_u32() as usize % bytes.len();
                    bytes[at] = rng.next_u32() as u8;
                }
            }
        });
        let mut there = storage(&flash);
        let _ = block_on(there.present(Key::new(0, 0)));
        for i in 0..7 {
            let _ = load(&mut there, Key::new(0, i));
            // What can't be written is refused; a word of a flash that can be written twice is none.
        }
    }
}
