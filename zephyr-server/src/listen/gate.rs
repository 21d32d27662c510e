//! Counts who is inside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::peer::Prefix;

/// Lets in at most so many at once, and at most so many of one prefix.
#[derive(Debug)]
pub(super) struct Gate {
    all: usize,
    per_prefix: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    /// Never longer than the number of connections, because nobody stays in it with 0.
    prefixes: HashMap<Prefix, usize>,
}

/// A place inside, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    gate: Arc<Gate>,
    prefix: Prefix,
}

impl Gate {
    pub fn new(all: usize, per_prefix: usize) -> Arc<Self> {
        Arc::new(Self { all, per_prefix, inside: Mutex::default() })
    }

    pub fn enter(self: &Arc<Self>, prefix: Prefix) -> Option<Place> {
        let mut inside = self.inside();
        let theirs = inside.prefixes.get(&prefix).copied().unwrap_or(0);
        if inside.all >= self.all || theirs >= self.per_prefix {
            return None;
        }
        inside.all += 1;
        inside.prefixes.insert(prefix, theirs + 1);
        Some(Place { gate: Arc::clone(self), prefix })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.all -= 1;
        if let Some(theirs) = inside.prefixes.get_mut(&self.prefix) {
            *theirs -= 1;
            if *theirs == 0 {
                inside.prefixes.remove(&self.prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn prefix(last: u8) -> Prefix {
        Prefix::of(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn places_are_limited_and_given_back() {
        let gate = Gate::new(3, 2);
        let first = gate.enter(prefix(1)).expect("an empty gate");
        let _second = gate.enter(prefix(1)).expect("the prefix's second place");
        assert!(gate.enter(prefix(1)).is_none());
        let third = gate.enter(prefix(2)).expect("another prefix");
        assert!(gate.enter(prefix(3)).is_none());
        drop(first);
        drop(third);
        assert!(gate.enter(prefix(1)).is_some());
        assert_eq!(gate.inside().prefixes.len(), 1);
    }
}
