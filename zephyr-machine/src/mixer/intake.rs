//! What comes in: packets of clients, batches of other mixers.

use sha2::{Digest, Sha256};
use zephyr_core::wire::SubmitRefusal;
use zephyr_core::{MixerIndex, Suite, UnixMs};

use super::{MixerRound, State};
use crate::batch::Batch;

/// The most packets that a mixer takes in one phase.
pub const MAX_BATCH: usize = 1 << 20;

/// Why a batch is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchRefusal {
    /// The round is void, over, or not agreed on here.
    #[error("the round is not under way")]
    NotUnderWay,
    /// Its sender is no predecessor in this phase, or it is of another directory.
    #[error("the batch does not belong here")]
    NotHere,
    /// Another batch came from this sender in this phase.
    #[error("another batch has come from this mixer")]
    Another,
    /// It is too large.
    #[error("the batch is too large")]
    TooLarge,
}

impl<S: Suite> MixerRound<S> {
    /// A client submits a packet; the same packet again is accepted and dropped.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn submit(&mut self, packet: &[u8], now: UnixMs) -> Result<(), SubmitRefusal> {
        if now < self.schedule.submit_from {
            return Err(SubmitRefusal::NotYet);
        }
        if now >= self.schedule.submit_until {
            return Err(SubmitRefusal::Closed);
        }
        let State::Agreed { work, phases, .. } = &mut self.state else {
            return Err(if self.is_open() {
                SubmitRefusal::NotYet
            } else {
                SubmitRefusal::NotHere
            });
        };
        if packet.len() != work.outline.parameters.geometry.packet_len() {
            return Err(SubmitRefusal::Length);
        }
        let batch = phases.get_mut(&0).ok_or(SubmitRefusal::NotHere)?.batch.as_mut();
        let (batch, _) = batch.ok_or(SubmitRefusal::Closed)?;
        if batch.len() >= MAX_BATCH {
            return Err(SubmitRefusal::Full);
        }
        // Only the very same packet is a copy: a broken one under somebody's ephemeral key must not keep the real
        // one out. Mixing tells them apart.
        if self.submitted.insert(Sha256::digest(packet).into()) {
            batch.push(packet);
        }
        Ok(())
    }

    /// Whether a batch for `phase` from `from` would be taken: asked before it is received. `Ok(false)` if it has
    /// come already and is only to be acknowledged again.
    ///
    /// # Errors
    /// See [`BatchRefusal`].
    pub fn expects(
        &self,
        phase: usize,
        from: MixerIndex,
        directory: &[u8; 32],
    ) -> Result<bool, BatchRefusal> {
        let agreed = self.agreed.filter(|_| !self.void).ok_or(BatchRefusal::NotUnderWay)?;
        if agreed.as_bytes() != directory {
            return Err(BatchRefusal::NotHere);
        }
        if self.came.contains_key(&(phase, from)) {
            return Ok(false);
        }
        let State::Agreed { work, .. } = &self.state else {
            return Err(BatchRefusal::NotUnderWay);
        };
        match work.outline.routes.predecessors(phase, self.me).contains(&from) {
            true => Ok(true),
            false => Err(BatchRefusal::NotHere),
        }
    }

    /// A batch has come whole. Coming again it is taken for the same only if its digest is.
    ///
    /// # Errors
    /// See [`BatchRefusal`].
    pub fn receive(
        &mut self,
        phase: usize,
        from: MixerIndex,
        digest: [u8; 32],
        batch: Batch,
    ) -> Result<(), BatchRefusal> {
        if let Some(came) = self.came.get(&(phase, from)).filter(|_| !self.void) {
            return if *came == digest { Ok(()) } else { Err(BatchRefusal::Another) };
        }
        let State::Agreed { work, phases, .. } = &mut self.state else {
            return Err(BatchRefusal::NotUnderWay);
        };
        if !work.outline.routes.predecessors(phase, self.me).contains(&from) {
            return Err(BatchRefusal::NotHere);
        }
        let state = phases.get_mut(&phase).ok_or(BatchRefusal::NotHere)?;
        let (collected, _) = state.batch.as_mut().ok_or(BatchRefusal::NotHere)?;
        if batch.item_len() != collected.item_len() {
            return Err(BatchRefusal::NotHere);
        }
        if collected.len() + batch.len() > MAX_BATCH {
            return Err(BatchRefusal::TooLarge);
        }
        collected.add(from, batch);
        state.awaited -= 1;
        self.came.insert((phase, from), digest);
        Ok(())
    }
}
