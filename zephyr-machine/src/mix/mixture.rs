//! What comes out of a phase, in its new order: some of it while the rest is still being peeled.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use zephyr_core::{MixerIndex, Next};

use crate::batch::{Batch, per_piece};

/// Peeled packets and messages, and where each of them goes.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// `None` for what was dropped.
    pub(super) next: Vec<Option<Next>>,
}

/// All packets and messages that a phase was begun with, in their new order. Its pieces become readable one after
/// the other.
struct Mixture {
    item_len: usize,
    pieces: Vec<OnceLock<Piece>>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Nothing more will come, and something is missing.
    broken: bool,
    readers: Vec<Waker>,
}

/// The work ended before everything was peeled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the phase was not mixed to its end")]
pub struct Broken;

impl Mixture {
    fn new(item_len: usize, pieces: usize) -> Self {
        let pieces = (0..pieces).map(|_| OnceLock::new()).collect();
        Self { item_len, pieces, waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Piece `k` as soon as it is there; `None` behind the last.
    async fn piece(&self, k: usize) -> Result<Option<&Piece>, Broken> {
        let Some(slot) = self.pieces.get(k) else { return Ok(None) };
        poll_fn(|context| {
            let mut waiting = self.waiting();
            match slot.get() {
                Some(piece) => Poll::Ready(Ok(Some(piece))),
                None if waiting.broken => Poll::Ready(Err(Broken)),
                None => {
                    waiting.readers.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn item<'a>(&self, piece: &'a Piece, place: usize) -> &'a [u8] {
        &piece.bytes[place * self.item_len..][..self.item_len]
    }
}

/// Fills a mixture. Dropped before it is whole, it leaves the readers with an error.
pub(super) struct Filling {
    mixture: Arc<Mixture>,
    filled: usize,
}

impl Filling {
    pub(super) fn new(item_len: usize, pieces: usize) -> Self {
        Self { mixture: Arc::new(Mixture::new(item_len, pieces)), filled: 0 }
    }

    /// The packets in it that go to a mixer.
    pub(super) fn packets(&self, to: MixerIndex) -> Packets {
        Packets { mixture: self.mixture.clone(), to }
    }

    /// The messages at these places, of which the first `len` bytes count.
    pub(super) fn messages(&self, places: Vec<u32>, len: usize) -> Messages {
        Messages { mixture: self.mixture.clone(), places: places.into(), len }
    }

    /// Adds the next piece.
    pub(super) fn put(&mut self, piece: Piece) {
        if self.mixture.pieces[self.filled].set(piece).is_ok() {
            self.filled += 1;
        }
        self.wake(false);
    }

    fn wake(&self, broken: bool) {
        let mut waiting = self.mixture.waiting();
        waiting.broken |= broken;
        waiting.readers.drain(..).for_each(Waker::wake);
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.wake(self.filled < self.mixture.pieces.len());
    }
}

/// The packets that a phase gives to one mixer.
#[derive(Clone)]
pub struct Packets {
    mixture: Arc<Mixture>,
    to: MixerIndex,
}

impl Packets {
    /// Length in bytes of a packet.
    pub fn item_len(&self) -> usize {
        self.mixture.item_len
    }

    /// The packets in piece `k` of what is mixed, as soon as it is peeled; `None` behind the last piece.
    ///
    /// # Errors
    /// What follows will never be there.
    pub async fn piece(
        &self,
        k: usize,
    ) -> Result<Option<impl Iterator<Item = &[u8]> + Send>, Broken> {
        Ok(self.mixture.piece(k).await?.map(|piece| self.of(piece)))
    }

    fn of<'a>(&'a self, piece: &'a Piece) -> impl Iterator<Item = &'a [u8]> + Send {
        let next = piece.next.iter().enumerate();
        next.filter(|(_, next)| **next == Some(Next::Mixer(self.to)))
            .map(|(place, _)| self.mixture.item(piece, place))
    }

    /// The packets that are peeled, in order: all of them once the phase is mixed.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.mixture.pieces.iter().map_while(OnceLock::get).flat_map(|piece| self.of(piece))
    }

    /// How many of them are peeled.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether none of them is peeled.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// A copy of those that are peeled.
    pub fn to_batch(&self) -> Batch {
        copy(self.item_len(), self.iter())
    }
}

impl From<Batch> for Packets {
    fn from(batch: Batch) -> Self {
        let to = MixerIndex(0);
        Self { mixture: Arc::new(whole(batch, Next::Mixer(to))), to }
    }
}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packets").field("to", &self.to).finish_non_exhaustive()
    }
}

/// The messages that a phase gives to one mailbox: an order over what it has mixed.
#[derive(Clone)]
pub struct Messages {
    mixture: Arc<Mixture>,
    places: Arc<[u32]>,
    len: usize,
}

impl Messages {
    /// Length in bytes of a message.
    pub fn item_len(&self) -> usize {
        self.len
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone + Send {
        self.places.iter().map(|&place| self.get(place as usize))
    }

    fn get(&self, place: usize) -> &[u8] {
        let stride = per_piece(self.mixture.item_len);
        let piece = self.mixture.pieces[place / stride].get();
        let piece = piece.expect("messages are sorted when everything is peeled");
        &self.mixture.item(piece, place % stride)[..self.len]
    }

    /// A copy of them.
    pub fn to_batch(&self) -> Batch {
        copy(self.len, self.iter())
    }
}

impl From<Batch> for Messages {
    fn from(batch: Batch) -> Self {
        let (len, places) = (batch.item_len(), (0..batch.len() as u32).collect());
        Self { mixture: Arc::new(whole(batch, Next::Mixer(MixerIndex(0)))), places, len }
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("count", &self.len()).finish_non_exhaustive()
    }
}

/// A mixture of what is there already, all of which goes to `next`.
fn whole(batch: Batch, next: Next) -> Mixture {
    let item_len = batch.item_len();
    let pieces = batch.into_pieces().into_iter().map(|bytes| {
        let next = vec![Some(next); bytes.len() / item_len];
        OnceLock::from(Piece { bytes, next })
    });
    Mixture { item_len, pieces: pieces.collect(), waiting: Mutex::default() }
}

fn copy<'a>(item_len: usize, items: impl Iterator<Item = &'a [u8]>) -> Batch {
    let mut batch = Batch::new(item_len);
    items.for_each(|item| batch.push(item));
    batch
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Wake};

    use super::*;

    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn piece(byte: u8) -> Piece {
        let to = |i| Some(Next::Mixer(MixerIndex(i)));
        Piece { bytes: vec![byte; 6], next: vec![to(1), None, to(2)] }
    }

    #[test]
    fn a_reader_is_woken_by_the_piece_it_waits_for() {
        let mut filling = Filling::new(2, 2);
        let (woken, packets) = (Arc::new(Woken::default()), filling.packets(MixerIndex(1)));
        let waker = woken.clone().into();
        let mut context = Context::from_waker(&waker);
        let mut first = pin!(packets.piece(0));
        assert!(first.as_mut().poll(&mut context).is_pending());
        filling.put(piece(7));
        assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 1);
        let Poll::Ready(Ok(Some(items))) = first.as_mut().poll(&mut context) else {
            panic!("it is there")
        };
        assert_eq!(items.collect::<Vec<_>>(), [[7, 7]], "one of three goes there");
        filling.put(piece(8));
        assert_eq!(packets.len(), 2);
        let Poll::Ready(Ok(None)) = pin!(packets.piece(2)).poll(&mut context) else {
            panic!("there are two pieces")
        };
    }

    #[test]
    fn work_that_ends_early_leaves_readers_with_an_error() {
        let mut filling = Filling::new(2, 2);
        let packets = filling.packets(MixerIndex(1));
        let waker = Arc::new(Woken::default()).into();
        let mut context = Context::from_waker(&waker);
        filling.put(piece(7));
        let mut second = pin!(packets.piece(1));
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(filling);
        assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Err(Broken))));
        assert!(matches!(pin!(packets.piece(0)).poll(&mut context), Poll::Ready(Ok(Some(_)))));
    }
}
