//! The configuration of a server process.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zephyr_client::Network;
use zephyr_core::Role;
use zephyr_machine::SharedManifest;
use zephyr_machine::pkg::PkgRules;
use zephyr_server::listen::Limits;
use zephyr_server::mail::SmtpConfig;
use zephyr_server::{Native, NodeConfig, PkgConfig};

use crate::exit::{Failure, Outcome};
use crate::files;

/// A configuration file. Paths are relative to its folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The network's file.
    network: PathBuf,
    /// The key file that `zephyr keygen` made.
    key: PathBuf,
    /// Where to listen for clients, `host:port`.
    client_listen: String,
    /// Where to listen for the other servers, `host:port`.
    peer_listen: String,
    /// The folder for what must survive a restart: not needed by info-nodes.
    state: Option<PathBuf>,
    /// PKG and mailbox: `sqlite:///path/to/file.db` or `sqlite::memory:`; by default a file in `state`.
    database: Option<String>,
    /// PKG: the mail server.
    smtp: Option<SmtpConfig>,
    /// PKG: the limits of registration.
    rules: Option<PkgRules>,
    /// Where to serve metrics, `host:port`; nowhere by default.
    metrics_listen: Option<String>,
    /// How many clients may be connected at once; 4,096 by default.
    max_connections: Option<usize>,
    /// How many of one network prefix; 64 by default.
    max_connections_per_prefix: Option<usize>,
}

/// A server that is to be started.
pub struct Server {
    /// For [`Node::start`](zephyr_server::Node::start).
    pub node: NodeConfig,
    /// Its name in the network file.
    pub name: String,
    /// The network file.
    pub network: PathBuf,
}

