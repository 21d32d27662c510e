//! The packets of a phase, others' and own, in one random order.

use rand_core::Rng;
use zephyr_core::{MixerIndex, Next, shuffle_with};

use crate::batch::{Gathered, per_piece};

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A mixer; `None` is a client.
    Sender(Option<MixerIndex>),
    /// This mixer, for there: not to be peeled.
    Own(Next),
}

/// Packets in the memory in which they came.
pub(super) struct Pool {
    pub(super) item_len: usize,
    pub(super) pieces: Vec<Vec<u8>>,
    /// Of each packet, piece after piece.
    pub(super) origins: Vec<Origin>,
    /// Where each packet stands: the number of its piece times what a full one holds, plus its place in there.
    places: Vec<u32>,
}

impl Pool {
    pub(super) fn new(gathered: Gathered) -> Self {
        let (item_len, len) = (gathered.item_len(), gathered.len());
        let (origins, places) = (Vec::with_capacity(len), Vec::with_capacity(len));
        let mut pool = Self { item_len, pieces: Vec::new(), origins, places };
        for (sender, batch) in gathered.into_batches() {
            for piece in batch.into_pieces() {
                pool.add(piece, std::iter::repeat(Origin::Sender(sender)));
            }
        }
        pool
    }

    /// Adds a piece with packets, which it does not move, and their origins.
    pub(super) fn add(&mut self, piece: Vec<u8>, origins: impl IntoIterator<Item = Origin>) {
        let items = piece.len() / self.item_len;
        self.origins.extend(origins.into_iter().take(items));
        let first = (self.pieces.len() * per_piece(self.item_len)) as u32;
        self.places.extend(first..first + items as u32);
        self.pieces.push(piece);
    }

    /// Brings all packets into one random order, each as likely as any other.
    ///
    /// They change places in memory, so that what is worked on and what is sent on runs through it from one end to the
    /// other.
    pub(super) fn shuffle(&mut self, rng: &mut impl Rng) {
        let Self { item_len, pieces, origins, places } = self;
        let (len, stride) = (*item_len, per_piece(*item_len));
        let at = |place: u32| (place as usize / stride, place as usize % stride * len);
        shuffle_with(places.len(), rng, |i, j| {
            if i == j {
                return;
            }
            origins.swap(i, j);
            let ((p, a), (q, b)) = (at(places[i]), at(places[j]));
            const APART: &str = "two places are apart";
            if p == q {
                let piece = &mut pieces[p];
                let [x, y] = piece.get_disjoint_mut([a..a + len, b..b + len]).expect(APART);
                x.swap_with_slice(y);
            } else {
                let [x, y] = pieces.get_disjoint_mut([p, q]).expect(APART);
                x[a..a + len].swap_with_slice(&mut y[b..b + len]);
            }
        });
    }
}
