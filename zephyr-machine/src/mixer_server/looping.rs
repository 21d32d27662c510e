//! Looking for what must have come back.

use zephyr_core::{Suite, UnixMs};

use super::{MixerAction, MixerServer};
use crate::event::ServerEvent;
use crate::loops::LoopAction;

impl<S: Suite> MixerServer<S> {
    /// What a mailbox server answered to [`MixerAction::Ask`], if it did.
    pub fn told(&mut self, id: u64, answer: Option<&[u8]>, now: UnixMs) {
        self.loops.answered::<S>(id, answer, now);
    }

    pub(super) fn look_for_loops(&mut self, now: UnixMs) {
        while let Some(action) = self.loops.poll(now) {
            self.actions.push_back(match action {
                LoopAction::Ask { id, to, request } => MixerAction::Ask { id, to, request },
                LoopAction::Checked { round, ways } => {
                    MixerAction::Event(ServerEvent::Looped { round, ways })
                }
                LoopAction::Altered { round, server } => {
                    MixerAction::Event(ServerEvent::MailboxAltered { round, server })
                }
                LoopAction::Unchecked { round } => {
                    MixerAction::Event(ServerEvent::NotLooped { round })
                }
            });
        }
    }
}
