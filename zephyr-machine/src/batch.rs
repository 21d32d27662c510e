//! Many items of one size in one piece of memory.

/// Items of one size, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    item_len: usize,
    bytes: Vec<u8>,
}

impl Batch {
    /// No items yet, of `item_len` bytes (at least 1) each.
    pub fn new(item_len: usize) -> Self {
        assert!(item_len > 0, "items have at least one byte");
        Self { item_len, bytes: Vec::new() }
    }

    /// Length in bytes of an item.
    pub fn item_len(&self) -> usize {
        self.item_len
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.item_len
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends an item.
    ///
    /// # Panics
    /// If it has another length.
    pub fn push(&mut self, item: &[u8]) {
        assert_eq!(item.len(), self.item_len, "all items have one size");
        self.bytes.extend_from_slice(item);
    }

    /// Appends an item of zeros and lends it.
    pub fn push_zeros(&mut self) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.resize(start + self.item_len, 0);
        &mut self.bytes[start..]
    }

    /// Appends all items of another batch of the same size.
    pub fn append(&mut self, other: &mut Self) {
        assert_eq!(other.item_len, self.item_len, "all items have one size");
        self.bytes.append(&mut other.bytes);
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.bytes.get(index * self.item_len..)?.get(..self.item_len)
    }

    /// The items in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.bytes.chunks_exact(self.item_len)
    }

    /// The items in order, in at most `parts` parts of nearly one size, to be worked on side by side.
    pub fn parts_mut(&mut self, parts: usize) -> std::slice::ChunksMut<'_, u8> {
        let items = self.len().div_ceil(parts.max(1)).max(1);
        self.bytes.chunks_mut(items * self.item_len)
    }
}
