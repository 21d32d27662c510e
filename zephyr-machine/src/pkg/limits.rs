//! How many mails may be had.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;

use zephyr_core::Address;
use zephyr_core::wire::PkgRefusal;

use super::{PkgRules, Quota};

/// Whom the mails that a client has sent are counted for: opaque to the machine, not shown, not stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerKey([u8; 16]);

impl PeerKey {
    /// From 16 bytes that the shell makes up.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The network that an IP address is of, as far as one can tell: 24 bits of IPv4, 48 of IPv6, since that is
    /// what one subscriber can easily have.
    pub fn of(address: IpAddr) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits() >> 8 << 8,
            IpAddr::V6(v6) => v6.to_bits() >> 80 << 80,
        };
        Self(address.to_be_bytes())
    }
}

impl std::fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerKey(…)")
    }
}

/// Whether something counts again that was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Yes,
    No,
}

/// A bucket for each thing counted (generic cell rate algorithm): the time at which it will be empty. Things are
/// known by two keyed hashes of 64 bits, so that an entry is small and shows neither address nor peer.
pub(super) struct Limits {
    buckets: HashMap<[u64; 2], u64>,
    max: usize,
    quotas: [Quota; 4],
    hashers: [RandomState; 2],
    /// When it is worth looking for empty buckets again.
    sweep_at: u64,
}

const PEER: usize = 0;

impl Limits {
    pub(super) fn new(rules: &PkgRules) -> Self {
        Self {
            buckets: HashMap::new(),
            max: rules.max_counted,
            quotas: [rules.peer, rules.peer_and_address, rules.address, rules.address_long],
            hashers: [RandomState::new(), RandomState::new()],
            sweep_at: 0,
        }
    }

    /// Counts a mail, if all quotas allow it; else counts nothing.
    pub(super) fn count(
        &mut self,
        peer: PeerKey,
        address: &Address,
        now: u64,
    ) -> Result<(), PkgRefusal> {
        let keys = self.keys(peer, address);
        let mut filled = [0; 4];
        let mut wait = 0;
        for (i, quota) in self.quotas.iter().enumerate() {
            let until = self.buckets.get(&keys[i]).map_or(now, |&until| until.max(now));
            filled[i] = until.saturating_add(quota.step());
            wait = wait.max(filled[i].saturating_sub(now.saturating_add(quota.window_ms)));
        }
        if wait > 0 {
            return Err(PkgRefusal::RateLimited { seconds: wait.div_ceil(1000) as u32 });
        }
        self.make_room(now)?;
        self.buckets.extend(keys.into_iter().zip(filled));
        Ok(())
    }

    /// Takes back what [`count`](Self::count) counted, for the peer only if `of_peer` says so.
    pub(super) fn give_back(&mut self, peer: PeerKey, address: &Address, of_peer: Counted) {
        for (i, key) in self.keys(peer, address).iter().enumerate() {
            let step = self.quotas[i].step();
            if let Some(until) =
                self.buckets.get_mut(key).filter(|_| i != PEER || of_peer == Counted::Yes)
            {
                *until = until.saturating_sub(step);
            }
        }
    }

    /// Only empty buckets make room: a flood that pushed out full ones would lift the limits.
    fn make_room(&mut self, now: u64) -> Result<(), PkgRefusal> {
        let room = |buckets: &HashMap<_, _>| buckets.len() + 4 <= self.max;
        if !room(&self.buckets) && now >= self.sweep_at {
            self.sweep_at = now.saturating_add(1_000);
            self.buckets.retain(|_, until| *until > now);
        }
        if room(&self.buckets) { Ok(()) } else { Err(PkgRefusal::Busy) }
    }

    fn keys(&self, peer: PeerKey, address: &Address) -> [[u64; 2]; 4] {
        let peer = Some(peer);
        let address = Some(address);
        let things = [(peer, None), (peer, address), (None, address), (None, address)];
        let mut i = 0u8;
        things.map(|thing| {
            i += 1;
            [self.hashers[0].hash_one((i, thing)), self.hashers[1].hash_one((i, thing))]
        })
    }
}

impl Quota {
    fn step(&self) -> u64 {
        self.window_ms / u64::from(self.burst.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_networks() {
        let key = |text: &str| PeerKey::of(text.parse().unwrap());
        assert_eq!(key("192.0.2.1"), key("192.0.2.200"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.3.1"));
        assert_eq!(key("2001:db8:1::1"), key("2001:db8:1:ff::1"));
        assert_ne!(key("2001:db8:1::1"), key("2001:db8:2::1"));
    }
}
