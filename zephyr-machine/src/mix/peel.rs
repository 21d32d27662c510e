//! Peeling on all cores.

use zephyr_core::{DH_SIZE, Mixer, Next, PeelError, Suite};

use super::pool::{Origin, Pool};
use super::{Work, cores};

/// Below so many packets one thread does it all.
const PARALLEL_FROM: usize = 64;

/// What has become of somebody's packet.
pub(super) struct Peeled {
    /// Its ephemeral key, which is gone from the packet.
    pub(super) key: [u8; DH_SIZE],
    pub(super) next: Result<Next, PeelError>,
}

/// A piece to be peeled.
struct Task<'a> {
    bytes: Vec<u8>,
    origins: &'a [Origin],
}

impl<S: Suite> Work<S>
where
    Mixer<S>: Sync,
{
    /// Peels all packets where they are, on all cores if there are many, and gives them away piece by piece in their
    /// order, with their origins and what has become of those that are not own.
    ///
    /// In the place of an own packet `decoy` is peeled: else the pace at which pieces are sent on would tell how many
    /// of their packets are noise.
    pub(super) fn peel_all(
        &self,
        phase: usize,
        pool: Pool,
        decoy: Option<&[u8]>,
        mut done: impl FnMut(Vec<u8>, &[Origin], Vec<Peeled>),
    ) {
        let outline = &self.outline;
        let position = outline.routes.first_position() + phase;
        let (item_len, origins) = (pool.item_len, pool.origins);
        let threads = if origins.len() < PARALLEL_FROM { 1 } else { cores::all() };
        let threads = threads.min(pool.pieces.len());
        let mut rest = &origins[..];
        let tasks = pool.pieces.into_iter().map(|bytes| {
            let (origins, others) = rest.split_at(bytes.len() / item_len);
            rest = others;
            Task { bytes, origins }
        });
        cores::in_order(
            threads,
            tasks,
            |mut task| {
                let peeled = self.peel_piece(position, item_len, &mut task, decoy);
                (task, peeled)
            },
            |(task, peeled)| done(task.bytes, task.origins, peeled),
        );
    }

    #[inline(never)] // so that its frame can be wiped behind it
    fn peel_piece(
        &self,
        position: usize,
        item_len: usize,
        task: &mut Task<'_>,
        decoy: Option<&[u8]>,
    ) -> Vec<Peeled> {
        let mut peeled = Vec::with_capacity(task.origins.len());
        let mut copy = decoy.map(<[u8]>::to_vec);
        for (packet, origin) in task.bytes.chunks_exact_mut(item_len).zip(task.origins) {
            match (origin, decoy, &mut copy) {
                (Origin::Sender(_), ..) => {
                    let key = Mixer::<S>::ephemeral_key(packet).unwrap_or_default();
                    peeled.push(Peeled { key, next: self.mixer.peel(position, packet) });
                }
                (Origin::Own(_), Some(decoy), Some(copy)) => {
                    copy.copy_from_slice(decoy);
                    let _ = std::hint::black_box(self.mixer.peel(position, copy));
                }
                (Origin::Own(_), ..) => {}
            }
        }
        peeled
    }
}
