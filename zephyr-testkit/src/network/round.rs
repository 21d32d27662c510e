//! What the servers know of one round: keys, directory, batches, mailboxes.

use std::collections::{BTreeMap, HashSet};

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use zephyr_core::*;

use super::chance::Chance;
use super::plan::Plan;

/// What one mixer delivered to one mailbox.
pub(super) struct Delivered {
    pub(super) mixer: MixerIndex,
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) signature: [u8; LIST_SIGNATURE_SIZE],
}

/// A round in progress.
pub(super) struct RoundState<S: Suite> {
    pub(super) directory: Vec<u8>,
    pub(super) masters: Vec<MasterSecret<S::Pairing>>,
    pub(super) routes: Routes,
    lossy: bool,
    round: Round,
    hash: DirectoryHash,
    mixers: BTreeMap<MixerIndex, (Mixer<S>, Hop)>,
    batches: BTreeMap<MixerIndex, Vec<Vec<u8>>>,
    seen: HashSet<[u8; 32]>,
    delivered: Option<BTreeMap<Mailbox, Vec<Delivered>>>,
    rng: ChaCha8Rng,
    hedge: Hedge,
}

impl<S: Suite> RoundState<S> {
    /// Draws the round's keys, and agrees on and signs its directory.
    pub(super) fn open(plan: &Plan, manifest: &Manifest<'_>, round: Round) -> Self {
        let chance = Chance::new(plan.seed);
        let mut rng = chance.rng("round", &[round.0]);
        let mut hedge = Hedge::new(chance.bytes("hedge", &[round.0]), 0);
        let network = manifest.network();

        let mut masters = Vec::new();
        let mut pkgs = Vec::new();
        for (i, server) in manifest.servers(Role::Pkg).enumerate() {
            let master = MasterSecret::<S::Pairing>::generate(&mut rng, &mut hedge);
            let key = master.public_key(network, round, &server.id, &mut rng, &mut hedge);
            let seed = plan.server_seed(Role::Pkg, i);
            pkgs.push((PkgIndex(i as u16), PkgAnnouncement::sign::<S>(&seed, network, round, key)));
            masters.push(master);
        }
        let mut keys = Vec::new();
        let mut announcements = Vec::new();
        for i in 0..plan.mixers {
            let key = MixerKey::generate(&mut rng, &mut hedge);
            let (seed, mixer) = (plan.server_seed(Role::Mixer, i), MixerIndex(i as u16));
            let announcement =
                MixerAnnouncement::sign::<S>(&seed, network, round, key.public::<S>());
            announcements.push((mixer, announcement));
            keys.push((mixer, key));
        }

        let mut directory = vec![0; MAX_DIRECTORY];
        let len = encode_directory(manifest, round, &announcements, &pkgs, &mut directory)
            .expect("a directory fits");
        directory.truncate(len);
        let body = Directory::parse(&directory).expect("just encoded");
        let hash = body.hash();
        let routes = body.routes(manifest).expect("routes over the mixers");
        let geometry = plan.parameters.geometry;
        let mixers = keys
            .into_iter()
            .map(|(mixer, key)| {
                let hop = body.hop(mixer).expect("every mixer is in it");
                (mixer, (Mixer::new(geometry, hash, key), hop))
            })
            .collect();
        for i in 0..plan.mixers {
            directory.extend(sign_directory::<S>(&plan.server_seed(Role::Mixer, i), &hash));
        }
        let (batches, seen) = (BTreeMap::new(), HashSet::new());
        Self {
            directory,
            masters,
            routes,
            lossy: false,
            round,
            hash,
            mixers,
            batches,
            seen,
            delivered: None,
            rng,
            hedge,
        }
    }

    /// Takes a packet into `mixer`'s batch; a copy is dropped.
    pub(super) fn submit(&mut self, mixer: MixerIndex, packet: &[u8]) {
        let key: [u8; 32] = *packet.first_chunk().expect("a packet's length was checked");
        if self.seen.insert(key) {
            self.batches.entry(mixer).or_default().push(packet.to_vec());
        }
    }

    /// Mixes everything, unless that has been done, and says whether a mixer dropped packets: the first one does in
    /// `dropped` of a thousand cases.
    pub(super) fn deliver(&mut self, plan: &Plan, dropped: u32) -> bool {
        if self.delivered.is_none() {
            let delivered = self.mix(plan, dropped);
            self.delivered = Some(delivered);
            self.masters.clear();
        }
        self.lossy
    }

