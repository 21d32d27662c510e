//! `zephyr devnet`: a whole network on this machine, left running.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use zephyr_client::Network;
use zephyr_core::{Geometry, MAX_HOPS, Parameters, Role, RouteMode};
use zephyr_server::ServerEvent;
use zephyr_server::mail::{CaughtMail, MailCatcher};

use crate::cli::DevnetArgs;
use crate::clock;
use crate::commands::network::draft::Drafts;
use crate::exit::{Failure, Outcome};
use crate::files;
use crate::local_network::{Counts, LocalNetwork, Member, Settings, new_members, new_network};
use crate::output::{line, note};
use crate::signals::asked_to_stop;

/// A developer does not wait a day.
const REPLACEMENT_WAIT_MS: u64 = 60_000;

pub async fn run(args: DevnetArgs) -> Outcome {
    let stop = asked_to_stop();
    tokio::pin!(stop);
    tokio::select! {
        started = start(&args) => {
            let devnet = started?;
            stop.await;
            devnet.network.stop().await;
            line("stopped");
        }
        () = &mut stop => {}
    }
    Ok(())
}

struct Devnet {
    network: LocalNetwork,
    _lock: fs::File,
    _catcher: MailCatcher,
}

async fn start(args: &DevnetArgs) -> Outcome<Devnet> {
    files::private_dir(&args.dir)?;
    let lock = files::lock(&args.dir.join("lock"))?.ok_or_else(|| {
        let dir = args.dir.display();
        Failure::failed(format!("a devnet is running in {dir}: stop it, or use another --dir"))
    })?;
    let (network, members) = open(args)?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (catcher, mails) = MailCatcher::start(any)
        .await
        .map_err(|error| Failure::failed(format!("the mail catcher can't listen: {error}")))?;
    let mail_dir = args.dir.join("mail");
    files::private_dir(&mail_dir)?;
    tokio::spawn(keep_mails(mails, mail_dir.clone()));
    let settings = Settings {
        smtp: catcher.address(),
        folder: Some(args.dir.join("servers")),
        replacement_wait_ms: REPLACEMENT_WAIT_MS,
    };
    let local = LocalNetwork::start(&network, &members, &settings).await?;
    let mixer = local.nodes(Role::Mixer).next();
    let (_, mixer) = mixer.ok_or_else(|| Failure::failed("the network has no mixer"))?;
    let round = first_round(mixer.events()).await?;
    let (dir, file) = (args.dir.display(), args.dir.join("network.toml"));
    line(format_args!("A network of {} servers is running in {dir}.", members.len()));
    line(format_args!(
        "  zephyr --home HOME register ADDRESS --network {}      the mailed codes are in {}",
        file.display(),
        mail_dir.display()
    ));
    line("Ctrl-C stops it; it goes on with the same servers when it is started again.");
    line(format_args!(
        "ready: network={} mail={} round={round}",
        file.display(),
        mail_dir.display()
    ));
    Ok(Devnet { network: local, _lock: lock, _catcher: catcher })
}

/// When there is a directory, everything works.
async fn first_round(mut events: Receiver<ServerEvent>) -> Outcome<u64> {
    loop {
        match events.recv().await {
            Ok(ServerEvent::Agreed { round, .. }) => return Ok(round.0),
            Err(tokio::sync::broadcast::error::RecvError::Closed) => {
                return Err(Failure::failed("a mixer stopped: start the devnet again"));
            }
            _ => {}
        }
    }
}

