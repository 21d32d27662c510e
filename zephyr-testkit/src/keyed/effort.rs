//! How much the real cryptography would have had to compute.

use std::cell::Cell;

thread_local! {
    static SPENT: Cell<Effort> = const { Cell::new(Effort { pairings: 0, multiplications: 0 }) };
}

/// What some work took over [`Keyed`](super::Keyed); nothing over other suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    pub(crate) pairings: u32,
    /// Of points of either group.
    pub(crate) multiplications: u32,
}

impl Effort {
    /// What `work` takes, and gives.
    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let before = SPENT.get();
        let result = work();
        let after = SPENT.get();
        let effort = Self {
            pairings: after.pairings - before.pairings,
            multiplications: after.multiplications - before.multiplications,
        };
        (effort, result)
    }

    /// Whether a microcontroller may do it without letting its other tasks run: a pairing with the multiplications
    /// that belong to it, or a proof of knowledge verified.
    pub(crate) fn is_a_step(self) -> bool {
        match self.pairings {
            0 => self.multiplications <= 4,
            pairings => pairings == 1 && self.multiplications <= 2,
        }
    }
}

pub(super) fn spend(pairings: u32, multiplications: u32) {
    let spent = SPENT.get();
    SPENT.set(Effort {
        pairings: spent.pairings.wrapping_add(pairings),
        multiplications: spent.multiplications.wrapping_add(multiplications),
    });
}
