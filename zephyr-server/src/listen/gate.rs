//! Counts who is inside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::peer::Prefix;

/// Lets in at most so many at once, and at most so many of one prefix.
#[derive(Debug, Default)]
pub(super) struct Gate {
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
    /// Lets one more in, unless there are `all` already, or `per_prefix` of its prefix.
    pub fn enter(self: &Arc<Self>, prefix: Prefix, all: usize, per_prefix: usize) -> Option<Place> {
        let mut inside = self.inside();
        let theirs = inside.prefixes.get(&prefix).copied().unwrap_or(0);
        if inside.all >= all || theirs >= per_prefix {
            return None;
        }
        inside.all += 1;
        inside.prefixes.insert(prefix, theirs + 1);
        Some(Place { gate: Arc::clone(self), prefix })
    }

    /// How many are inside.
    pub fn count(&self) -> usize {
        self.inside().all
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
        let gate = Arc::new(Gate::default());
        let enter = |last| gate.enter(prefix(last), 3, 2);
        let first = enter(1).expect("an empty gate");
        let _second = enter(1).expect("the prefix's second place");
        assert!(enter(1).is_none());
        let third = enter(2).expect("another prefix");
        assert!(enter(3).is_none());
        assert_eq!(gate.count(), 3);
        drop(first);
        drop(third);
        assert!(enter(1).is_some());
        assert_eq!(gate.inside().prefixes.len(), 1);
    }
}
