//! The draft of a network: what `keygen` printed for each server, and the parameters.

pub mod parameters;

use std::path::Path;

use serde::Deserialize;
use zephyr_client::Network;
use zephyr_core::{Role, ServerEntry, ServerId};

use crate::exit::{Failure, Outcome};
use crate::files;

use parameters::DraftParameters;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftServer {
    name: String,
    identity: String,
    link_key: String,
    client: String,
    peer: String,
}

/// What stands in several drafts.
#[derive(Default)]
pub struct Drafts {
    /// In at most one of them.
    pub parameters: Option<DraftParameters>,
    servers: Vec<(Role, DraftServer)>,
}

impl Drafts {
    /// Reads drafts, each with its file's name.
    ///
    /// # Errors
    /// Says which file is wrong and how it should be.
    pub fn parse(texts: &[(String, String)]) -> Outcome<Self> {
        let mut drafts = Self::default();
        for (name, text) in texts {
            let draft: Draft = toml::from_str(text).map_err(|error| {
                Failure::usage(format!("{name} is no draft of a network: {error}"))
            })?;
            if let Some(found) = draft.parameters
                && drafts.parameters.replace(found).is_some()
            {
                return Err(Failure::usage(format!(
                    "{name} has [parameters] as another draft does: leave them in one of them only"
                )));
            }
            let lists = [draft.mixer, draft.pkg, draft.info, draft.mailbox];
            for (role, list) in Role::ALL.into_iter().zip(lists) {
                drafts.servers.extend(list.into_iter().map(|server| (role, server)));
            }
        }
        Ok(drafts)
    }

    /// The parameters in a file that has nothing else. `instead` says where the servers come from.
    ///
    /// # Errors
    /// If the file can't be read, or is no such draft.
    pub fn parameters_in(path: &Path, instead: &str) -> Outcome<DraftParameters> {
        let drafts = Self::parse(&[(path.display().to_string(), files::read_text(path)?)])?;
        drafts.parameters.filter(|_| drafts.servers.is_empty()).ok_or_else(|| {
            let path = path.display();
            Failure::usage(format!("{path} must have [parameters] and no servers: {instead}"))
        })
    }

    /// The servers.
    ///
    /// # Errors
    /// Says which field of which server is wrong.
    pub fn servers(&self) -> Outcome<Vec<ServerEntry<'_>>> {
        self.servers.iter().map(|(role, server)| server.entry(*role)).collect()
    }
}

/// The network of these drafts, each with its file's name.
///
/// # Errors
/// Says which file is wrong and how it should be.
pub fn network(texts: &[(String, String)]) -> Outcome<Network> {
    let mut drafts = Drafts::parse(texts)?;
    let parameters = drafts.parameters.take().unwrap_or_default();
    let servers = drafts.servers()?;
    let count = |role| servers.iter().filter(|server| server.role == role).count();
    let parameters = parameters.of_new(count(Role::Mixer), count(Role::Mailbox))?;
    Ok(Network::new(&parameters, &servers)?)
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
