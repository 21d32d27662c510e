//! The next version of a network: drafted by one, signed by all.

use std::path::{Path, PathBuf};

use zephyr_client::{Network, NextVersion};
use zephyr_core::{Manifest, Parameters, Role, Round, ServerEntry};

use crate::cli::When;
use crate::clock;
use crate::exit::{Failure, Outcome};
use crate::files;
use crate::output::line;

use super::draft::{Drafts, parameters};
use super::{create, show};

/// What is to be different.
pub struct Changes {
    /// Entries of servers and parameters, each text with its file's name.
    pub drafts: Vec<(String, String)>,
    /// Names or identities.
    pub remove: Vec<String>,
    /// `NAME=ADDRESS`.
    pub client: Vec<String>,
    /// `NAME=ADDRESS`.
    pub peer: Vec<String>,
    pub when: When,
}

/// The network in a file, and the version behind it that is not signed by all yet.
pub fn read(path: &Path) -> Outcome<(Network, Option<NextVersion>)> {
    let text = files::read_text(path)?;
    Network::parse_next(&text).map_err(|error| Failure::from(error).of(path.display()))
}

/// Writes the network in `file` with a next version into `out`.
pub fn draft(file: &Path, out: &Path, changes: Changes) -> Outcome {
    let (network, waiting) = read(file)?;
    if let Some(next) = waiting {
        return Err(Failure::usage(format!(
            "version {} in {} lacks signatures: sign it first, or start from a file without it",
            next.manifest().version(),
            file.display()
        )));
    }
    let next = changes.next(&network)?;
    create(out, &next.to_toml()?)?;
    line(show::describe(&network, Some(&next)));
    line(format_args!(
        "\nWritten to {}: the operators who are named above sign it with `zephyr network sign`.",
        out.display()
    ));
    Ok(())
}

/// Adds signatures to the version in `file`.
pub fn sign(file: &Path, key: Option<&Path>, merge: &[PathBuf]) -> Outcome {
    let waiting = read(file)?.1;
    let mut next = waiting.ok_or_else(|| {
        Failure::usage(format!(
            "{} has no version that lacks signatures: see `zephyr network show`",
            file.display()
        ))
    })?;
    for path in merge {
        let other = read(path)?.1.ok_or_else(|| {
            Failure::usage(format!("{} lacks no signatures: use it as it is", path.display()))
        })?;
        next.merge(&other).map_err(|error| Failure::from(error).of(path.display()))?;
    }
    if let Some(key) = key {
        next.sign(&zephyr_core::server_keys(&*files::read_key(key)?).0).map_err(|_| {
            Failure::usage(format!(
                "{} is not the key of a mixer or PKG of version {}, whose signatures count",
                key.display(),
                next.network().manifest().version()
            ))
        })?;
    }
    files::replace_public(file, next.to_toml()?.as_bytes())?;
    line(format_args!("version {} is {}", next.manifest().version(), show::signatures(&next)));
    Ok(())
}

impl Changes {
    fn next(&self, network: &Network) -> Outcome<NextVersion> {
        let old = network.manifest();
        let mut drafts = Drafts::parse(&self.drafts)?;
        let over = drafts.parameters.take().unwrap_or_default();
        let entries = drafts.servers()?;
        let servers = self.servers(&old, &entries)?;
        let count = |role| servers.iter().filter(|server| server.role == role).count();
        let mixers = (old.servers(Role::Mixer).count(), count(Role::Mixer));
        let base = parameters::with_servers(old.parameters(), mixers, count(Role::Mailbox))?;
        let from = from_round(&self.when, old.parameters())?;
        Ok(NextVersion::new(network, from, &over.over(base)?, &servers)?)
    }

    /// The servers of the next version: those that stay in their places, the new ones behind them.
    fn servers<'s>(
        &'s self,
        old: &Manifest<'s>,
        drafts: &[ServerEntry<'s>],
    ) -> Outcome<Vec<ServerEntry<'s>>> {
        let mut servers: Vec<_> = old.all().collect();
        for name in &self.remove {
            servers.remove(place(&servers, name)?);
        }
        for entry in drafts {
            match servers.iter_mut().find(|server| server.id == entry.id) {
                Some(server) => *server = *entry,
                None => servers.push(*entry),
            }
        }
        for (name, address) in pairs(&self.client)? {
            let place = place(&servers, name)?;
            servers[place].client_address = address;
        }
        for (name, address) in pairs(&self.peer)? {
            let place = place(&servers, name)?;
            servers[place].peer_address = address;
        }
        Ok(servers)
    }
}

/// A round that has not opened yet.
fn from_round(when: &When, parameters: &Parameters) -> Outcome<Round> {
    let first_after = |time| parameters.opened_by(time).map_or(Round(0), |last| Round(last.0 + 1));
    let next = first_after(clock::now());
    match (when.from_round, when.after) {
        (Some(round), _) if round < next.0 => Err(Failure::usage(format!(
            "round {round} has opened already: the next one is {next}, and all must have signed before"
        ))),
        (Some(round), _) => Ok(Round(round)),
        (None, after) => {
            let ms = after.unwrap_or_default().as_millis().try_into().unwrap_or(u64::MAX);
            Ok(first_after(clock::now().plus(ms)))
        }
    }
}

/// The server with this name or identity.
fn place(servers: &[ServerEntry<'_>], name: &str) -> Outcome<usize> {
    let fits = |server: &ServerEntry<'_>| server.name == name || server.id.to_string() == name;
    let mut places = servers.iter().enumerate().filter(|(_, server)| fits(server));
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (None, _) => Err(Failure::usage(format!("the network has no server {name:?}"))),
        _ => Err(Failure::usage(format!(
            "the network has several servers with the name {name:?}: write the identity instead"
        ))),
    }
}

fn pairs(texts: &[String]) -> Outcome<Vec<(&str, &str)>> {
    let pairs: Option<Vec<_>> = texts
        .iter()
        .map(|text| text.split_once('=').filter(|(_, address)| address.contains(':')))
        .collect();
    pairs.ok_or_else(|| Failure::usage("write an address as NAME=HOST:PORT"))
}
