//! Items by key that survive a reset.

/// The name of an item. The client makes them; a [`Storage`] only compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(crate) u32);

/// Items by key that survive a reset.
pub trait Storage {
    /// Why an item can't be read or written.
    type Error: core::fmt::Debug;

    /// Reads the item into the start of `out` and returns its length, or `None` if there is none.
    async fn load(&mut self, key: Key, out: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Writes the item. Atomic: after a loss of power it has its old value or the new one.
    async fn save(&mut self, key: Key, value: &[u8]) -> Result<(), Self::Error>;

    /// Removes the item, if there is one.
    async fn remove(&mut self, key: Key) -> Result<(), Self::Error>;
}