    /// The mailbox, once everything has been delivered.
    pub(super) fn mailbox(&self, mailbox: Mailbox) -> &[Delivered] {
        self.delivered.as_ref().and_then(|d| d.get(&mailbox)).map_or(&[], Vec::as_slice)
    }

    fn mix(&mut self, plan: &Plan, dropped: u32) -> BTreeMap<Mailbox, Vec<Delivered>> {
        let (geometry, chance) = (plan.parameters.geometry, Chance::new(plan.seed));
        let first = self.routes.first_position();
        let mut batches = std::mem::take(&mut self.batches);
        let mut out: BTreeMap<(Mailbox, MixerIndex), Vec<Vec<u8>>> = BTreeMap::new();
        for phase in 0..self.routes.len() {
            let mut next_batches: BTreeMap<MixerIndex, Vec<Vec<u8>>> = BTreeMap::new();
            let workers: Vec<_> =
                self.mixers.keys().copied().filter(|&m| self.routes.works(phase, m)).collect();
            for mixer in workers {
                let mut batch: Vec<(Next, Vec<u8>)> = Vec::new();
                for mut packet in batches.remove(&mixer).unwrap_or_default() {
                    if let Ok(next) = self.mixers[&mixer].0.peel(first + phase, &mut packet) {
                        batch.push((next, packet));
                    }
                }
                batch.extend(self.noise(plan, phase, mixer));
                shuffle(&mut batch, &mut self.rng);
                for (n, (next, mut packet)) in batch.into_iter().enumerate() {
                    let which = [self.round.0, phase as u64, n as u64];
                    if mixer == MixerIndex(0) && chance.happens(dropped, "drop", &which) {
                        self.lossy = true;
                        continue;
                    }
                    match next {
                        Next::Mixer(next) if self.routes.works(phase + 1, next) => {
                            next_batches.entry(next).or_default().push(packet);
                        }
                        Next::Mailbox(mailbox) if mailbox.0 < plan.parameters.mailboxes => {
                            packet.truncate(geometry.sealed_len());
                            out.entry((mailbox, mixer)).or_default().push(packet);
                        }
                        _ => {}
                    }
                }
            }
            batches = next_batches;
        }
        self.sign(plan, out)
    }

    /// Onions over the remaining hops to every mailbox.
    fn noise(&mut self, plan: &Plan, phase: usize, mixer: MixerIndex) -> Vec<(Next, Vec<u8>)> {
        let geometry = plan.parameters.geometry;
        let mut out = Vec::new();
        for mailbox in (0..plan.parameters.mailboxes).map(Mailbox) {
            for _ in 0..self.rng.next_u64() % (plan.noise + 1) {
                let mut sealed = vec![0; geometry.sealed_len()];
                Cover::fill::<S::Pairing>(&mut sealed, &mut self.rng);
                let route = self.routes.pick_after(phase, mixer, &mut self.rng);
                let Some(&next) = route.first() else {
                    out.push((Next::Mailbox(mailbox), sealed));
                    continue;
                };
                let hops: Vec<Hop> = route.iter().map(|m| self.mixers[m].1).collect();
                let mut packet = vec![0; geometry.packet_len()];
                let to = Wrap { geometry, directory: &self.hash, route: &hops, mailbox };
                wrap::<S>(to, &sealed, &mut packet, &mut self.rng, &mut self.hedge)
                    .expect("good keys");
                out.push((Next::Mixer(next), packet));
            }
        }
        out
    }

    /// Every delivering mixer signs a list for every mailbox, also an empty one.
    fn sign(
        &self,
        plan: &Plan,
        mut messages: BTreeMap<(Mailbox, MixerIndex), Vec<Vec<u8>>>,
    ) -> BTreeMap<Mailbox, Vec<Delivered>> {
        let mut out: BTreeMap<Mailbox, Vec<Delivered>> = BTreeMap::new();
        for mailbox in (0..plan.parameters.mailboxes).map(Mailbox) {
            for mixer in self.routes.exits() {
                let messages = messages.remove(&(mailbox, mixer)).unwrap_or_default();
                let mut list = DeliveryList::new();
                messages.iter().for_each(|m| list.push(m));
                let seed = plan.server_seed(Role::Mixer, mixer.0.into());
                let signature = list.sign::<S>(&seed, &self.hash, mixer, mailbox);
                out.entry(mailbox).or_default().push(Delivered { mixer, messages, signature });
            }
        }
        out
    }
}
