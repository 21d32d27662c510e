//! Where the round's key is drawn and moved: nowhere else, so that no copy of it stays behind.

use std::sync::Arc;

use rand_core::CryptoRng;
use zephyr_core::{
    DH_SIZE, Directory, Hedge, Hop, Mailbox, Mixer, MixerIndex, MixerKey, Parameters, Routes, Suite,
};

use crate::mix::{WipeOnDrop, Work};

/// Draws the round's key on the heap. A function of its own, so that its frame can be wiped behind it.
#[inline(never)]
pub(super) fn draw_key<S: Suite>(
    rng: &mut impl CryptoRng,
    hedge: &mut Hedge,
) -> (Box<MixerKey>, [u8; DH_SIZE]) {
    let key = Box::new(MixerKey::generate(rng, hedge));
    let public = key.public::<S>();
    (key, public)
}

/// Moves the key to where it is used and leaves zeros in its old place.
#[inline(never)]
pub(super) fn prepare<S: Suite>(
    key: &mut MixerKey,
    me: MixerIndex,
    watched: Mailbox,
    parameters: Parameters,
    routes: Routes,
    directory: &Directory<'_>,
) -> Arc<Work<S>> {
    let key = std::mem::replace(key, MixerKey::from_bytes([0; DH_SIZE]));
    let hash = directory.hash();
    Arc::new(Work {
        mixer: Mixer::new(parameters.geometry, hash, key),
        me,
        watched,
        directory: hash,
        hops: directory.mixers().map(|(mixer, a)| Hop { mixer, key: a.key }).collect(),
        routes,
        parameters,
        wipe: WipeOnDrop,
    })
}
