//! Contacts, who holds which slot, and the tags by which their messages are found.

use crate::crypto::pairing::Pairing;
use crate::crypto::suite::Suite;
use crate::ibe::PrivateKey;
use crate::identity::{Address, Identity};
use crate::ids::{DirectoryHash, Round};
use crate::seal::{SenderKey, TAG_SIZE, Tag};

use super::ROUNDS_IN_FLIGHT;

/// The number of a contact, never given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContactId(u32);

/// A contact in lent memory.
pub struct Contact<P: Pairing> {
    id: ContactId,
    identity: Identity<P>,
    /// The keys under which it writes to the user, one for each round in flight.
    keys: [Option<SenderKey>; ROUNDS_IN_FLIGHT],
    /// The key under which the user writes to it in the round being submitted.
    own_key: Option<SenderKey>,
}

/// A place in the table of tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagEntry {
    tag: Tag,
    contact: u16,
    slot: u16,
    used: bool,
}

impl TagEntry {
    /// What an unused place holds.
    pub const EMPTY: Self = Self { tag: [0; TAG_SIZE], contact: 0, slot: 0, used: false };
}

/// A message's tag found in the table.
pub(super) struct Hit<'c> {
    /// Its place in the table.
    pub(super) entry: usize,
    pub(super) sender: &'c Address,
    pub(super) key: &'c SenderKey,
    pub(super) slot: u16,
    /// The message with this tag has been opened.
    pub(super) used: bool,
}

/// Contacts with their tags of the rounds in flight.
pub(super) struct Contacts<'a, S: Suite> {
    contacts: &'a mut [Option<Contact<S::Pairing>>],
    /// A part for each round in flight, sorted by tag as far as it is filled.
    tags: &'a mut [TagEntry],
    filled: [usize; ROUNDS_IN_FLIGHT],
    slots: usize,
    next_id: u32,
}

impl<'a, S: Suite> Contacts<'a, S> {
    pub(super) fn new(
        contacts: &'a mut [Option<Contact<S::Pairing>>],
        tags: &'a mut [TagEntry],
        slots: usize,
    ) -> Self {
        Self { contacts, tags, filled: [0; ROUNDS_IN_FLIGHT], slots, next_id: 0 }
    }

