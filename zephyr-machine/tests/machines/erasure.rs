//! No secret of a round outlives it, anywhere in the process's memory.
//!
//! The tests look for the bytes of a secret in all memory that the process can write. They know them by drawing them
//! a second time from the same random numbers, and keep them masked, so as not to find their own copy.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::BufRead;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::*;
use zephyr_machine::mix::wipe_stack;

use super::world::*;

const MASK: u8 = 0xa5;

/// The middle of a secret, masked: its ends may be changed where it is used (X25519 clamps them).
struct Needle([u8; 24]);

impl Needle {
    fn new(secret: &[u8; 32]) -> Self {
        let mut masked = [0; 24];
        for (out, byte) in masked.iter_mut().zip(&secret[4..28]) {
            *out = black_box(byte ^ MASK);
        }
        Self(masked)
    }

    /// The same bytes in the opposite order: big-endian and little-endian numbers.
    fn reversed(&self) -> Self {
        let mut out = self.0;
        out.reverse();
        Self(out)
    }

    /// How often the secret stands in `bytes`.
    fn count_in(&self, mut bytes: &[u8]) -> usize {
        let first = self.0[0] ^ MASK;
        let mut found = 0;
        while !bytes.is_empty() {
            let before = bytes;
            // Goes by libc's memchr, also in a build for debugging.
            let skipped = bytes.skip_until(first).expect("memory does not fail");
            let candidate = before[skipped - 1..].get(..self.0.len());
            found += usize::from(candidate.is_some_and(|c| self.equals(c)));
        }
        found
    }

