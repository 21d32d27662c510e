//! Messages for the user, set aside until no server is connected.
//!
//! Opening one takes as long as skipping thousands of others. Done at once, that would show in the pace at which the
//! mailbox is read, and tell its server which message it was.

use zeroize::Zeroize;

use crate::seal::OwnMessage;

/// Which round in flight it is of, and the digest of what is from no contact.
const HEADER: usize = 1 + OwnMessage::SIZE;
/// What is from a contact.
const TAGGED: u8 = 0x80;

pub(super) struct Held<'a> {
    memory: &'a mut [u8],
    /// Length in bytes of one with its header.
    each: usize,
    count: usize,
}

/// One of them: `message` is its bytes, shared or not.
pub(super) struct Entry<M> {
    pub(super) place: usize,
    /// `None` for what bears a contact's tag.
    pub(super) own: Option<OwnMessage>,
    pub(super) message: M,
}

impl<M> Entry<M> {
    fn new(header: &[u8], message: M) -> Self {
        let tagged = header[0] & TAGGED != 0;
        let own = (!tagged).then(|| OwnMessage::from_bytes(&header[1..]));
        Self { place: usize::from(header[0] & !TAGGED), own, message }
    }
}

impl<'a> Held<'a> {
    /// Length in bytes of the memory for `count` messages.
    pub(super) fn len(sealed_len: usize, count: usize) -> usize {
        count * (HEADER + sealed_len)
    }

    pub(super) fn new(memory: &'a mut [u8], sealed_len: usize) -> Self {
        Self { memory, each: Self::len(sealed_len, 1), count: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there is one of the round in `place`.
    pub(super) fn has(&self, place: usize) -> bool {
        self.all().any(|held| usize::from(held[0] & !TAGGED) == place)
    }

    /// Sets a message aside, if there is room; what is not is sent again by whoever sent it. What contacts send goes
    /// before what others send.
    pub(super) fn push(&mut self, place: usize, own: Option<&OwnMessage>, message: &[u8]) {
        let full = (self.count + 1) * self.each > self.memory.len();
        let at = match own {
            _ if !full => self.count,
            Some(_) => return,
            None => match self.all().position(|held| held[0] & TAGGED == 0) {
                Some(at) => at,
                None => return,
            },
        };
        self.count = self.count.max(at + 1);
        let held = &mut self.memory[at * self.each..][..self.each];
        let (header, rest) = held.split_at_mut(HEADER);
        rest.copy_from_slice(message);
        header[0] = place as u8;
        match own {
            Some(own) => header[1..].copy_from_slice(own.as_bytes()),
            None => header[0] |= TAGGED,
        }
    }

    /// The last one.
    pub(super) fn last(&self) -> Option<Entry<&[u8]>> {
        let (header, message) = self.all().last()?.split_at(HEADER);
        Some(Entry::new(header, message))
    }

    /// Takes the last one out. Whatever was taken before it is erased.
    pub(super) fn pop(&mut self) -> Option<Entry<&mut [u8]>> {
        let (held, taken) = self.memory.split_at_mut(self.count * self.each);
        let erased = taken.len().min(self.each);
        taken[..erased].zeroize();
        let at = held.len().checked_sub(self.each)?;
        self.count -= 1;
        let (header, message) = held[at..].split_at_mut(HEADER);
        Some(Entry::new(header, message))
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.memory.chunks_exact(self.each).take(self.count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.memory.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 5;

    fn own(byte: u8) -> OwnMessage {
        OwnMessage::from_bytes(&[byte; OwnMessage::SIZE])
    }

    #[test]
    fn what_is_set_aside_comes_out_with_its_round() {
        let mut memory = [0; 2 * (HEADER + LEN)];
        let mut held = Held::new(&mut memory, LEN);
        held.push(3, None, b"first");
        held.push(0, Some(&own(9)), b"other");
        assert!(held.has(3) && held.has(0) && !held.has(1));
        let taken = held.pop().expect("there are two");
        assert_eq!((taken.place, &*taken.message), (0, &b"other"[..]));
        assert_eq!(taken.own.expect("of no contact").as_bytes(), &[9; OwnMessage::SIZE]);
        let taken = held.pop().expect("there is one");
        assert_eq!((taken.place, &*taken.message), (3, &b"first"[..]));
        assert!(taken.own.is_none());
        assert!(held.pop().is_none() && held.is_empty() && !held.has(3));
    }

    #[test]
    fn contacts_push_strangers_out_and_strangers_nobody() {
        let mut memory = [0; 2 * (HEADER + LEN)];
        let mut held = Held::new(&mut memory, LEN);
        held.push(0, Some(&own(1)), b"one..");
        held.push(0, None, b"two..");
        held.push(0, Some(&own(2)), b"three");
        held.push(0, None, b"four.");
        held.push(0, None, b"five.");
        assert_eq!(held.pop().map(|t| t.message.to_vec()), Some(b"two..".to_vec()));
        assert_eq!(held.pop().map(|t| t.message.to_vec()), Some(b"four.".to_vec()));
        assert!(held.pop().is_none());
    }

    #[test]
    fn nothing_stays_in_the_memory() {
        let mut memory = [0; 2 * (HEADER + LEN) + 1];
        let mut held = Held::new(&mut memory, LEN);
        held.push(1, None, b"first");
        held.push(1, Some(&own(1)), b"other");
        let _ = held.pop();
        let _ = held.pop();
        assert!(held.memory[HEADER + LEN..].iter().all(|&byte| byte == 0));
        drop(held);
        assert_eq!(memory, [0; 2 * (HEADER + LEN) + 1]);
    }

    #[test]
    fn without_memory_nothing_is_set_aside() {
        let mut held = Held::new(&mut [], LEN);
        held.push(0, None, b"first");
        assert!(held.is_empty() && held.pop().is_none());
    }
}
