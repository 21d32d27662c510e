//! The parameters of a draft.

use serde::Deserialize;
use zephyr_core::{Geometry, MAX_HOPS, Parameters, RouteMode, UnixMs};

use crate::clock;
use crate::exit::{Failure, Outcome};

/// The fields of the network file; what is left out stays as it is, or takes its default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftParameters {
    hops: Option<u8>,
    payload_bytes: Option<u16>,
    routes: Option<DraftRoutes>,
    min_mixers: Option<u8>,
    packets_per_round: Option<u8>,
    mailboxes: Option<u32>,
    mailbox_replicas: Option<u8>,
    genesis_unix_ms: Option<u64>,
    round_ms: Option<u32>,
    open_ms: Option<u32>,
    submit_ms: Option<u32>,
    phase_ms: Option<u32>,
    deliver_ms: Option<u32>,
    download_ms: Option<u32>,
    noise_mu_thousandths: Option<u32>,
    noise_b_thousandths: Option<u32>,
    min_batch_packets: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DraftRoutes {
    Round,
    Rotations,
    Free,
}

impl DraftParameters {
    /// Those of a new network with so many mixers and mailbox servers.
    ///
    /// # Errors
    /// If the sizes are impossible.
    pub fn of_new(self, mixers: usize, mailbox_servers: usize) -> Outcome<Parameters> {
        let defaults = defaults(mixers, mailbox_servers, self.round_ms.unwrap_or(600_000))?;
        self.over(defaults)
    }

    /// `base` with the fields that are set.
    ///
    /// # Errors
    /// If the sizes are impossible.
    pub fn over(self, base: Parameters) -> Outcome<Parameters> {
        let hops = self.hops.map_or(base.geometry.hops(), usize::from);
        let payload = self.payload_bytes.map_or(base.geometry.payload_len(), usize::from);
        Ok(Parameters {
            geometry: geometry(hops, payload)?,
            routes: match self.routes {
                None => base.routes,
                Some(DraftRoutes::Round) => RouteMode::Round,
                Some(DraftRoutes::Rotations) => RouteMode::Rotations,
                Some(DraftRoutes::Free) => RouteMode::Free,
            },
            min_mixers: self.min_mixers.unwrap_or(base.min_mixers),
            packets_per_round: self.packets_per_round.unwrap_or(base.packets_per_round),
            mailboxes: self.mailboxes.unwrap_or(base.mailboxes),
            replicas: self.mailbox_replicas.unwrap_or(base.replicas),
            genesis: self.genesis_unix_ms.map_or(base.genesis, UnixMs),
            round_ms: self.round_ms.unwrap_or(base.round_ms),
            open_ms: self.open_ms.unwrap_or(base.open_ms),
            submit_ms: self.submit_ms.unwrap_or(base.submit_ms),
            phase_ms: self.phase_ms.unwrap_or(base.phase_ms),
            deliver_ms: self.deliver_ms.unwrap_or(base.deliver_ms),
            download_ms: self.download_ms.unwrap_or(base.download_ms),
            noise_mu: self.noise_mu_thousandths.unwrap_or(base.noise_mu),
            noise_b: self.noise_b_thousandths.unwrap_or(base.noise_b),
            min_batch: self.min_batch_packets.unwrap_or(base.min_batch),
        })
    }
}

fn defaults(mixers: usize, mailbox_servers: usize, round_ms: u32) -> Outcome<Parameters> {
    let tenths = |n: u32| (round_ms / 10).saturating_mul(n);
    Ok(Parameters {
        geometry: geometry(mixers.clamp(1, MAX_HOPS), 1_024)?,
        routes: RouteMode::Round,
        min_mixers: small(mixers),
        packets_per_round: 4,
        mailboxes: 1,
        replicas: small(mailbox_servers.min(2)),
        // The next full minute.
        genesis: UnixMs(clock::now().0.div_ceil(60_000) * 60_000),
        round_ms,
        open_ms: tenths(1),
        submit_ms: tenths(9),
        phase_ms: tenths(1),
        deliver_ms: tenths(1),
        download_ms: tenths(5),
        noise_mu: 20_000,
        noise_b: 4_000,
        min_batch: 0,
    })
}

fn geometry(hops: usize, payload: usize) -> Outcome<Geometry> {
    Geometry::new(hops, payload).ok_or_else(|| {
        Failure::usage("there can be 1 to 16 `hops`, and `payload_bytes` of 128 to 32768")
    })
}

/// What went from all of the old servers to all of the new ones, or is too much for these, follows their number.
///
/// # Errors
/// None that could happen: there are hops.
pub fn with_servers(
    base: &Parameters,
    (old_mixers, mixers): (usize, usize),
    mailbox_servers: usize,
) -> Outcome<Parameters> {
    let hops = base.geometry.hops();
    let all_hops = hops == old_mixers.min(MAX_HOPS);
    let hops = if all_hops { mixers.clamp(1, MAX_HOPS) } else { hops };
    let all = usize::from(base.min_mixers) == old_mixers;
    Ok(Parameters {
        geometry: geometry(hops, base.geometry.payload_len())?,
        min_mixers: if all { small(mixers) } else { base.min_mixers },
        replicas: base.replicas.min(small(mailbox_servers)),
        ..*base
    })
}

fn small(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}