/// The network in the folder; a new one if there is none.
fn open(args: &DevnetArgs) -> Outcome<(Network, Vec<Member>)> {
    let file = args.dir.join("network.toml");
    if file.exists() {
        if let Some(draft) = &args.parameters {
            return Err(Failure::usage(format!(
                "the network in {} has its parameters already: leave --parameters {} out, or use another --dir",
                args.dir.display(),
                draft.display()
            )));
        }
        let network = Network::load(&file)?;
        check_counts(args, &network)?;
        let members = read_members(&args.dir, &network)?;
        return Ok((network, members));
    }
    let counts = Counts {
        mixers: args.mixers.unwrap_or(3),
        pkgs: args.pkgs.unwrap_or(2),
        infos: args.infos.unwrap_or(2),
        mailbox_servers: args.mailbox_servers.unwrap_or(2),
    };
    let members = new_members(&counts)?;
    let parameters = drafted(args, parameters(&counts))?;
    let network = new_network(&members, &parameters)?;
    let folder = args.dir.join("servers");
    files::private_dir(&folder)?;
    for member in &members {
        let key = key_file(&args.dir, &member.name);
        // Left over if the program was killed here: the network file comes last.
        let _ = fs::remove_file(&key);
        files::write_key(&key, &member.seed)?;
    }
    files::replace(&file, network.to_toml()?.as_bytes())
        .map_err(|error| files::unusable("the file", &file, &error))?;
    Ok((network, members))
}

fn check_counts(args: &DevnetArgs, network: &Network) -> Outcome {
    let wanted = [
        (Role::Mixer, args.mixers),
        (Role::Pkg, args.pkgs),
        (Role::Info, args.infos),
        (Role::Mailbox, args.mailbox_servers),
    ];
    for (role, wanted) in wanted {
        let there = network.manifest().servers(role).count();
        if wanted.is_some_and(|wanted| wanted != there) {
            return Err(Failure::usage(format!(
                "the network in {} has {there} servers of the role {role}: leave the number out, or use another --dir",
                args.dir.display()
            )));
        }
    }
    Ok(())
}

fn read_members(dir: &Path, network: &Network) -> Outcome<Vec<Member>> {
    let manifest = network.manifest();
    let read = |server: zephyr_core::ServerEntry<'_>| {
        let path = key_file(dir, server.name);
        let seed = files::read_key(&path)?;
        if files::public_keys(&seed).0 != server.id {
            return Err(Failure::failed(format!(
                "{} is not the key of {} in network.toml: restore it, or use another --dir",
                path.display(),
                server.name
            )));
        }
        Ok(Member { role: server.role, name: server.name.into(), seed })
    };
    manifest.all().map(read).collect()
}

fn key_file(dir: &Path, name: &str) -> PathBuf {
    dir.join("servers").join(format!("{name}.key"))
}

/// `base` with what the draft changes.
fn drafted(args: &DevnetArgs, base: Parameters) -> Outcome<Parameters> {
    let Some(path) = &args.parameters else { return Ok(base) };
    Drafts::parameters_in(path, "a devnet makes its own")?.over(base)
}

/// 2 s rounds, 4 packets with payloads of 1,024 bytes.
fn parameters(counts: &Counts) -> Parameters {
    let hops = counts.mixers.min(MAX_HOPS);
    Parameters {
        geometry: Geometry::new(hops, 1_024).expect("1 to 16 hops"),
        routes: RouteMode::Round,
        min_mixers: counts.mixers as u8,
        packets_per_round: 4,
        mailboxes: 1,
        replicas: counts.mailbox_servers.min(2) as u8,
        genesis: clock::now(),
        round_ms: 2_000,
        open_ms: 700,
        submit_ms: 1_300,
        phase_ms: 300,
        deliver_ms: 400,
        download_ms: 2_500,
        noise_mu: 2_000,
        noise_b: 500,
        min_batch: 0,
    }
}

/// Writes each mail into a file of its own, numbered.
async fn keep_mails(mut mails: mpsc::Receiver<CaughtMail>, dir: PathBuf) {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.split('-').next()?.parse().ok();
    let numbers = fs::read_dir(&dir).into_iter().flatten().flatten().filter_map(number);
    let mut last: u64 = numbers.max().unwrap_or(0);
    while let Some(mail) = mails.recv().await {
        last += 1;
        let path = dir.join(format!("{last:06}-{}.eml", clock::now().0));
        if let Err(error) = files::replace(&path, mail.text.as_bytes()) {
            note(files::unusable("the mail", &path, &error));
        }
    }
}
