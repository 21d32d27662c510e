//! Codes that were mailed and have not come back.

use std::collections::HashMap;

use subtle::ConstantTimeEq;
use zephyr_core::wire::PkgRefusal;
use zephyr_core::{Address, ClientKey};

use super::PkgRules;

/// A code that is waited for. There is one for each address *and key*: whoever starts a registration for somebody
/// else's address neither invalidates the owner's code nor uses up its tries.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    code_hash: [u8; 32],
    /// On the machine's clock.
    expires: u64,
    tries_left: u8,
    used: bool,
}

/// What a right code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Used now.
    First,
    /// Sent again, because the reply was lost, or as an attack.
    Again,
}

type Keys = Vec<(ClientKey, Pending)>;

pub(super) struct Pendings {
    table: HashMap<Address, Keys>,
    len: usize,
    max: usize,
    lifetime: u64,
    tries: u8,
    /// When it is worth looking for expired ones again.
    sweep_at: u64,
}

impl Pendings {
    pub(super) fn new(rules: &PkgRules) -> Self {
        Self {
            table: HashMap::new(),
            len: 0,
            max: rules.max_pendings,
            lifetime: rules.code_lifetime_ms,
            tries: rules.tries,
            sweep_at: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Makes sure that a code for `address` and `key` can be inserted. Only expired ones make room: a flood of
    /// registrations keeps new ones out for a while, but does not throw out a code that somebody waits for.
    pub(super) fn make_room(
        &mut self,
        address: &Address,
        key: &ClientKey,
        now: u64,
    ) -> Result<(), PkgRefusal> {
        if self.len < self.max || self.get(address, key).is_some() {
            return Ok(());
        }
        // A sweep costs as much as the table is long: at most one a second.
        if now >= self.sweep_at {
            self.sweep_at = now.saturating_add(1_000);
            self.retain(|pending| pending.expires > now);
        }
        if self.len < self.max { Ok(()) } else { Err(PkgRefusal::Busy) }
    }

    /// Inserts a code and returns the one that it replaces.
    pub(super) fn insert(
        &mut self,
        address: &Address,
        key: ClientKey,
        code_hash: [u8; 32],
        now: u64,
    ) -> Option<Pending> {
        let expires = now.saturating_add(self.lifetime);
        let pending = Pending { code_hash, expires, tries_left: self.tries, used: false };
        let keys = self.table.entry(address.clone()).or_default();
        match keys.iter_mut().find(|(k, _)| *k == key) {
            Some((_, slot)) => Some(std::mem::replace(slot, pending)),
            None => {
                keys.push((key, pending));
                self.len += 1;
                None
            }
        }
    }

    /// Tries a code.
    pub(super) fn attempt(
        &mut self,
        address: &Address,
        key: &ClientKey,
        code_hash: &[u8; 32],
        now: u64,
    ) -> Result<Attempt, PkgRefusal> {
        let pending = self.get(address, key).ok_or(PkgRefusal::NoCode)?;
        if pending.expires <= now || pending.tries_left == 0 {
            return Err(PkgRefusal::NoCode);
        }
        if !bool::from(pending.code_hash.ct_eq(code_hash)) {
            pending.tries_left -= 1;
            return Err(PkgRefusal::WrongCode { tries_left: pending.tries_left });
        }
        let again = std::mem::replace(&mut pending.used, true);
        Ok(if again { Attempt::Again } else { Attempt::First })
    }

    /// The code's use was not carried out: it can be used once more.
    pub(super) fn unuse(&mut self, address: &Address, key: &ClientKey) {
        if let Some(pending) = self.get(address, key) {
            pending.used = false;
        }
    }

    /// The code was not mailed: back to the one before it.
    pub(super) fn restore(
        &mut self,
        address: &Address,
        key: &ClientKey,
        previous: Option<Pending>,
    ) {
        if let (Some(slot), Some(previous)) = (self.get(address, key), previous) {
            *slot = previous;
        } else {
            self.remove(address, key);
        }
    }

    fn get(&mut self, address: &Address, key: &ClientKey) -> Option<&mut Pending> {
        self.table.get_mut(address)?.iter_mut().find(|(k, _)| k == key).map(|(_, pending)| pending)
    }

    fn remove(&mut self, address: &Address, key: &ClientKey) {
        let Some(keys) = self.table.get_mut(address) else { return };
        let before = keys.len();
        keys.retain(|(k, _)| k != key);
        self.len -= before - keys.len();
        if keys.is_empty() {
            self.table.remove(address);
        }
    }

    fn retain(&mut self, mut keep: impl FnMut(&Pending) -> bool) {
        self.table.retain(|_, keys| {
            keys.retain(|(_, pending)| keep(pending));
            !keys.is_empty()
        });
        self.len = self.table.values().map(Vec::len).sum();
    }
}
