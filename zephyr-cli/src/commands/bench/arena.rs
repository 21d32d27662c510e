//! A network on this machine that lives for one measured round.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use zephyr_client::{Connection, Network, Timeouts};
use zephyr_core::wire::{InfoReply, InfoRequest, decode, encode};
use zephyr_core::{Geometry, Parameters, Role, Round, RouteMode, Schedule, ServerEntry};
use zephyr_server::mail::{CaughtMail, MailCatcher};

use super::apart::{Apart, Usage};
use crate::clock;
use crate::exit::{Exit, Failure, Outcome};
use crate::local_network::{Counts, LocalNetwork, Member, Settings, new_members, new_network};
use crate::output::note;

/// The round that is measured: the first one. The next one would open after everything is over.
pub const ROUND: Round = Round(0);
/// Where the network comes too late for its own round, it gets so many tries, each with twice the time.
const TRIES: u32 = 3;
/// Bytes of a payload.
pub const PAYLOAD: usize = 1_024;

/// What the round has to be good for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub counts: Counts,
    pub hops: usize,
    pub routes: RouteMode,
    pub mailboxes: u32,
    /// What a mixer adds of its own.
    pub min_batch: u32,
    /// For what clients do.
    pub submit_ms: u32,
    /// For what mixers and mailbox servers do, a phase. Nothing waits for its end.
    pub phase_ms: u32,
}

impl Plan {
    fn parameters(&self) -> Parameters {
        let Counts { mixers, pkgs, infos, mailbox_servers } = self.counts;
        let servers = (mixers + pkgs + infos + mailbox_servers) as u32;
        let open_ms = 1_000 + 200 * servers;
        let (submit_ms, phase_ms) = (self.submit_ms, self.phase_ms);
        Parameters {
            geometry: Geometry::new(self.hops, PAYLOAD).expect("1 to 16 hops"),
            routes: self.routes,
            min_mixers: mixers as u8,
            packets_per_round: 1,
            mailboxes: self.mailboxes,
            replicas: 1,
            // When it opens, all servers must be there.
            genesis: clock::now().plus((1_000 + 250 * servers + open_ms).into()),
            round_ms: 24 * 3_600_000,
            open_ms,
            submit_ms,
            phase_ms,
            deliver_ms: 2 * phase_ms,
            download_ms: 600_000,
            noise_mu: 0,
            noise_b: 0,
            min_batch: self.min_batch,
        }
    }

    fn slower(self, times: u32) -> Self {
        Self { submit_ms: self.submit_ms * times, phase_ms: self.phase_ms * times, ..self }
    }
}

/// A network while it runs. Its files are deleted with it.
pub struct Arena {
    pub network: Network,
    pub servers: LocalNetwork,
    /// The round's directory.
    pub directory: Vec<u8>,
    apart: Option<Apart>,
    mails: (MailCatcher, mpsc::Receiver<CaughtMail>),
    _folder: TempDir,
}

