//! Whether everything that a client needs is there: clock, servers, registrations.

use futures::future::join_all;
use zephyr_core::wire::{InfoReply, InfoRequest, PkgRefusal, decode, encode};
use zephyr_core::{Manifest, Role, Round, ServerEntry, UnixMs};

use crate::clock;
use crate::registration::{Registrar, RegistrationError, RequestError, connect, exchange};
use crate::store::Store;
use crate::transport::Timeouts;

/// From here on people should set their clock, in milliseconds.
const CLOCK_MS: i64 = 2_000;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The server's role.
    pub role: Role,
    /// Its name.
    pub server: String,
    /// Whether it is as it should be.
    pub good: bool,
    /// What was found, and what to do if it isn't good.
    pub sentence: String,
}

/// Looks at the clock, the registration and every server that the home `store` needs.
pub async fn check(store: &Store) -> Vec<Finding> {
    let network = store.home().network();
    let manifest = network.manifest();
    let registrar = Registrar::new(store.clone());
    let mut servers = Vec::new();
    for role in Role::ALL {
        servers.extend(manifest.servers(role).enumerate());
    }
    let findings = servers.iter().map(async |(index, entry)| {
        let (good, sentence) = match entry.role {
            Role::Info => check_info(&manifest, entry).await,
            Role::Pkg => check_pkg(&manifest, &registrar, *index).await,
            _ => check_link(&manifest, entry).await,
        };
        Finding { role: entry.role, server: entry.name.into(), good, sentence }
    });
    join_all(findings).await
}

async fn check_link(manifest: &Manifest<'_>, entry: &ServerEntry<'_>) -> (bool, String) {
    match connect(entry, manifest.network(), Timeouts::default()).await {
        Ok(_) => (true, "can be reached and is who it should be".into()),
        Err(error) => (false, error.to_string()),
    }
}

async fn check_info(manifest: &Manifest<'_>, entry: &ServerEntry<'_>) -> (bool, String) {
    match ask_clock(manifest, entry).await {
        Ok((offset, _)) if offset.abs() <= CLOCK_MS => {
            (true, format!("can be reached; this computer's clock differs by {} ms", offset.abs()))
        }
        Ok((offset, _)) => {
            let (seconds, side) =
                (offset.abs() / 1_000, if offset > 0 { "behind" } else { "ahead" });
            (
                false,
                format!(
                    "this computer's clock is {seconds} s {side}: set it, or have it set by NTP"
                ),
            )
        }
        Err(error) => (false, error.to_string()),
    }
}

/// The node's time less the local one, in milliseconds, and the node's time.
async fn ask_clock(
    manifest: &Manifest<'_>,
    entry: &ServerEntry<'_>,
) -> Result<(i64, UnixMs), RequestError> {
    let mut connection = connect(entry, manifest.network(), Timeouts::default()).await?;
    let mut buffer = [0; 16];
    let request = encode(&InfoRequest::Clock, &mut buffer).expect("a request of one byte");
    let asked = clock::now();
    let reply = exchange(&mut connection, request).await?;
    let between = UnixMs(asked.0.midpoint(clock::now().0));
    match decode(&reply) {
        Ok(InfoReply::Clock(time)) => {
            Ok((time.0.cast_signed().wrapping_sub(between.0.cast_signed()), time))
        }
        _ => Err(RequestError::Unexpected),
    }
}

async fn check_pkg(manifest: &Manifest<'_>, registrar: &Registrar, index: usize) -> (bool, String) {
    let parameters = manifest.parameters();
    let info = manifest.server(Role::Info, 0).expect("a manifest has an info-node");
    let now = ask_clock(manifest, &info).await.map_or(clock::now(), |(_, time)| time);
    let round = Round(now.since(parameters.genesis) / u64::from(parameters.round_ms));
    match registrar.try_extract(index, round).await {
        Ok(()) => (true, "can be reached and has your address registered".into()),
        Err(RegistrationError::Refused(PkgRefusal::RoundNotOpen)) => (
            true,
            "can be reached; no round is open now, so the registration was not checked".into(),
        ),
        Err(error) => (false, error.to_string()),
    }
}
