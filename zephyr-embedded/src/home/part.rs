//! Fragments as they are kept.

use zephyr_core::{Address, Content};

use super::bytes::{Reader, Writer};

/// What is kept before a fragment's bytes, in bytes, without the sender.
pub(crate) const PART_HEADER: usize = 1 + 8 + 2 + 2 + 1;

/// A fragment of a message that has come. Its bytes stand in the buffer that was lent.
///
/// Fragments of a contact come in order, those of one message behind each other. A message that there is room for is
/// shown when it is whole, without others between its fragments; a longer one as it comes. Fragments of people who are
/// no contacts come in any order, and may come twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Who sent it; `None` if nobody says so.
    pub from: Option<Address>,
    /// What the message is.
    pub content: Content,
    /// The message's id, the same in all its fragments.
    pub message: u64,
    /// The fragment's index in the message.
    pub fragment: u16,
    /// How many fragments the message has.
    pub fragments: u16,
    /// How many bytes of the buffer it fills.
    pub len: usize,
}

/// Which fragment it is.
///
/// ```text
/// content u8 ‖ message u64 ‖ fragment u16 ‖ fragments u16 ‖ length of the sender u8 ‖ sender ‖ bytes
/// ```
/// A contact's has no sender: its key tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) content: Content,
    pub(super) message: u64,
    pub(super) fragment: u16,
    pub(super) fragments: u16,
}

impl Head {
    /// What comes before the sender, which has so many bytes.
    pub(super) fn write(&self, sender: usize) -> Writer<PART_HEADER> {
        let mut w = Writer::new();
        w.u8(self.content as u8).u64(self.message).u16(self.fragment).u16(self.fragments);
        w.u8(u8::try_from(sender).expect("addresses have at most 254 bytes"));
        w
    }

    /// With the length of the sender.
    pub(super) fn read(item: &[u8]) -> Option<(Self, usize)> {
        let mut r = Reader(item);
        let content = match r.u8()? {
            0 => Content::Text,
            1 => Content::File,
            _ => return None,
        };
        let (message, fragment, fragments) = (r.u64()?, r.u16()?, r.u16()?);
        let sender = r.u8()?.into();
        let head = Self { content, message, fragment, fragments };
        (fragment < fragments).then_some((head, sender))
    }

    /// The part in `item`'s first `len` bytes, of which only the fragment's own are left, at its start.
    pub(super) fn take_out(item: &mut [u8], len: usize) -> Option<(Self, Option<Address>, usize)> {
        let whole = item.get(..len)?;
        let (head, sender) = Self::read(whole)?;
        let sender = whole.get(PART_HEADER..PART_HEADER + sender)?;
        let body = PART_HEADER + sender.len();
        let from = match sender {
            [] => None,
            text => Some(Address::from_canonical(core::str::from_utf8(text).ok()?)?),
        };
        item.copy_within(body..len, 0);
        Some((head, from, len - body))
    }

    pub(super) fn part(self, from: Option<Address>, len: usize) -> Part {
        let Self { content, message, fragment, fragments } = self;
        Part { from, content, message, fragment, fragments, len }
    }
}
