//! Where the round's secrets are drawn and moved: nowhere else, so that no copy of them stays behind.

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::CryptoRng;
use zephyr_core::{
    DH_SIZE, Directory, Hedge, Hop, Mailbox, Mixer, MixerIndex, MixerKey, Parameters, Routes, Suite,
};
use zeroize::Zeroizing;

use crate::mix::{Outline, PhaseNoise, WipeOnDrop, Work};

/// What a mixer draws for a round when it opens, on the heap: moving the round leaves no copy behind.
pub(super) struct Secrets {
    key: MixerKey,
    /// What the noise of all phases follows from.
    noise: Zeroizing<[u8; 64]>,
}

impl Secrets {
    /// Draws them. A function of its own, so that its frame can be wiped behind it.
    #[inline(never)]
    pub(super) fn draw<S: Suite>(
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> (Box<Self>, [u8; DH_SIZE]) {
        let key = MixerKey::generate(rng, hedge);
        let noise = hedge.draw::<64>(rng, &[b"noise of a round"]);
        let secrets = Box::new(Self { key, noise });
        let public = secrets.key.public::<S>();
        (secrets, public)
    }

    /// Moves the key to where it is used and leaves zeros in its old place.
    #[inline(never)]
    pub(super) fn prepare<S: Suite>(
        &mut self,
        me: MixerIndex,
        watched: Mailbox,
        parameters: Parameters,
        routes: Routes,
        directory: &Directory<'_>,
    ) -> Arc<Work<S>> {
        let key = std::mem::replace(&mut self.key, MixerKey::from_bytes([0; DH_SIZE]));
        let hash = directory.hash();
        let outline = Outline {
            me,
            directory: hash,
            routes,
            hops: directory.mixers().map(|(mixer, a)| Hop { mixer, key: a.key }).collect(),
            parameters,
            watched,
        };
        Arc::new(Work {
            mixer: Mixer::new(parameters.geometry, hash, key),
            outline: Arc::new(outline),
            wipe: WipeOnDrop,
        })
    }

    /// The noise of each phase in which the mixer works.
    #[inline(never)]
    pub(super) fn noise(&self, outline: &Arc<Outline>) -> Vec<PhaseNoise> {
        let (mut key, mut secret) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        key.copy_from_slice(&self.noise[..32]);
        secret.copy_from_slice(&self.noise[32..]);
        let (mut rng, mut hedge) = (ChaCha20Rng::from_seed(*key), Hedge::new(*secret, 0));
        let Outline { me, routes, .. } = &**outline;
        let phases = (0..routes.len()).filter(|&k| routes.works(k, *me));
        phases.map(|k| PhaseNoise::draw(outline, k, &mut rng, &mut hedge)).collect()
    }
}
