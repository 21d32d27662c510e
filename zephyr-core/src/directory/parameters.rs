//! The parameters of a network, and the times that follow from them.

use crate::geometry::Geometry;
use crate::ids::{Round, UnixMs};
use crate::onion::RouteMode;
use crate::wire::cursor::{Reader, Writer};

/// The parameters of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Hops and payload length.
    pub geometry: Geometry,
    /// How packets travel.
    pub routes: RouteMode,
    /// The fewest mixers that a directory may have; more than half of those listed.
    pub min_mixers: u8,
    /// Packets that every client sends in every round: its number of peer slots.
    pub packets_per_round: u8,
    /// Number of mailboxes.
    pub mailboxes: u32,
    /// On how many mailbox servers each mailbox is kept.
    pub replicas: u8,
    /// When round 0 would have begun to take packets.
    pub genesis: UnixMs,
    /// Milliseconds from one round's submit phase to the next one's.
    pub round_ms: u32,
    /// Milliseconds before the submit phase at which a round opens.
    pub open_ms: u32,
    /// Length of the submit phase in milliseconds, at most `round_ms`.
    pub submit_ms: u32,
    /// Length of each mix phase in milliseconds.
    pub phase_ms: u32,
    /// Milliseconds for the delivery to the mailboxes.
    pub deliver_ms: u32,
    /// Milliseconds in which clients download; then the round closes.
    pub download_ms: u32,
    /// Noise of each mixer in each mailbox: mean of the Laplace distribution, in thousandths of a message.
    pub noise_mu: u32,
    /// Its scale, in thousandths of a message.
    pub noise_b: u32,
    /// The fewest packets of its own, noise and cover together, that a mixer adds in a phase. What came in does not
    /// count: it may all be an adversary's.
    pub min_batch: u32,
}

/// The times of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Mixers and PKGs publish their keys.
    pub opens: UnixMs,
    /// Clients submit from here…
    pub submit_from: UnixMs,
    /// …to here. PKGs erase their round secret.
    pub submit_until: UnixMs,
    /// Length of each mix phase.
    pub phase_ms: u32,
    /// All messages are in the mailboxes: clients download from here…
    pub deliver_until: UnixMs,
    /// …to here. Mailboxes may be emptied.
    pub closes: UnixMs,
}

impl Schedule {
    /// When phase `phase` must be complete: everything from its predecessors has come.
    pub const fn phase_deadline(&self, phase: usize) -> UnixMs {
        self.submit_until
            .plus((self.phase_ms as u64).saturating_mul((phase as u64).saturating_add(1)))
    }
}

impl Parameters {
    /// The times of `round`: they follow from the manifest alone, so that a coordinator can't stretch them.
    pub fn schedule(&self, round: Round) -> Schedule {
        let submit_from = self.genesis.plus(round.0.saturating_mul(self.round_ms.into()));
        let submit_until = submit_from.plus(self.submit_ms.into());
        let mix_ms = u64::from(self.phase_ms) * self.geometry.hops() as u64;
        let deliver_until = submit_until.plus(mix_ms + u64::from(self.deliver_ms));
        Schedule {
            opens: UnixMs(submit_from.0.saturating_sub(self.open_ms.into())),
            submit_from,
            submit_until,
            phase_ms: self.phase_ms,
            deliver_until,
            closes: deliver_until.plus(self.download_ms.into()),
        }
    }

    /// The last round that has opened by `now`; `None` before the first.
    pub fn opened_by(&self, now: UnixMs) -> Option<Round> {
        let since = now.plus(self.open_ms.into()).0.checked_sub(self.genesis.0)?;
        Some(Round(since / u64::from(self.round_ms)))
    }

    /// How long a round takes from opening to closing, in milliseconds.
    pub fn span_ms(&self) -> u64 {
        let schedule = self.schedule(Round(1_000));
        schedule.closes.since(schedule.opens)
    }

    pub(super) fn parse(r: &mut Reader<'_>) -> Option<Self> {
        let (hops, payload_len) = (r.u8()?, r.u16()?);
        Some(Self {
            geometry: Geometry::new(hops.into(), payload_len.into())?,
            routes: RouteMode::from_byte(r.u8()?)?,
            min_mixers: r.u8()?,
            packets_per_round: r.u8()?,
            mailboxes: r.u32()?,
            replicas: r.u8()?,
            genesis: UnixMs(r.u64()?),
            round_ms: r.u32()?,
            open_ms: r.u32()?,
            submit_ms: r.u32()?,
            phase_ms: r.u32()?,
            deliver_ms: r.u32()?,
            download_ms: r.u32()?,
            noise_mu: r.u32()?,
            noise_b: r.u32()?,
            min_batch: r.u32()?,
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        w.put(&[self.geometry.hops() as u8])
            .put(&(self.geometry.payload_len() as u16).to_be_bytes())
            .put(&[self.routes as u8, self.min_mixers, self.packets_per_round])
            .put(&self.mailboxes.to_be_bytes())
            .put(&[self.replicas])
            .put(&self.genesis.0.to_be_bytes());
        let numbers = [
            self.round_ms,
            self.open_ms,
            self.submit_ms,
            self.phase_ms,
            self.deliver_ms,
            self.download_ms,
            self.noise_mu,
            self.noise_b,
            self.min_batch,
        ];
        numbers.iter().for_each(|n| {
            w.put(&n.to_be_bytes());
        });
    }
}
