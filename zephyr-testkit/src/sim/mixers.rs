//! Carries out what a mixer wants done.

use std::collections::HashSet;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use zephyr_core::{Role, Round, Suite};
use zephyr_machine::batch::Gathered;
use zephyr_machine::event::ServerEvent;
use zephyr_machine::mix::{Mixed, PhaseNoise, Work};
use zephyr_machine::mixer_server::MixerAction;

use super::corrupt::Corruption;
use super::dice::Dice;
use super::letters::{Answer, Letter, Transfer, Waits};
use super::mutation::Mutation;
use super::queue::Happening;
use super::server::Machine;
use super::world::World;

/// How long writing to a disk takes at most, in milliseconds.
const DISK_MS: u64 = 20;
/// How long a mailbox server has to tell what was delivered, in milliseconds.
const ASK_MS: u64 = 1_000;

impl<S: Suite + Sync> World<'_, S> {
    pub(super) fn act(&mut self, number: usize, action: MixerAction<S>) {
        let corrupt = self.servers[number].corrupt;
        match action {
            MixerAction::Publish { key, record } => {
                if !self.misuses_record(number, &key, &record) {
                    self.publish(number, key, &record);
                }
            }
            MixerAction::Fetch { keys } => self.fetch(number, keys),
            MixerAction::StoreGuard { guard } => {
                if corrupt == Corruption::NeverSigns {
                    return;
                }
                let life = self.servers[number].life;
                let stored = self.calm || !self.rng.happens(self.faults.disk);
                let after = self.rng.below(DISK_MS + self.links.slow[number]);
                self.servers[number].disk.writing = Some(guard);
                if self.is_mutated(Mutation::SignsBeforeItStores) {
                    if let Some(Machine::Mixer(mixer)) = &mut self.servers[number].machine {
                        mixer.guard_stored(true);
                    }
                    return;
                }
                let written = Happening::Written { server: number, life, stored };
                self.queue.plan(self.now.plus(after), written);
            }
            MixerAction::Propose { round, to, index, request } => {
                self.story.tell(self.now, || {
                    format!(
                        "{} proposes a directory of round {round} to {index}",
                        self.servers[number].name()
                    )
                });
                self.saw_proposal(number, &request);
                let (to, request) = (self.server_by_id(&to), request.to_vec());
                let patience = u64::from(self.parameters().open_ms);
                let waits = Waits::Vote(round, index);
                self.call(number, to, request, waits, patience);
            }
            MixerAction::Ask { id, to, request } => {
                let to = self.server_by_id(&to);
                self.call(number, to, request, Waits::Told(id), ASK_MS);
            }
            MixerAction::Reply { call, reply } => {
                if corrupt != Corruption::NeverSigns {
                    self.reply(number, call, Answer::Vote(reply));
                }
            }
            MixerAction::Prepare { noise, .. } => {
                // Some have time for all of it, some for a part, and some for none.
                for _ in 0..self.rng.below(8) {
                    noise.step::<S>();
                }
            }
            MixerAction::Mix { round, batch, noise, work, seen, .. } => {
                self.mix(number, round, batch, noise, &work, seen);
            }
            MixerAction::Send { round, phase, to, index, header, packets, until } => {
                let batch = packets.to_batch().into();
                let (phase, header) = (Some((index, phase)), header.to_bytes().into());
                let transfer = Transfer { round, to, phase, header, batch, until, tries: 0 };
                self.send_unless_lazy(number, transfer);
            }
            MixerAction::Upload { round, to, header, delivery, until } => {
                let batch = delivery.to_batch().into();
                let header = header.to_bytes().into();
                let transfer = Transfer { round, to, phase: None, header, batch, until, tries: 0 };
                self.send_unless_lazy(number, transfer);
            }
            MixerAction::TellVoid { to, request, .. } => {
                for id in to {
                    self.calls += 1;
                    let letter = Letter::Call { number: self.calls, request: request.clone() };
                    let to = self.server_by_id(&id);
                    self.post(number, to, letter);
                }
            }
            MixerAction::Event(event) => self.mixer_event(number, &event),
        }
    }

    fn send_unless_lazy(&mut self, number: usize, transfer: Transfer) {
        let lazy = self.servers[number].corrupt == Corruption::NeverSends
            || self.is_mutated(Mutation::NeverSends) && self.servers[number].index == 0;
        if !lazy {
            self.transfer(number, transfer);
        }
    }

    fn mixer_event(&mut self, number: usize, event: &ServerEvent) {
        self.event(number, event);
        if let ServerEvent::Void { round, .. } = event {
            self.check_erased(number, *round);
        }
        self.check_blame(number, event);
    }

    fn mix(
        &mut self,
        number: usize,
        round: Round,
        batch: Gathered,
        noise: PhaseNoise,
        work: &Work<S>,
        mut seen: HashSet<[u8; 32]>,
    ) {
        let phase = noise.phase();
        let mut rng = ChaCha8Rng::from_rng(&mut self.rng);
        let (packets, before) = (batch.len(), seen.len());
        let old = seen.clone();
        let mut mixed = work.run(batch, noise, &mut seen, &mut rng);
        if self.is_mutated(Mutation::MixesCopies) {
            seen = old.clone();
            mixed.bad.clear();
        }
        let fresh = seen.difference(&old).copied();
        self.check_mixed(number, packets - mixed.dropped(), seen.len() - before, fresh);
        self.corrupt_mixed(number, &mut mixed);
        let server = &self.servers[number];
        debug_assert_eq!(server.role, Role::Mixer);
        let life = server.life;
        let after = 1 + self.rng.below(20 + 2 * self.links.slow[number]);
        let worked = Happening::Worked { server: number, life, round, phase, mixed, seen };
        self.queue.plan(self.now.plus(after), worked);
    }

    /// A mixer's work is done.
    pub(super) fn worked(
        &mut self,
        number: usize,
        life: u32,
        round: Round,
        phase: usize,
        mixed: Mixed,
        seen: HashSet<[u8; 32]>,
    ) {
        let server = &mut self.servers[number];
        if server.life != life {
            return;
        }
        if let Some(Machine::Mixer(mixer)) = &mut server.machine {
            mixer.mixed(round, phase, mixed, seen);
        }
        self.drive_server(number);
    }
}
