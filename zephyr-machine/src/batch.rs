//! Many items of one size in one piece of memory.

use zephyr_core::MixerIndex;

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

/// The packets of one mix phase, and who sent which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    packets: Batch,
    /// The mixers in the order in which their packets stand, each with how many they are. Nobody's are clients'.
    from: Vec<(MixerIndex, usize)>,
}

impl Gathered {
    /// No packets yet, of `packet_len` bytes each.
    pub fn new(packet_len: usize) -> Self {
        Batch::new(packet_len).into()
    }

    /// Length in bytes of a packet.
    pub fn item_len(&self) -> usize {
        self.packets.item_len()
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there is no packet.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Appends a client's packet; only before those of mixers.
    ///
    /// # Panics
    /// If it has another length.
    pub fn push(&mut self, packet: &[u8]) {
        self.packets.push(packet);
    }

    /// Appends the packets of `mixer`.
    ///
    /// # Panics
    /// If they have another length.
    pub fn append(&mut self, mixer: MixerIndex, packets: &mut Batch) {
        self.from.push((mixer, packets.len()));
        self.packets.append(packets);
    }

    pub(crate) fn packets(&self) -> &Batch {
        &self.packets
    }

    pub(crate) fn packets_mut(&mut self) -> &mut Batch {
        &mut self.packets
    }

    /// The sender of each packet, in order: `None` for clients.
    pub(crate) fn senders(&self) -> impl Iterator<Item = Option<MixerIndex>> {
        let mixers = self.from.iter().flat_map(|&(m, n)| std::iter::repeat_n(Some(m), n));
        let clients = self.len() - self.from.iter().map(|(_, n)| n).sum::<usize>();
        std::iter::repeat_n(None, clients).chain(mixers)
    }
}

impl From<Batch> for Gathered {
    /// All of them clients'.
    fn from(packets: Batch) -> Self {
        Self { packets, from: Vec::new() }
    }
}
