//! The configuration of a server process.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zephyr_client::Network;
use zephyr_core::Role;
use zephyr_machine::SharedManifest;
use zephyr_machine::pkg::PkgRules;
use zephyr_server::listen::Limits;
use zephyr_server::mail::SmtpConfig;
use zephyr_server::store::Database;
use zephyr_server::{FrontConfig, Native, NodeConfig, PkgConfig};

use crate::exit::{Failure, Outcome};
use crate::files::{self, Seed};

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
    /// Where to listen for the other servers, `host:port`: needed by all but fronts.
    peer_listen: Option<String>,
    /// The folder for what must survive a restart: not needed by info-nodes.
    state: Option<PathBuf>,
    /// PKG and mailbox: `sqlite:///path/to/file.db`, `sqlite::memory:` or `postgres://user@host/name`; by default a file
    /// in `state`.
    database: Option<String>,
    /// The file with the password for PostgreSQL, if it is not in the URL or in PostgreSQL's own password file.
    database_password_file: Option<PathBuf>,
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

/// A front that is to be started.
pub struct Front {
    /// For [`MailboxFront::start`](zephyr_server::MailboxFront::start).
    pub front: FrontConfig,
    /// The name of its mailbox server in the network file.
    pub name: String,
    /// The network file.
    pub network: PathBuf,
}

/// Reads the configuration of a server that is to be a `role`.
///
/// # Errors
/// Says which line is wrong, and how it should be.
pub fn load(role: Role, path: &Path) -> Outcome<Server> {
    read(path, |file, folder| file.check(role).and_then(|()| file.server(role, folder)))
}

/// Reads the configuration of a mailbox server's front.
///
/// # Errors
/// As [`load`].
pub fn load_front(path: &Path) -> Outcome<Front> {
    read(path, |file, folder| file.check_front().and_then(|()| file.front(folder)))
}