    pub(super) fn add(&mut self, identity: Identity<S::Pairing>) -> bool {
        if self.find(identity.address()).is_some() {
            return true;
        }
        match self.contacts.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                let keys = [const { None }; ROUNDS_IN_FLIGHT];
                *place =
                    Some(Contact { id: ContactId(self.next_id), identity, keys, own_key: None });
                self.next_id = self.next_id.wrapping_add(1);
                true
            }
            None => false,
        }
    }

    pub(super) fn remove(&mut self, address: &Address) {
        if let Some(index) = self.find(address) {
            self.remove_at(index);
        }
    }

    pub(super) fn retain(&mut self, kept: impl Fn(&Address) -> bool) {
        for index in 0..self.contacts.len() {
            if self.contacts[index].as_ref().is_some_and(|c| !kept(c.identity.address())) {
                self.remove_at(index);
            }
        }
    }

    fn remove_at(&mut self, index: usize) {
        self.contacts[index] = None;
        let part = self.contacts.len() * self.slots;
        for (place, filled) in self.filled.iter_mut().enumerate() {
            let tags = &mut self.tags[place * part..][..*filled];
            let mut kept = 0;
            for i in 0..tags.len() {
                if usize::from(tags[i].contact) != index {
                    tags[kept] = tags[i];
                    kept += 1;
                }
            }
            *filled = kept;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.contacts.iter().flatten().count()
    }

    pub(super) fn find(&self, address: &Address) -> Option<usize> {
        self.contacts
            .iter()
            .position(|c| c.as_ref().is_some_and(|c| c.identity.address() == address))
    }

    /// The contact with this number, if it still is one, and the key under which the user writes to it.
    pub(super) fn recipient(&self, id: ContactId) -> Option<(&Identity<S::Pairing>, &SenderKey)> {
        let contact = self.contacts.iter().flatten().find(|c| c.id == id)?;
        Some((&contact.identity, contact.own_key.as_ref()?))
    }

    /// Computes the key under which `own` writes to the contact in the round being submitted (one pairing). `false`
    /// if it is there.
    pub(super) fn compute_own_key(
        &mut self,
        id: ContactId,
        own: &Address,
        key: &PrivateKey<S::Pairing>,
    ) -> bool {
        let contact = self.contacts.iter_mut().flatten().find(|c| c.id == id);
        let Some(contact) = contact.filter(|c| c.own_key.is_none()) else { return false };
        contact.own_key = Some(SenderKey::to(own, key, &contact.identity));
        true
    }

    /// Erases the keys of the round being submitted.
    pub(super) fn forget_own_keys(&mut self) {
        self.contacts.iter_mut().flatten().for_each(|contact| contact.own_key = None);
    }

    /// Whether the tags of all messages that `sender` can send as a contact in the round in `place` are known.
    pub(super) fn has_tags(&self, place: usize, sender: &Address) -> bool {
        let contact = self.find(sender).and_then(|index| self.contacts[index].as_ref());
        contact.is_some_and(|c| c.keys[place].is_some())
    }

    /// Who holds `slot` in `round`. With no more contacts than slots everybody holds at least one in every
    /// round; with more they take turns by the round's number. What anybody has to say plays no part.
    pub(super) fn holder(&self, round: Round, slot: u8) -> Option<(ContactId, &Address)> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let slot = usize::from(slot);
        let turn = if count <= self.slots {
            slot % count
        } else {
            let turns = u128::from(round.0) * self.slots as u128 + slot as u128;
            (turns % count as u128) as usize
        };
        self.contacts.iter().flatten().nth(turn).map(|c| (c.id, c.identity.address()))
    }

    /// Computes the next contact's key and tags of the round in `place` (one pairing). `false` when all are there.
    pub(super) fn compute_next(
        &mut self,
        place: usize,
        own: &Address,
        key: &PrivateKey<S::Pairing>,
        directory: &DirectoryHash,
    ) -> bool {
        let part = self.contacts.len() * self.slots;
        let next = self.contacts.iter_mut().enumerate().find_map(|(i, contact)| {
            contact.as_mut().filter(|c| c.keys[place].is_none()).map(|c| (i, c))
        });
        let Some((index, contact)) = next else { return false };
        let sender_key = SenderKey::from(&contact.identity, own, key);
        let tags = &mut self.tags[place * part..(place + 1) * part];
        for slot in 0..self.slots as u16 {
            let tag = sender_key.tag(directory, slot);
            tags[self.filled[place]] = TagEntry { tag, contact: index as u16, slot, used: false };
            self.filled[place] += 1;
        }
        tags[..self.filled[place]].sort_unstable();
        contact.keys[place] = Some(sender_key);
        true
    }

    /// Who sent a message with `tag`; `None` if no contact did.
    pub(super) fn look_up(&self, place: usize, tag: &Tag) -> Option<Hit<'_>> {
        let start = place * self.contacts.len() * self.slots;
        let tags = &self.tags[start..][..self.filled[place]];
        let found = tags.binary_search_by(|entry| entry.tag.cmp(tag)).ok()?;
        let TagEntry { contact, slot, used, .. } = tags[found];
        let contact = self.contacts[usize::from(contact)].as_ref()?;
        let key = contact.keys[place].as_ref()?;
        Some(Hit { entry: start + found, sender: contact.identity.address(), key, slot, used })
    }

    /// The message with the tag in the table's `entry` has been opened: copies of it are ignored.
    pub(super) fn mark_used(&mut self, entry: usize) {
        self.tags[entry].used = true;
    }

    /// Erases the keys and tags of the round in `place`.
    pub(super) fn forget(&mut self, place: usize) {
        for contact in self.contacts.iter_mut().flatten() {
            contact.keys[place] = None;
        }
        self.filled[place] = 0;
    }
}