impl Arena {
    /// Starts the servers, the one of the role `apart` in a process of its own, and waits for the round's directory.
    /// `prepare` is shown the folder of that server before it starts.
    ///
    /// # Errors
    /// Says what does not start.
    pub async fn start<P>(plan: &Plan, apart: Option<Role>, prepare: P) -> Outcome<Self>
    where
        P: AsyncFn(&Member, &Path) -> Outcome,
    {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::failed(format!("no temporary folder: {error}")))?;
        let mut members = new_members(&plan.counts)?;
        let alone = members.iter().position(|member| Some(member.role) == apart);
        let alone = alone.map(|place| members.remove(place));
        if let Some(alone) = &alone {
            let state = folder.path().join(&alone.name);
            crate::files::private_dir(&state)?;
            prepare(alone, &state).await?;
        }
        let (catcher, mails) = MailCatcher::start("127.0.0.1:0".parse().expect("an address"))
            .await
            .map_err(|error| Failure::failed(format!("the mail catcher can't listen: {error}")))?;
        let everybody: Vec<&Member> = members.iter().chain(&alone).collect();
        let network = new_network(everybody, &plan.parameters())?;
        let apart = match &alone {
            Some(member) => Some(Apart::start(&network, member, folder.path(), catcher.address())?),
            None => None,
        };
        let settings = Settings {
            smtp: catcher.address(),
            folder: Some(folder.path().to_owned()),
            replacement_wait_ms: 60_000,
        };
        let servers = LocalNetwork::start(&network, &members, &settings).await?;
        let mails = (catcher, mails);
        let mut arena =
            Self { network, servers, directory: Vec::new(), apart, mails, _folder: folder };
        arena.directory = arena.fetch_directory().await?;
        Ok(arena)
    }

    /// The times of the round.
    pub fn schedule(&self) -> Schedule {
        self.network.manifest().parameters().schedule(ROUND)
    }

    /// A server of the network.
    pub fn server(&self, role: Role, index: usize) -> Server {
        let manifest = self.network.manifest();
        let entry = manifest.server(role, index).expect("the network has this server");
        Server::new(&entry, &self.network)
    }

    /// What the server in a process of its own has used; `None` where the system doesn't tell.
    pub fn usage(&self) -> Option<Usage> {
        self.apart.as_ref()?.usage()
    }

    async fn fetch_directory(&self) -> Outcome<Vec<u8>> {
        let info = self.server(Role::Info, 0);
        let mut link = info.connect().await?;
        let until = self.schedule().submit_from;
        while clock::now() < until {
            let mut out = [0; 16];
            let request = encode(&InfoRequest::Directory(ROUND), &mut out).expect("it is short");
            if let InfoReply::Directory(directory) = ask(&mut link, request).await? {
                return Ok(directory.to_vec());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(late("the servers have not agreed on the round's directory in time"))
    }

    /// Stops everything.
    pub async fn stop(mut self) {
        // A mail that nobody waits for must not hold up a PKG that stops.
        self.mails.1.close();
        drop(self.apart);
        self.servers.stop().await;
    }
}

/// Where to reach a server.
#[derive(Clone, Debug)]
pub struct Server {
    pub address: String,
    pub key: [u8; 32],
    pub id: zephyr_core::ServerId,
    pub network: zephyr_core::NetworkId,
}

impl Server {
    pub fn new(entry: &ServerEntry<'_>, network: &Network) -> Self {
        Self {
            address: entry.client_address.to_owned(),
            key: entry.link_key,
            id: entry.id,
            network: network.id(),
        }
    }

    /// Opens a link, as a client does.
    ///
    /// # Errors
    /// Names the server.
    pub async fn connect(&self) -> Outcome<Connection> {
        let seconds = Duration::from_secs(60);
        let timeouts = Timeouts { connect: seconds, send: seconds, receive: seconds };
        Connection::connect(&self.address, &self.key, &self.network, timeouts)
            .await
            .map_err(|error| Failure::new(Exit::Unreachable, error).of(&self.address))
    }
}

/// Sends a request and decodes the first answer.
///
/// # Errors
/// If the server is gone, or answers nonsense.
pub async fn ask<'c, T: serde::Serialize + serde::Deserialize<'c>>(
    link: &'c mut Connection,
    request: &[u8],
) -> Outcome<T> {
    link.send(request).await.map_err(Failure::failed)?;
    answer(link).await
}

/// The next answer.
///
/// # Errors
/// As [`ask`].
pub async fn answer<'c, T: serde::Serialize + serde::Deserialize<'c>>(
    link: &'c mut Connection,
) -> Outcome<T> {
    let frame = link.recv().await.map_err(Failure::failed)?;
    decode(frame).map_err(|_| Failure::failed("a server's answer makes no sense"))
}

/// Something came too late for the round, which says nothing about anybody's speed: with more time it is right.
pub fn late(sentence: &str) -> Failure {
    Failure::new(Exit::NotDelivered, format!("{sentence}: is the machine busy?"))
}

/// Tries `measure` again with a slower plan as long as something comes [late].
///
/// # Errors
/// The last one's.
pub async fn patiently<T, F: Future<Output = Outcome<T>>>(
    plan: Plan,
    measure: impl Fn(Plan) -> F,
) -> Outcome<T> {
    for attempt in 0..TRIES - 1 {
        match measure(plan.slower(1 << attempt)).await {
            Err(failure) if failure.exit() == Exit::NotDelivered => {
                note(format_args!("{failure} Once more, with more time."));
            }
            done => return done,
        }
    }
    measure(plan.slower(1 << (TRIES - 1))).await
}