fn read<T>(path: &Path, make: impl FnOnce(File, &Path) -> Outcome<T>) -> Outcome<T> {
    let text = files::read_text(path)?;
    let file: File = toml::from_str(&text).map_err(|error| {
        Failure::usage(format!("{} is no configuration: {error}", path.display()))
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    make(file, folder).map_err(|failure| failure.of(path.display()))
}

impl File {
    /// What belongs to other roles is a mistake that would go unnoticed.
    fn check(&self, role: Role) -> Outcome {
        let misplaced = [
            ("smtp", self.smtp.is_some(), role == Role::Pkg),
            ("rules", self.rules.is_some(), role == Role::Pkg),
            ("database", self.database.is_some(), matches!(role, Role::Pkg | Role::Mailbox)),
            ("database_password_file", self.database_password_file.is_some(), self.is_postgres()),
        ];
        for (name, there, belongs) in misplaced {
            if there && !belongs {
                let whom = match name {
                    "database_password_file" => "a database other than PostgreSQL".into(),
                    _ => format!("a server of the role {role}"),
                };
                return Err(Failure::usage(format!("`{name}` is not for {whom}: remove it")));
            }
        }
        if role == Role::Pkg && self.smtp.is_none() {
            return Err(Failure::usage(
                "a PKG mails codes: add a section [smtp], see docs/samples/pkg.toml",
            ));
        }
        if self.peer_listen.is_none() {
            return Err(Failure::usage(
                "set `peer_listen` to where the other servers reach this one, such as 0.0.0.0:7200",
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

    /// A front has nothing of its own but ports.
    fn check_front(&self) -> Outcome {
        let misplaced = [
            ("peer_listen", self.peer_listen.is_some()),
            ("state", self.state.is_some()),
            ("smtp", self.smtp.is_some()),
            ("rules", self.rules.is_some()),
        ];
        if let Some((name, _)) = misplaced.iter().find(|(_, there)| *there) {
            let text = format!("`{name}` is not for a front: remove it");
            return Err(Failure::usage(text));
        }
        match self.is_postgres() {
            true => Ok(()),
            false => Err(Failure::usage(
                "set `database` to that of the mailbox server, which must be PostgreSQL's: postgres://user@host/name",
            )),
        }
    }

    fn is_postgres(&self) -> bool {
        self.database.as_ref().is_some_and(|url| Database::new(url).is_postgres())
    }

    fn server(self, role: Role, folder: &Path) -> Outcome<Server> {
        let at = |path: &Path| folder.join(path);
        let (network_file, network, seed, name) = self.identity(role, folder)?;
        let state = self.state.as_deref().map(at);
        if let Some(state) = &state {
            files::private_dir(state)?;
        }
        let file = state.as_ref().map(|state| sqlite_url(&state.join(format!("{role}.db"))));
        let database = self.database(folder).or_else(|| file.map(Database::new));
        let limits = self.limits();
        let pkg_database = database.clone();
        let pkg = self.smtp.map(|mut smtp| {
            smtp.password_file = smtp.password_file.as_deref().map(at);
            smtp.root_certificate = smtp.root_certificate.as_deref().map(at);
            PkgConfig { smtp, rules: self.rules.unwrap_or_default(), database: pkg_database }
        });
        let node = NodeConfig {
            manifest: shared_manifest(&network)?,
            seed,
            client_listen: self.client_listen,
            peer_listen: self.peer_listen.unwrap_or_default(),
            state,
            pkg,
            mailbox_database: database.filter(|_| role == Role::Mailbox),
            metrics_listen: self.metrics_listen,
            limits,
        };
        Ok(Server { node, name, network: network_file })
    }

    fn front(self, folder: &Path) -> Outcome<Front> {
        let (network_file, network, seed, name) = self.identity(Role::Mailbox, folder)?;
        let database = self.database(folder).unwrap_or_else(Database::memory);
        let (manifest, limits) = (shared_manifest(&network)?, self.limits());
        let front = FrontConfig {
            manifest,
            seed,
            client_listen: self.client_listen,
            database,
            metrics_listen: self.metrics_listen,
            limits,
        };
        Ok(Front { front, name, network: network_file })
    }

    /// The network's file and what it says, the key, and the name of the server that has it.
    fn identity(&self, role: Role, folder: &Path) -> Outcome<(PathBuf, Network, Seed, String)> {
        let network_file = folder.join(&self.network);
        let network = Network::load(&network_file)?;
        let seed = files::read_key(&folder.join(&self.key))?;
        let name = own_name(role, &network, &files::public_keys(&seed).0)?;
        Ok((network_file, network, seed, name))
    }

    fn database(&self, folder: &Path) -> Option<Database> {
        let password_file = self.database_password_file.as_deref().map(|file| folder.join(file));
        Some(Database::new(self.database.as_deref()?).with_password_file(password_file))
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.connections = self.max_connections.unwrap_or(limits.connections);
        limits.connections_per_prefix =
            self.max_connections_per_prefix.unwrap_or(limits.connections_per_prefix);
        limits
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
        let front = files::read_text(&samples().join("mailbox-front.toml")).unwrap();
        toml::from_str::<File>(&front).unwrap().check_front().unwrap();
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
        let password = with("state = \".\"\ndatabase_password_file = \"x\"");
        assert!(refusal(Role::Mailbox, &password).contains("PostgreSQL"));
        let alone = GOOD.replace("peer_listen", "#");
        assert!(refusal(Role::Info, &alone).contains("`peer_listen`"));
    }

    #[test]
    fn a_front_has_a_port_for_clients_and_a_shared_database_only() {
        let front = |text: &str| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("front.toml");
            std::fs::write(&path, text).unwrap();
            load_front(&path).map(|_| ()).expect_err("refused").to_string()
        };
        assert!(front(GOOD).contains("`peer_listen`"));
        let alone = GOOD.replace("peer_listen", "#");
        assert!(front(&alone).contains("PostgreSQL"));
        assert!(front(&format!("{alone}database = \"sqlite::memory:\"")).contains("PostgreSQL"));
        let shared = format!("{alone}database = \"postgres://z@host/z\"");
        assert!(front(&format!("{shared}\nstate = \".\"")).contains("`state`"));
        assert!(front(&shared).contains("network.toml"));
    }

    #[test]
    fn the_path_of_a_database_may_have_any_characters() {
        assert_eq!(sqlite_url(Path::new("/a b/c?.db")), "sqlite:///a b/c%3F.db");
    }
}
