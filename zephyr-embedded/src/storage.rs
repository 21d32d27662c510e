//! Items by key that survive a reset.

/// The name of an item. The client makes them; a [`Storage`] only compares them.
///
/// Keys are few and dense: 128 for the client itself, and 128 for each place for a contact. They are used again and
/// again, so that a storage can keep a mark for each that was ever used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u16);

impl Key {
    /// How many keys belong together.
    pub const GROUP: u16 = 128;

    /// Key `index`, less than [`GROUP`](Self::GROUP), of a group: group 0 is the client's, the others the contacts'.
    pub(crate) const fn new(group: u16, index: u16) -> Self {
        Self(group * Self::GROUP + index % Self::GROUP)
    }

    /// The number that it is.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Items by key that survive a reset. An empty item is the same as none.
pub trait Storage {
    /// Why an item can't be read or written.
    type Error: core::fmt::Debug;

    /// How many bytes the longest item may have.
    fn longest(&self) -> usize;

    /// How many bytes there are for all items together, each counted as [`cost`](Self::cost) says. While they take no
    /// more, saving never fails for want of room.
    fn capacity(&self) -> usize;

    /// How many of these bytes an item of `len` bytes takes; an item that was removed counts as one of 0 bytes.
    fn cost(&self, len: usize) -> usize;

    /// Reads the item into the start of `out` and returns its length, or `None` if there is none. If `out` is too short,
    /// it gets as much as it has room for.
    async fn load(&mut self, key: Key, out: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Writes the item: the slices behind each other. Atomic: after a loss of power it has its old value or the new one.
    async fn save(&mut self, key: Key, value: &[&[u8]]) -> Result<(), Self::Error>;

    /// Removes the item, if there is one. Atomic as well.
    async fn remove(&mut self, key: Key) -> Result<(), Self::Error>;

    /// Which of the [`Key::GROUP`] keys with the [numbers](Key::number) from `first` on have an item: the lowest bit is
    /// the first one's.
    async fn present(&mut self, first: Key) -> Result<u128, Self::Error>;
}
