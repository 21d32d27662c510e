//! Parts from people who are no contacts. Nobody acknowledges them, so their senders send them again and again: what was
//! shown is known by a digest, as long as few others come.

use zephyr_core::{Address, Content, Payload};

use crate::error::Error;
use crate::storage::Storage;

use super::bytes::Writer;
use super::part::{Head, PART_HEADER, Part};
use super::{Home, keys, load};

/// How many parts are known again.
const SEEN: usize = 32;
/// The item's length in bytes.
pub(super) const SEEN_SIZE: usize = 4 * SEEN;

/// The parts that wait have successive indices.
pub(super) struct Strangers {
    head: u16,
    len: u16,
    /// The newest last. What waits is among them.
    seen: [u32; SEEN],
}

impl Strangers {
    pub(super) async fn load<S: Storage>(storage: &mut S) -> Result<Self, Error<S::Error>> {
        let present = storage.present(keys::OWN).await.map_err(Error::Storage)?;
        let here = keys::strangers(present);
        let is_here = |index: u16| here & 1 << (index % keys::STRANGERS) != 0;
        let first = |index: &u16| is_here(*index) && !is_here(index + keys::STRANGERS - 1);
        let head = (0..keys::STRANGERS).find(first).unwrap_or(0);
        let len = (head..head + keys::STRANGERS).take_while(|&index| is_here(index)).count() as u16;
        let mut strangers = Self { head, len, seen: [0; SEEN] };
        if let Some(seen) = load::<S, SEEN_SIZE>(storage, keys::SEEN).await? {
            for (digest, bytes) in strangers.seen.iter_mut().zip(seen.as_chunks().0) {
                *digest = u32::from_be_bytes(*bytes);
            }
        }
        for index in head..head + len {
            let mut item = [0; PART_HEADER + zephyr_core::MAX_ADDRESS];
            let key = keys::stranger(index);
            storage.load(key, &mut item).await.map_err(Error::Storage)?.ok_or(Error::Damaged)?;
            let (head, sender) = Head::read(&item).ok_or(Error::Damaged)?;
            let sender = item.get(PART_HEADER..PART_HEADER + sender).ok_or(Error::Damaged)?;
            strangers.note(digest(sender, &head));
        }
        Ok(strangers)
    }

    pub(super) fn has_seen(&self, sender: Option<&Address>, head: &Head) -> bool {
        self.seen.contains(&digest(bytes(sender), head))
    }

    fn note(&mut self, digest: u32) {
        if !self.seen.contains(&digest) {
            self.seen.copy_within(1.., 0);
            self.seen[SEEN - 1] = digest;
        }
    }
}

impl<S: Storage> Home<'_, S> {
    /// Whether it was kept.
    pub(super) async fn receive_stranger(
        &mut self,
        payload: &Payload<'_>,
    ) -> Result<bool, Error<S::Error>> {
        let header = &payload.header;
        let head = Head {
            content: header.content,
            message: header.message,
            fragment: header.fragment,
            fragments: header.fragments,
        };
        let sender = header.sender.as_ref();
        if header.content == Content::Empty || self.strangers.has_seen(sender, &head) {
            return Ok(true);
        }
        let sender = bytes(sender);
        let before = head.write(sender.len());
        let item = [before.bytes(), sender, payload.body];
        let len = item.iter().map(|slice| slice.len()).sum::<usize>();
        // One place stays free, to tell the first from the last.
        if self.strangers.len + 1 >= keys::STRANGERS || len > self.storage.longest() {
            return Ok(false);
        }
        let key = keys::stranger(self.strangers.head + self.strangers.len);
        self.storage.save(key, &item).await.map_err(Error::Storage)?;
        self.strangers.len += 1;
        self.strangers.note(digest(sender, &head));
        Ok(true)
    }

    pub(super) async fn stranger_part(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<Option<Part>, Error<S::Error>> {
        if self.strangers.len == 0 {
            return Ok(None);
        }
        let key = keys::stranger(self.strangers.head);
        let len = self.storage.load(key, buffer).await.map_err(Error::Storage)?;
        let len = len.ok_or(Error::Damaged)?;
        if len > buffer.len() {
            let (needed, given) = (len, buffer.len());
            return Err(Error::TooSmall { what: "buffer for a part", needed, given });
        }
        let (head, from, len) = Head::take_out(buffer, len).ok_or(Error::Damaged)?;
        Ok(Some(head.part(from, len)))
    }

    /// The first one is known again from now on, and erased.
    pub(super) async fn stranger_taken(&mut self) -> Result<(), Error<S::Error>> {
        let mut w = Writer::<SEEN_SIZE>::new();
        for digest in self.strangers.seen {
            w.u32(digest);
        }
        self.storage.save(keys::SEEN, &[w.bytes()]).await.map_err(Error::Storage)?;
        let key = keys::stranger(self.strangers.head);
        self.storage.remove(key).await.map_err(Error::Storage)?;
        self.strangers.head = (self.strangers.head + 1) % keys::STRANGERS;
        self.strangers.len -= 1;
        Ok(())
    }
}

fn bytes(sender: Option<&Address>) -> &[u8] {
    sender.map_or(&[], |sender| sender.as_bytes())
}

/// FNV-1a. No one but its sender can make it match another part's: message ids are random.
fn digest(sender: &[u8], head: &Head) -> u32 {
    let message = head.message.to_be_bytes();
    let fragment = head.fragment.to_be_bytes();
    let all = sender.iter().chain(&message).chain(&fragment);
    all.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
