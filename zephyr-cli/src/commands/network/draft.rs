//! The draft of a network: what `keygen` printed for each server, and the parameters.

use serde::Deserialize;
use zephyr_client::Network;
use zephyr_core::{Geometry, Parameters, Role, RouteMode, ServerEntry, ServerId, UnixMs};

use crate::clock;
use crate::exit::{Failure, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    parameters: Option<DraftParameters>,
    #[serde(default)]
    mixer: Vec<DraftServer>,
    #[serde(default)]
    pkg: Vec<DraftServer>,
    #[serde(default)]
    info: Vec<DraftServer>,
    #[serde(default)]
    mailbox: Vec<DraftServer>,
}

/// The fields of the network file, each with a default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftParameters {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftServer {
    name: String,
    identity: String,
    link_key: String,
    client: String,
    peer: String,
}

/// The network of these drafts, each with its file's name.
///
/// # Errors
/// Says which file is wrong and how it should be.
pub fn network(drafts: &[(String, String)]) -> Outcome<Network> {
    let mut parameters = None;
    let mut servers: Vec<(Role, DraftServer)> = Vec::new();
    for (name, text) in drafts {
        let draft: Draft = toml::from_str(text)
            .map_err(|error| Failure::usage(format!("{name} is no draft of a network: {error}")))?;
        if let Some(found) = draft.parameters
            && parameters.replace(found).is_some()
        {
            return Err(Failure::usage(format!(
                "{name} has [parameters] as another draft does: leave them in one of them only"
            )));
        }
        let roles = [
            (Role::Mixer, draft.mixer),
            (Role::Pkg, draft.pkg),
            (Role::Info, draft.info),
            (Role::Mailbox, draft.mailbox),
        ];
        for (role, of_role) in roles {
            servers.extend(of_role.into_iter().map(|server| (role, server)));
        }
    }
    let entries = servers.iter().map(|(role, s)| s.entry(*role)).collect::<Outcome<Vec<_>>>()?;
    let count = |role| servers.iter().filter(|(r, _)| *r == role).count();
    let parameters =
        parameters.unwrap_or_default().parameters(count(Role::Mixer), count(Role::Mailbox))?;
    Ok(Network::new(&parameters, &entries)?)
}

impl DraftParameters {
    fn parameters(self, mixers: usize, mailbox_servers: usize) -> Outcome<Parameters> {
        let small = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let hops = self.hops.map_or(mixers.clamp(1, zephyr_core::MAX_HOPS), usize::from);
        let payload = usize::from(self.payload_bytes.unwrap_or(1_024));
        let geometry = Geometry::new(hops, payload).ok_or_else(|| {
            Failure::usage("there can be 1 to 16 `hops`, and `payload_bytes` of 128 to 32768")
        })?;
        let round_ms = self.round_ms.unwrap_or(600_000);
        let tenths = |n: u32| (round_ms / 10).saturating_mul(n);
        Ok(Parameters {
            geometry,
            routes: match self.routes.unwrap_or(DraftRoutes::Round) {
                DraftRoutes::Round => RouteMode::Round,
                DraftRoutes::Rotations => RouteMode::Rotations,
                DraftRoutes::Free => RouteMode::Free,
            },
            min_mixers: self.min_mixers.unwrap_or(small(mixers)),
            packets_per_round: self.packets_per_round.unwrap_or(4),
            mailboxes: self.mailboxes.unwrap_or(1),
            replicas: self.mailbox_replicas.unwrap_or(small(mailbox_servers.min(2))),
            // The next full minute.
            genesis: UnixMs(
                self.genesis_unix_ms.unwrap_or(clock::now().0.div_ceil(60_000) * 60_000),
            ),
            round_ms,
            open_ms: self.open_ms.unwrap_or(tenths(1)),
            submit_ms: self.submit_ms.unwrap_or(tenths(9)),
            phase_ms: self.phase_ms.unwrap_or(tenths(1)),
            deliver_ms: self.deliver_ms.unwrap_or(tenths(1)),
            download_ms: self.download_ms.unwrap_or(tenths(5)),
            noise_mu: self.noise_mu_thousandths.unwrap_or(20_000),
            noise_b: self.noise_b_thousandths.unwrap_or(4_000),
            min_batch: self.min_batch_packets.unwrap_or(0),
        })
    }
}

impl DraftServer {
    fn entry(&self, role: Role) -> Outcome<ServerEntry<'_>> {
        let wrong = |what: &str, wanted: &str| {
            Failure::usage(format!("the {what} of the {role} {:?} must be {wanted}", self.name))
        };
        let key = |what: &str, text: &str| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes)
                .map(|()| bytes)
                .map_err(|_| wrong(what, "64 hexadecimal digits, as `zephyr keygen` prints them"))
        };
        let placeholder = |address: &str| address.contains("HOST") || !address.contains(':');
        if placeholder(&self.client) {
            return Err(wrong(
                "client address",
                "where clients reach it, such as zephyr.example.org:7100",
            ));
        }
        if placeholder(&self.peer) {
            return Err(wrong(
                "peer address",
                "where servers reach it, such as zephyr.example.org:7200",
            ));
        }
        Ok(ServerEntry {
            role,
            id: ServerId::from_bytes(key("identity", &self.identity)?),
            link_key: key("link_key", &self.link_key)?,
            name: &self.name,
            client_address: &self.client,
            peer_address: &self.peer,
        })
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::files::public_keys;

    fn server(role: &str, number: u8) -> String {
        let (identity, link_key) = public_keys(&Zeroizing::new([number; 32]));
        format!(
            "[[{role}]]\nname = \"{role}-{number}\"\nidentity = \"{identity}\"\nlink_key = \"{}\"\nclient = \"h:1\"\npeer = \"h:2\"\n",
            hex::encode(link_key)
        )
    }

    type Drafts = Vec<(String, String)>;

    fn drafts() -> Drafts {
        let roles = ["mixer", "mixer", "mixer", "pkg", "info", "mailbox"];
        roles.iter().zip(1..).map(|(role, n)| (format!("{role}-{n}"), server(role, n))).collect()
    }

    #[test]
    fn drafts_become_a_network_with_defaults() {
        let network = network(&drafts()).expect("complete");
        let manifest = network.manifest();
        let parameters = manifest.parameters();
        assert_eq!((parameters.geometry.hops(), parameters.min_mixers), (3, 3));
        assert_eq!((parameters.round_ms, parameters.submit_ms), (600_000, 540_000));
        assert_eq!(parameters.replicas, 1);
        assert_eq!(Network::parse(&network.to_toml().unwrap()).unwrap(), network);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |change: &dyn Fn(&mut Drafts)| {
            let mut drafts = drafts();
            change(&mut drafts);
            network(&drafts).expect_err("wrong").to_string()
        };
        assert!(refused(&|d| d.truncate(3)).contains("role pkg"));
        assert!(
            refused(&|d| d[0].1 = d[0].1.replace("h:1", "HOST:7100")).contains("client address")
        );
        assert!(refused(&|d| d[1].1.push_str("colour = 1\n")).contains("mixer-2"));
        assert!(refused(&|d| d[1].1 = d[0].1.clone()).contains("same identity"));
        let parameters = "[parameters]\nround_ms = 1000\n";
        let twice = refused(&|d| {
            d[0].1.insert_str(0, parameters);
            d[1].1.insert_str(0, parameters);
        });
        assert!(twice.contains("[parameters]"), "{twice}");
        let few = refused(&|d| d[0].1.insert_str(0, "[parameters]\nmin_mixers = 1\n"));
        assert!(few.contains("min_mixers"), "{few}");
    }
}
