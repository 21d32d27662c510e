//! Many items of one size, in pieces of memory that stay where they are.

use zephyr_core::MixerIndex;

/// A piece has at most so many bytes, or one item: so short that many cores find something to do in a small batch,
/// and that what a batch leaves empty does not count.
const PIECE_BYTES: usize = 32 * 1024;

/// Items of one size, one behind the other. It grows without moving what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    item_len: usize,
    /// All but the last are full.
    pieces: Vec<Vec<u8>>,
}

impl Batch {
    /// No items yet, of `item_len` bytes (at least 1) each.
    pub fn new(item_len: usize) -> Self {
        assert!(item_len > 0, "items have at least one byte");
        Self { item_len, pieces: Vec::new() }
    }

    /// Length in bytes of an item.
    pub fn item_len(&self) -> usize {
        self.item_len
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        let Some((last, full)) = self.pieces.split_last() else { return 0 };
        full.len() * per_piece(self.item_len) + last.len() / self.item_len
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends an item.
    ///
    /// # Panics
    /// If it has another length.
    pub fn push(&mut self, item: &[u8]) {
        assert_eq!(item.len(), self.item_len, "all items have one size");
        self.piece().extend_from_slice(item);
    }

    /// Appends an item of zeros and lends it.
    pub fn push_zeros(&mut self) -> &mut [u8] {
        self.grow(1)
    }

    /// Appends at most `items` items of zeros (at least 1), as many as have their place next to each other, and lends them.
    pub fn grow(&mut self, items: usize) -> &mut [u8] {
        let (item_len, full) = (self.item_len, per_piece(self.item_len) * self.item_len);
        let piece = self.piece();
        let start = piece.len();
        piece.resize(full.min(start + items.max(1) * item_len), 0);
        &mut piece[start..]
    }

    /// A piece with room for an item.
    fn piece(&mut self) -> &mut Vec<u8> {
        let full = per_piece(self.item_len) * self.item_len;
        if self.pieces.last().is_none_or(|piece| piece.len() == full) {
            // A small batch is to take little memory.
            let capacity = if self.pieces.is_empty() { 0 } else { full };
            self.pieces.push(Vec::with_capacity(capacity));
        }
        self.pieces.last_mut().expect("just made")
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.pieces.iter().flat_map(|piece| piece.chunks_exact(self.item_len))
    }

    /// The items in pieces of at most 32 KiB, or of one item, each with its items one behind the other.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Vec::as_slice)
    }

    pub(crate) fn into_pieces(self) -> Vec<Vec<u8>> {
        self.pieces
    }
}

/// How many items of `item_len` bytes a full piece has.
pub(crate) const fn per_piece(item_len: usize) -> usize {
    if item_len < PIECE_BYTES { PIECE_BYTES / item_len } else { 1 }
}

/// The packets of one mix phase, and who sent which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    clients: Batch,
    mixers: Vec<(MixerIndex, Batch)>,
}

impl Gathered {
    /// No packets yet, of `packet_len` bytes each.
    pub fn new(packet_len: usize) -> Self {
        Batch::new(packet_len).into()
    }

    /// Length in bytes of a packet.
    pub fn item_len(&self) -> usize {
        self.clients.item_len()
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.clients.len() + self.mixers.iter().map(|(_, batch)| batch.len()).sum::<usize>()
    }

    /// Whether there is no packet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a client's packet.
    ///
    /// # Panics
    /// If it has another length.
    pub fn push(&mut self, packet: &[u8]) {
        self.clients.push(packet);
    }

    /// Adds the packets of `mixer`, which stay where they are.
    ///
    /// # Panics
    /// If they have another length.
    pub fn add(&mut self, mixer: MixerIndex, packets: Batch) {
        assert_eq!(packets.item_len(), self.item_len(), "all items have one size");
        self.mixers.push((mixer, packets));
    }

    /// The packets by who sent them: `None` for clients.
    pub(crate) fn into_batches(self) -> impl Iterator<Item = (Option<MixerIndex>, Batch)> {
        let mixers = self.mixers.into_iter().map(|(mixer, batch)| (Some(mixer), batch));
        std::iter::once((None, self.clients)).chain(mixers)
    }
}

impl From<Batch> for Gathered {
    /// All of them clients'.
    fn from(packets: Batch) -> Self {
        Self { clients: packets, mixers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_grows_by_many_is_the_same_as_one_that_grows_one_by_one() {
        for (item_len, items) in [(1, 70_000), (700, 200), (PIECE_BYTES + 1, 3)] {
            let mut pushed = Batch::new(item_len);
            (0..items).for_each(|i| pushed.push(&vec![i as u8; item_len]));
            for step in [0, 1, 7, 65_535] {
                let (mut grown, mut i) = (Batch::new(item_len), 0);
                while i < items {
                    for item in grown.grow(step.min(items - i)).chunks_exact_mut(item_len) {
                        item.fill(i as u8);
                        i += 1;
                    }
                }
                assert!(grown == pushed, "{item_len} bytes, {step} at a time");
                assert_eq!(grown.len(), items);
            }
        }
    }
}