    fn equals(&self, candidate: &[u8]) -> bool {
        candidate.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

use memory::count;

#[cfg(target_os = "linux")]
mod memory {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;

    use super::Needle;

    /// How often the secret stands in the memory that this process can write; `None` if it can't be read.
    pub fn count(needle: &Needle) -> Option<usize> {
        let maps = fs::read_to_string("/proc/self/maps").ok()?;
        let memory = File::open("/proc/self/mem").ok()?;
        let writable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(is_writable));
        // One buffer for all, so that its own copies are overwritten again and again, and wiped in the end.
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
        let mut found = 0;
        for line in writable {
            let (from, to) = line.split(' ').next()?.split_once('-')?;
            let from = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            let mut at = from;
            while at < to {
                let mut len = (to - at).min(buffer.len() as u64);
                if own.contains(&at) {
                    at = own.end;
                    continue;
                }
                if at < own.start {
                    len = len.min(own.start - at);
                }
                // What another thread has given back meanwhile can't be read.
                let read = memory.read_at(&mut buffer[..len as usize], at).unwrap_or(0);
                found += needle.count_in(&buffer[..read]);
                at += len;
            }
        }
        buffer.fill(0);
        std::hint::black_box(&buffer);
        Some(found)
    }

    fn is_writable(permissions: &str) -> bool {
        permissions.starts_with("rw")
    }
}

#[cfg(not(target_os = "linux"))]
mod memory {
    pub fn count(_: &super::Needle) -> Option<usize> {
        None
    }
}

/// One search at a time: a search copies memory into its buffer, where another would find it.
fn alone() -> MutexGuard<'static, ()> {
    static SEARCH: Mutex<()> = Mutex::new(());
    SEARCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What mixer `i` draws as its key of [`ROUND`].
#[inline(never)]
fn mixer_needle(world: &World, i: usize) -> Needle {
    let (mut rng, mut hedge) = world.randomness(i, ROUND);
    Needle::new(&hedge.draw(&mut rng, &[b"mixer round secret"]))
}

/// What all noise of mixer `i` in [`ROUND`] follows from, and what that of its first phase does.
#[inline(never)]
fn noise_needles(world: &World, i: usize) -> [Needle; 2] {
    let (mut rng, mut hedge) = world.randomness(i, ROUND);
    hedge.draw::<32>(&mut rng, &[b"mixer round secret"]);
    let seed = hedge.draw::<64>(&mut rng, &[b"noise of a round"]);
    let (key, secret) = seed.split_at(32);
    let mut rng = ChaCha20Rng::from_seed(key.try_into().unwrap());
    let mut hedge = Hedge::new(secret.try_into().unwrap(), 0);
    let phase = hedge.draw::<64>(&mut rng, &[b"noise"]);
    [&seed, &phase].map(|seed| Needle::new(seed.last_chunk().unwrap()))
}

#[inline(never)]
fn pkg_needle() -> Needle {
    let (mut rng, mut hedge) = (rng(1), Hedge::new([2; 32], 0));
    let wide = hedge.draw::<64>(&mut rng, &[b"pkg round secret"]);
    Needle::new(&<P as Pairing>::Scalar::from_wide(&wide).to_bytes())
}

/// Everything that was drawn comes out of these frames wiped.
fn wiped<T>(make: impl FnOnce() -> T) -> T {
    let made = make();
    wipe_stack();
    made
}

#[test]
fn the_search_finds_what_is_there_and_not_its_own_copy() {
    let _alone = alone();
    let needle = wiped(|| Needle::new(b"0123456789 the secret of a test "));
    let Some(before) = count(&needle) else { return };
    assert_eq!(before, 0, "constants are not writable");
    let copy = Box::new(black_box(*b"0123456789 the secret of a test "));
    assert!(count(&needle).unwrap() > 0, "on the heap");
    black_box(&copy);
}

#[test]
fn a_mixers_key_is_gone_when_its_round_is_delivered() {
    let _alone = alone();
    let world = World::simple(RouteMode::Round, 3, 3).salted(1);
    let needles: Vec<_> = (0..3).map(|i| wiped(|| mixer_needle(&world, i))).collect();
    let mut round = Running::new(&world);
    // Moving the rounds about must leave no copies behind.
    let moved: Vec<_> = std::mem::take(&mut round.machines).into_iter().rev().collect();
    round.machines = moved.into_iter().rev().collect();
    let Some(found) = count(&needles[0]) else { return };
    assert!(found > 0, "while the round is under way");
    round.submit_many(100);
    round.finish();
    assert_eq!(round.messages(), 100);
    for (i, needle) in needles.iter().enumerate() {
        assert_eq!(count(needle), Some(0), "mixer {i}");
    }
}

#[test]
fn a_mixers_key_is_gone_when_its_round_is_void() {
    let _alone = alone();
    let world = World::simple(RouteMode::Rotations, 3, 3).salted(2);
    let needles: Vec<_> = (0..3).map(|i| wiped(|| mixer_needle(&world, i))).collect();
    let mut round = Running::new(&world);
    let Some(found) = count(&needles[0]) else { return };
    assert!(found > 0, "while the round is under way");
    for machine in &mut round.machines {
        machine.void();
    }
    for needle in &needles {
        assert_eq!(count(needle), Some(0));
    }
}

#[test]
fn a_mixers_key_is_gone_when_a_phase_ends_that_was_being_mixed_when_the_round_became_void() {
    let _alone = alone();
    let world = World::simple(RouteMode::Round, 1, 1).salted(4);
    let needle = wiped(|| mixer_needle(&world, 0));
    let mut round = Running::new(&world);
    let work = work_of(&mut round);
    round.machines[0].void();
    let Some(found) = count(&needle) else { return };
    assert!(found > 0, "while it is mixed");
    drop(work);
    assert_eq!(count(&needle), Some(0));
}

#[test]
fn what_a_mixers_noise_follows_from_is_gone_when_its_round_is_delivered_or_void() {
    let _alone = alone();
    for (salt, is_void) in [(5, false), (6, true)] {
        let parameters = Parameters { min_batch: 40, ..parameters(RouteMode::Round, 1, 1) };
        let world = World::new(parameters, 1, 1).salted(salt);
        let [seed, phase] = wiped(|| noise_needles(&world, 0));
        let mut round = Running::new(&world);
        let Some(found) = count(&phase) else { return };
        assert!(found > 0, "before the phase");
        assert_eq!(count(&seed), Some(0), "the phases have their own");
        assert!(round.makers[0].step::<S>());
        if is_void {
            round.machines[0].void();
        } else {
            round.finish();
            assert_eq!(round.messages(), 40);
        }
        assert_eq!(count(&phase), Some(0));
    }
}

#[test]
fn a_mixers_key_is_gone_when_no_directory_comes() {
    let _alone = alone();
    let world = World::simple(RouteMode::Round, 1, 1).salted(3);
    let needle = wiped(|| mixer_needle(&world, 0));
    let mut open = BTreeMap::from([(ROUND, world.open(0, ROUND))]);
    let Some(found) = count(&needle) else { return };
    assert!(found > 0, "while it is waited for");
    let machine = open.get_mut(&ROUND).unwrap();
    assert!(machine.poll(world.schedule(ROUND).submit_until).is_none() && machine.is_over());
    assert_eq!(count(&needle), Some(0));
}

/// As the PKG keeps them: a box in a map, since maps move what they hold and wipe nothing.
#[test]
fn a_pkgs_secret_is_gone_when_it_is_taken_out() {
    let _alone = alone();
    let needle = wiped(pkg_needle);
    let mut secrets: BTreeMap<Round, Box<MasterSecret<P>>> = BTreeMap::new();
    let draw = || {
        let (mut rng, mut hedge) = (rng(1), Hedge::new([2; 32], 0));
        Box::new(MasterSecret::generate(&mut rng, &mut hedge))
    };
    secrets.insert(ROUND, wiped(draw));
    let Some(found) = count(&needle.reversed()) else { return };
    assert!(found > 0, "while the round takes packets");
    let address = Address::parse("alice@example.org").unwrap();
    let world = World::simple(RouteMode::Round, 1, 1);
    wiped(|| drop(secrets[&ROUND].extract(world.manifest().network(), &address)));
    secrets.retain(|round, _| *round != ROUND);
    assert_eq!(count(&needle.reversed()), Some(0));
    assert_eq!(count(&needle), Some(0));
}
