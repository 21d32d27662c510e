//! A PKG's rounds: a secret is drawn when one opens and erased when its submit phase ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rand_core::CryptoRng;
use zephyr_core::wire::SecretShare;
use zephyr_core::{
    Address, Hedge, IdentityPoints, MasterSecret, PkgAnnouncement, Role, Round, ServerId,
    Signature, Suite, UnixMs,
};
use zeroize::Zeroizing;

use super::points::KnownPoints;
use crate::SharedManifest;
use crate::follow::Opening;
use crate::mix::wipe_stack;
use crate::record::{Record, RecordKey, RecordKind};

/// What a PKG is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PkgAction {
    /// Put an own record on the board and into the DHT.
    Publish {
        /// Its key.
        key: RecordKey,
        /// The record.
        record: Record,
    },
}

/// The secrets of the rounds that give keys now.
///
/// Call [`poll`](Self::poll) until it returns `None`, at once and at [`wake_up`](Self::wake_up).
pub struct PkgRounds<S: Suite> {
    manifest: SharedManifest,
    id: ServerId,
    identity_seed: Zeroizing<[u8; 32]>,
    hedge: Hedge,
    opening: Option<Opening>,
    /// What is taken out is erased; boxed, so that the map moves no secret and leaves no copy behind.
    secrets: BTreeMap<Round, Box<MasterSecret<S::Pairing>>>,
    points: Mutex<KnownPoints<S::Pairing>>,
}

impl<S: Suite> PkgRounds<S> {
    /// From the next round on.
    pub fn new(
        manifest: SharedManifest,
        identity_seed: Zeroizing<[u8; 32]>,
        hedge: Hedge,
        now: UnixMs,
    ) -> Self {
        Self {
            id: ServerId::from_bytes(S::Signature::public(&identity_seed)),
            opening: Some(Opening::new(&manifest, now)),
            manifest,
            identity_seed,
            hedge,
            secrets: BTreeMap::new(),
            points: Mutex::new(KnownPoints::new()),
        }
    }

    /// Opens the round that is due, and erases the secrets of those whose submit phase is over.
    pub fn poll(&mut self, now: UnixMs, rng: &mut impl CryptoRng) -> Option<PkgAction> {
        let manifest = &self.manifest;
        self.secrets.retain(|round, _| now < submit_until(manifest, *round));
        wipe_stack();
        let round = self.opening.as_mut()?.take(&self.manifest, now)?;
        let action = self.open(round, rng);
        wipe_stack();
        action
    }

    #[inline(never)] // so that its frame can be wiped behind it
    fn open(&mut self, round: Round, rng: &mut impl CryptoRng) -> Option<PkgAction> {
        let manifest = self.manifest.at(round);
        let (Role::Pkg, index) = manifest.find(&self.id)? else { return None };
        let secret = Box::new(MasterSecret::<S::Pairing>::generate(rng, &mut self.hedge));
        let network = manifest.network();
        let public = secret.public_key(network, round, &self.id, rng, &mut self.hedge);
        let announcement = PkgAnnouncement::sign::<S>(&self.identity_seed, network, round, public);
        self.secrets.insert(round, secret);
        let key = RecordKey { kind: RecordKind::PkgKey, round, index: index as u16 };
        Some(PkgAction::Publish { key, record: Record::PkgKey(announcement) })
    }

    /// The share of `address`'s private key in `round`; `None` if the round's submit phase is over or its secret is
    /// not here. Several threads may ask at once.
    pub fn share(&self, round: Round, address: &Address, now: UnixMs) -> Option<SecretShare> {
        let over = now >= submit_until(&self.manifest, round);
        let secret = self.secrets.get(&round).filter(|_| !over)?;
        let share = secret.extract_from(&self.points(address));
        wipe_stack();
        Some(SecretShare::new(share.to_bytes()))
    }

    fn points(&self, address: &Address) -> Arc<IdentityPoints<S::Pairing>> {
        let known = || self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(points) = known().get(address) {
            return points;
        }
        let points = Arc::new(IdentityPoints::new(self.manifest.get().network(), address));
        known().insert(address, points.clone());
        points
    }

    /// The rounds whose secrets are here.
    pub fn secrets(&self) -> impl Iterator<Item = Round> {
        self.secrets.keys().copied()
    }

    /// Opens no more rounds: the server is to stop.
    pub fn stop_opening(&mut self) {
        self.opening = None;
    }

    /// Whether no round needs this PKG any more, after [`stop_opening`](Self::stop_opening).
    pub fn is_idle(&self) -> bool {
        self.opening.is_none() && self.secrets.is_empty()
    }

    /// When the last secret is erased.
    pub fn busy_until(&self) -> Option<UnixMs> {
        self.secrets.keys().map(|round| submit_until(&self.manifest, *round)).max()
    }

    /// When to call [`poll`](Self::poll) again at the latest; `None` if there is nothing more to do.
    pub fn wake_up(&self) -> Option<UnixMs> {
        let opens = self.opening.as_ref().map(|opening| opening.at(&self.manifest));
        let erase = self.secrets.keys().map(|round| submit_until(&self.manifest, *round));
        opens.into_iter().chain(erase).min()
    }
}

fn submit_until(manifest: &SharedManifest, round: Round) -> UnixMs {
    manifest.at(round).parameters().schedule(round).submit_until
}
