//! The points of the addresses that asked last, over rounds: hashing an address to the curve takes as long as
//! multiplying its points.
//!
//! Only those get here who may have the share, so the time that it takes tells nobody about others.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use zephyr_core::{Address, IdentityPoints, Pairing};

/// How many addresses a generation has: 400 bytes each, in two generations at most.
const GENERATION: usize = 16_384;

type Generation<P> = HashMap<Box<str>, Arc<IdentityPoints<P>>>;

/// Those that were asked for in this generation, and in the one before.
pub(super) struct KnownPoints<P: Pairing> {
    recent: Generation<P>,
    older: Generation<P>,
    size: usize,
}

impl<P: Pairing> KnownPoints<P> {
    pub(super) fn new() -> Self {
        Self::with_size(GENERATION)
    }

    fn with_size(size: usize) -> Self {
        Self { recent: HashMap::new(), older: HashMap::new(), size }
    }

    pub(super) fn get(&mut self, address: &Address) -> Option<Arc<IdentityPoints<P>>> {
        let known = self.recent.get(address.as_str()).cloned();
        known.or_else(|| {
            let points = self.older.remove(address.as_str())?;
            self.insert(address, points.clone());
            Some(points)
        })
    }

    pub(super) fn insert(&mut self, address: &Address, points: Arc<IdentityPoints<P>>) {
        if self.recent.len() >= self.size {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(address.as_str().into(), points);
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::{NetworkId, Portable};

    use super::*;

    #[test]
    fn who_asks_stays_and_others_are_forgotten() {
        let [alice, bob, carol] = ["alice", "bob", "carol"]
            .map(|name| Address::parse(&format!("{name}@example.org")).unwrap());
        let network = NetworkId::from_bytes([1; 32]);
        let points = Arc::new(IdentityPoints::<Portable>::new(&network, &alice));
        let mut known = KnownPoints::with_size(1);
        for address in [&bob, &alice, &carol] {
            assert!(known.get(address).is_none());
            known.insert(address, points.clone());
        }
        assert!(known.get(&bob).is_none());
        assert!(known.get(&alice).is_some());
        known.insert(&bob, points);
        assert!(known.get(&alice).is_some() && known.get(&carol).is_none());
        assert!(known.recent.len() + known.older.len() <= 2);
    }
}
