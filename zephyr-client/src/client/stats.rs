//! What a client moves.

use std::sync::atomic::{AtomicU64, Ordering};

use zephyr_core::Role;

/// What a client has moved since it was made, with everything but the headers of TCP and IP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rounds whose directory was accepted.
    pub rounds: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

/// What a client has moved from and to servers of one role, counted as in [`Stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) rounds: AtomicU64,
    /// Bytes received and sent, by role.
    bytes: [(AtomicU64, AtomicU64); Role::ALL.len()],
}

impl Counters {
    pub(super) fn stats(&self) -> Stats {
        let rounds = self.rounds.load(Ordering::Relaxed);
        Role::ALL.iter().fold(Stats { rounds, ..Stats::default() }, |stats, role| {
            let Traffic { bytes_in, bytes_out } = self.traffic(*role);
            Stats {
                bytes_in: stats.bytes_in + bytes_in,
                bytes_out: stats.bytes_out + bytes_out,
                ..stats
            }
        })
    }

    pub(super) fn traffic(&self, role: Role) -> Traffic {
        let (bytes_in, bytes_out) = &self.bytes[role as usize];
        Traffic {
            bytes_in: bytes_in.load(Ordering::Relaxed),
            bytes_out: bytes_out.load(Ordering::Relaxed),
        }
    }

    pub(super) fn add(&self, role: Role, bytes_in: u64, bytes_out: u64) {
        let counters = &self.bytes[role as usize];
        counters.0.fetch_add(bytes_in, Ordering::Relaxed);
        counters.1.fetch_add(bytes_out, Ordering::Relaxed);
    }
}