/// Reads the configuration of a server that is to be a `role`.
///
/// # Errors
/// Says which line is wrong, and how it should be.
pub fn load(role: Role, path: &Path) -> Outcome<Server> {
    let text = files::read_text(path)?;
    let in_file = |failure: Failure| failure.of(path.display());
    let file: File = toml::from_str(&text).map_err(|error| {
        Failure::usage(format!("{} is no configuration: {error}", path.display()))
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    file.check(role).and_then(|()| file.server(role, folder)).map_err(in_file)
}

impl File {
    /// What belongs to other roles is a mistake that would go unnoticed.
    fn check(&self, role: Role) -> Outcome {
        let misplaced = [
            ("smtp", self.smtp.is_some(), role == Role::Pkg),
            ("rules", self.rules.is_some(), role == Role::Pkg),
            ("database", self.database.is_some(), matches!(role, Role::Pkg | Role::Mailbox)),
        ];
        for (name, there, belongs) in misplaced {
            if there && !belongs {
                return Err(Failure::usage(format!(
                    "`{name}` is not for a server of the role {role}: remove it"
                )));
            }
        }
        if role == Role::Pkg && self.smtp.is_none() {
            return Err(Failure::usage(
                "a PKG mails codes: add a section [smtp], see docs/samples/pkg.toml",
            ));
        }
        let kept = match role {
            Role::Mixer => self.state.is_some(),
            Role::Pkg | Role::Mailbox => self.state.is_some() || self.database.is_some(),
            _ => true,
        };
        if !kept {
            return Err(Failure::usage("set `state` to a folder for what must survive a restart"));
        }
        Ok(())
    }

    fn server(self, role: Role, folder: &Path) -> Outcome<Server> {
        let at = |path: &Path| folder.join(path);
        let network_file = at(&self.network);
        let network = Network::load(&network_file)?;
        let seed = files::read_key(&at(&self.key))?;
        let name = own_name(role, &network, &files::public_keys(&seed).0)?;
        let state = self.state.as_deref().map(at);
        if let Some(state) = &state {
            files::private_dir(state)?;
        }
        let default = |file: &str| state.as_ref().map(|state| sqlite_url(&state.join(file)));
        let pkg_database = self.database.clone().or_else(|| default("pkg.db"));
        let pkg = self.smtp.map(|mut smtp| {
            smtp.password_file = smtp.password_file.as_deref().map(at);
            smtp.root_certificate = smtp.root_certificate.as_deref().map(at);
            PkgConfig { smtp, rules: self.rules.unwrap_or_default(), database: pkg_database }
        });
        let mailbox_database = match role {
            Role::Mailbox => self.database.or_else(|| default("mailbox.db")),
            _ => None,
        };
        let mut limits = Limits::default();
        limits.connections = self.max_connections.unwrap_or(limits.connections);
        limits.connections_per_prefix =
            self.max_connections_per_prefix.unwrap_or(limits.connections_per_prefix);
        let node = NodeConfig {
            manifest: shared_manifest(&network)?,
            seed,
            client_listen: self.client_listen,
            peer_listen: self.peer_listen,
            state,
            pkg,
            mailbox_database,
            metrics_listen: self.metrics_listen,
            limits,
        };
        Ok(Server { node, name, network: network_file })
    }
}

/// The name of the server with this identity, if it has the role that it is to have.
fn own_name(role: Role, network: &Network, id: &zephyr_core::ServerId) -> Outcome<String> {
    // A server may be new in the newest version, or be gone from it.
    let entry = network.versions().rev().find_map(|v| v.all().find(|server| server.id == *id));
    match entry {
        Some(server) if server.role == role => Ok(server.name.into()),
        Some(server) => Err(Failure::usage(format!(
            "the network lists this key as the {} {:?}: start it with `zephyr {}`, or use the key of a {role}",
            server.role, server.name, server.role
        ))),
        None => Err(Failure::usage(
            "the network lists no server with this key: check `key` and `network`",
        )),
    }
}

/// The manifest as servers take it.
///
/// # Errors
/// None that could happen: it was checked.
pub fn shared_manifest(network: &Network) -> Outcome<SharedManifest> {
    let manifest = SharedManifest::new(network.first().as_bytes()).map_err(Failure::usage)?;
    for signed in network.updates() {
        manifest.add::<Native>(signed).map_err(Failure::usage)?;
    }
    Ok(manifest)
}

/// The URL of a database in the file `path`.
pub fn sqlite_url(path: &Path) -> String {
    let path = path.to_string_lossy();
    format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples")
    }

    #[test]
    fn the_samples_are_configurations_of_their_roles() {
        for role in Role::ALL {
            let path = samples().join(format!("{role}.toml"));
            let file: File = toml::from_str(&files::read_text(&path).unwrap()).unwrap();
            file.check(role).unwrap();
        }
    }

    fn refusal(role: Role, text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.toml");
        std::fs::write(&path, text).unwrap();
        load(role, &path).map(|_| ()).expect_err("refused").to_string()
    }

    const GOOD: &str = "network = \"network.toml\"\nkey = \"my.key\"\nclient_listen = \"127.0.0.1:0\"\npeer_listen = \"127.0.0.1:0\"\n";

    #[test]
    fn what_is_wrong_with_a_configuration_is_said() {
        let with = |more: &str| format!("{GOOD}{more}");
        assert!(refusal(Role::Mixer, GOOD).contains("`state`"));
        assert!(refusal(Role::Mixer, &with("colour = 1")).contains("colour"));
        assert!(
            refusal(Role::Mixer, &with("state = \".\"\ndatabase = \"x\"")).contains("`database`")
        );
        assert!(refusal(Role::Pkg, &with("state = \".\"")).contains("[smtp]"));
        assert!(refusal(Role::Mixer, &with("state = \".\"")).contains("network.toml"));
        assert!(refusal(Role::Mixer, "network = 1").contains("no configuration"));
    }

    #[test]
    fn the_path_of_a_database_may_have_any_characters() {
        assert_eq!(sqlite_url(Path::new("/a b/c?.db")), "sqlite:///a b/c%3F.db");
    }
}
