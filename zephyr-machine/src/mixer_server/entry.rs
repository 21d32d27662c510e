//! One round at a mixer, with what belongs to it besides the mixing.

use std::collections::BTreeSet;

use zephyr_core::{Mailbox, Manifest, MixerIndex, Role, Round, ServerId, Suite, UnixMs};

use crate::agreement::Agreement;
use crate::mixer::MixerRound;

/// A round.
pub(super) struct Entry<S: Suite> {
    pub(super) me: MixerIndex,
    pub(super) mixing: MixerRound<S>,
    pub(super) agreement: Agreement,
    /// The mixers of its directory.
    pub(super) mixers: BTreeSet<MixerIndex>,
    /// Those of them that are on a route of the round.
    pub(super) workers: BTreeSet<MixerIndex>,
    /// Whether it was given up, here or elsewhere.
    pub(super) void: bool,
    /// How many packets the phase that is being mixed was begun with.
    pub(super) packets: usize,
    pub(super) uploads: Option<Uploads>,
    /// Whether it has been said that the round did not open.
    pub(super) unopened: bool,
}

impl<S: Suite> Entry<S> {
    pub(super) fn new(me: MixerIndex, mixing: MixerRound<S>) -> Self {
        Self {
            me,
            agreement: Agreement::new(me, *mixing.announcement()),
            mixing,
            mixers: BTreeSet::new(),
            workers: BTreeSet::new(),
            void: false,
            packets: 0,
            uploads: None,
            unopened: false,
        }
    }
}

/// What is on its way to the mailbox servers. It is enough when every mailbox is on one of its servers; the others
/// are tried until the end.
pub(super) struct Uploads {
    pub(super) messages: usize,
    /// The mailbox servers, and whether they have acknowledged.
    servers: Vec<(ServerId, bool)>,
    /// Ends before the round does, so that what is on some servers only still counts.
    pub(super) until: UnixMs,
}

impl Uploads {
    pub(super) fn new(manifest: &Manifest<'_>, round: Round, messages: usize) -> Self {
        let parameters = manifest.parameters();
        let deliver_until = parameters.schedule(round).deliver_until;
        Self {
            messages,
            servers: manifest.servers(Role::Mailbox).map(|s| (s.id, false)).collect(),
            until: UnixMs(deliver_until.0 - u64::from(parameters.deliver_ms) / 4),
        }
    }

    /// `to` has acknowledged.
    pub(super) fn uploaded(&mut self, to: &ServerId) {
        for (_, done) in self.servers.iter_mut().filter(|(id, _)| id == to) {
            *done = true;
        }
    }

    /// Whether nothing is waited for any more: everybody has acknowledged, or it is too late.
    pub(super) fn has_ended(&self, now: UnixMs) -> bool {
        now >= self.until || self.servers.iter().all(|(_, done)| *done)
    }

    /// Whether every mailbox is on one of its servers.
    pub(super) fn is_enough(&self, manifest: &Manifest<'_>) -> bool {
        (0..manifest.parameters().mailboxes).all(|mailbox| {
            let kept = |server: usize| self.servers.get(server).is_some_and(|(_, done)| *done);
            manifest.mailbox_servers(Mailbox(mailbox)).any(kept)
        })
    }
}
