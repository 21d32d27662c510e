//! Random numbers come from outside.

use core::ffi::c_void;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zephyr_core::Hedge;
use zeroize::Zeroizing;

use super::boundary::Failure;
use super::input::{array, item};
use super::status::zephyr_status::*;

/// Where random numbers come from: a source fit for keys, such as the system's or a hardware generator that is
/// conditioned.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_random {
    /// Writes `len` random bytes to `out` and returns 0, or another number if it can't: what needs them is not done
    /// then. NULL stands for the system's generator; without ZEPHYR_IO there is none.
    pub fill: Option<unsafe extern "C" fn(userdata: *mut c_void, out: *mut u8, len: usize) -> i32>,
    /// What `fill` is given first; may be NULL.
    pub userdata: *mut c_void,
}

/// A secret of the program's own, mixed into what is drawn: random numbers that repeat, or that somebody knows, do no
/// harm then.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_hedge {
    /// 32 secret bytes, such as the user's or the server's seed.
    pub secret: *const u8,
    /// A number that never comes twice with this secret: one that is counted and kept, or the time.
    pub counter: u64,
}

/// The hedge for one call; with NULL the random numbers are all there is.
///
/// # Safety
/// `hedge` is NULL, or the pointers are as described.
pub(crate) unsafe fn hedge(hedge: *const zephyr_hedge) -> Result<Hedge, Failure> {
    // SAFETY: as the caller promises.
    match unsafe { hedge.as_ref() } {
        None => Ok(Hedge::new([0; 32], 0)),
        // SAFETY: as the caller promises.
        Some(hedge) => Ok(Hedge::new(*unsafe { array(hedge.secret) }?, hedge.counter)),
    }
}

/// A generator for one call.
///
/// # Safety
/// `random` is NULL, or keeps to its documentation.
pub(crate) unsafe fn generator(random: *const zephyr_random) -> Result<ChaCha20Rng, Failure> {
    // SAFETY: as the caller promises.
    unsafe { item(random)?.generator() }
}

impl zephyr_random {
    /// A generator for one call, seeded from the source: so a source that fails does so before anything is changed.
    ///
    /// # Safety
    /// `fill` keeps to its documentation.
    pub(crate) unsafe fn generator(&self) -> Result<ChaCha20Rng, Failure> {
        let mut seed = Zeroizing::new([0; 32]);
        match self.fill {
            Some(fill) => {
                // SAFETY: there are so many bytes, and the caller promises the rest.
                let result = unsafe { fill(self.userdata, seed.as_mut_ptr(), seed.len()) };
                if result != 0 {
                    return Err(ZEPHYR_ERROR_RANDOM.into());
                }
            }
            #[cfg(feature = "io")]
            None => getrandom::fill(&mut *seed)
                .map_err(|error| Failure::new(ZEPHYR_ERROR_RANDOM, error))?,
            #[cfg(not(feature = "io"))]
            None => return Err(ZEPHYR_ERROR_NULL.into()),
        }
        Ok(ChaCha20Rng::from_seed(*seed))
    }
}
