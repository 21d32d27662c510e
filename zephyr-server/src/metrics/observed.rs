//! What the events of a server say, added up.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zephyr_core::{Role, Round, ServerId, UnixMs};
use zephyr_machine::SharedManifest;
use zephyr_machine::event::{Missing, ServerEvent};
use zephyr_machine::ledger::Ledger;
use zephyr_machine::loops::Way;

use super::names::{mixer, name_of};

/// What has happened so far.
pub(crate) struct Observed {
    pub(super) manifest: SharedManifest,
    seen: Mutex<Seen>,
}

/// The counters behind the lock.
pub(super) struct Seen {
    /// The round that has opened last.
    pub(super) round: Option<Round>,
    pub(super) opened: u64,
    pub(super) agreed: u64,
    /// How many mixers the last directory has.
    pub(super) mixers: usize,
    /// Rounds without directory, by what was missing.
    pub(super) unopened: BTreeMap<&'static str, u64>,
    /// How often a server's part was missing from such a round.
    pub(super) missing: BTreeMap<(ServerId, &'static str), u64>,
    /// Rounds given up, by the mixer that did.
    pub(super) given_up: BTreeMap<ServerId, u64>,
    /// Batches that did not come in time, by who was to send them.
    pub(super) no_batch: BTreeMap<ServerId, u64>,
    /// Second batches that differ from the first, by who sent them.
    pub(super) other_batch: BTreeMap<ServerId, u64>,
    /// When a round was last delivered by this server, or found delivered.
    pub(super) delivered: Option<UnixMs>,
    pub(super) ledger: Ledger,
    /// Mailboxes shown otherwise than they were delivered, by mailbox server.
    pub(super) altered: BTreeMap<ServerId, u64>,
    pub(super) looped: u64,
    pub(super) not_looped: u64,
}

impl Observed {
    /// By the server `own`.
    pub(crate) fn new(manifest: SharedManifest, own: ServerId) -> Self {
        let seen = Seen {
            round: None,
            opened: 0,
            agreed: 0,
            mixers: 0,
            unopened: BTreeMap::new(),
            missing: BTreeMap::new(),
            given_up: BTreeMap::new(),
            no_batch: BTreeMap::new(),
            other_batch: BTreeMap::new(),
            delivered: None,
            ledger: Ledger::new(own),
            altered: BTreeMap::new(),
            looped: 0,
            not_looped: 0,
        };
        Self { manifest, seen: Mutex::new(seen) }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what has happened, and warns of what others have done wrong.
    pub(crate) fn note(&self, event: &ServerEvent, now: UnixMs) {
        let mut seen = self.seen();
        let by_index = |round, index| mixer(&self.manifest, round, index);
        match event {
            ServerEvent::Opened { round } => {
                seen.opened += 1;
                seen.round = Some(*round);
            }
            ServerEvent::Agreed { mixers, .. } => {
                seen.agreed += 1;
                seen.mixers = *mixers;
            }
            ServerEvent::Unopened { round, missing } => self.unopened(&mut seen, *round, missing),
            ServerEvent::Void { round, by, missing } => {
                count(&mut seen.given_up, by_index(*round, *by));
                for index in missing {
                    count(&mut seen.no_batch, by_index(*round, *index));
                }
            }
            ServerEvent::Mixed { round, phase, dropped, .. } => {
                for (from, bad) in dropped {
                    let from = from.and_then(|index| by_index(*round, index));
                    seen.ledger.dropped(from, *phase, *bad);
                }
            }
            ServerEvent::Delivered { .. } => seen.delivered = Some(now),
            ServerEvent::OtherBatch { round, phase, from } => {
                let from = by_index(*round, *from);
                count(&mut seen.other_batch, from);
                let name = from.map(|id| self.name(&id)).unwrap_or_default();
                tracing::warn!(%round, phase, "{name} has sent two different batches for one phase");
            }
            ServerEvent::Looped { round, ways } => {
                seen.looped += 1;
                seen.delivered = Some(now);
                seen.ledger.checked(*round, ways);
                self.warn_of_losses(&seen, *round, ways);
            }
            ServerEvent::MailboxAltered { round, server } => {
                count(&mut seen.altered, Some(*server));
                let name = self.name(server);
                tracing::warn!(%round, "{name} does not show a mailbox as it was delivered");
            }
            ServerEvent::NotLooped { .. } => seen.not_looped += 1,
            _ => {}
        }
    }

    fn unopened(&self, seen: &mut Seen, round: Round, missing: &[Missing]) {
        let manifest = self.manifest.at(round);
        // The gravest comes first: without a PKG's key nothing else helps.
        let reason = missing.iter().min().and_then(part).map_or("directory", |(what, ..)| what);
        *seen.unopened.entry(reason).or_default() += 1;
        for (what, role, index) in missing.iter().filter_map(part) {
            let server = manifest.server(role, index).map(|server| (server.id, what));
            count(&mut seen.missing, server);
        }
    }

    fn warn_of_losses(&self, seen: &Seen, round: Round, ways: &[Way]) {
        let names = |ids: &mut dyn Iterator<Item = &ServerId>| {
            ids.map(|id| self.name(id)).collect::<Vec<_>>().join(", ")
        };
        let lossy: Vec<&Way> = ways.iter().filter(|way| way.lost + way.doubled > 0).collect();
        if lossy.is_empty() {
            return;
        }
        let sum = |part: fn(&Way) -> u32| lossy.iter().map(|way| part(way)).sum::<u32>();
        let mut routes: Vec<&ServerId> = lossy.iter().flat_map(|way| &way.route).collect();
        routes.sort_unstable();
        routes.dedup();
        tracing::warn!(
            %round,
            sent = sum(|way| way.sent),
            lost = sum(|way| way.lost),
            doubled = sum(|way| way.doubled),
            through = names(&mut routes.into_iter()),
            explained_by = names(&mut seen.ledger.suspects().iter()),
            "loop packets did not come back as they were sent: one of the mixers behind this one drops or changes packets"
        );
    }

    pub(super) fn name(&self, id: &ServerId) -> String {
        name_of(&self.manifest, id)
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: Option<K>) {
    if let Some(key) = key {
        *counts.entry(key).or_default() += 1;
    }
}

/// What is missing, and of whom.
fn part(missing: &Missing) -> Option<(&'static str, Role, usize)> {
    Some(match missing {
        Missing::PkgKey(pkg) => ("pkg_key", Role::Pkg, pkg.0.into()),
        Missing::MixerKey(mixer) => ("mixer_key", Role::Mixer, mixer.0.into()),
        Missing::Signature(mixer) => ("signature", Role::Mixer, mixer.0.into()),
        _ => return None,
    })
}
