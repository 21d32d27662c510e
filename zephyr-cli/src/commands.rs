//! The commands, a file each.

mod backup;
mod bench;
mod check;
mod contacts;
mod demo;
mod devnet;
mod keygen;
mod mailbox_front;
mod manage;
mod network;
mod outbox;
mod pipe;
mod plan;
mod recv;
mod register;
mod send;
mod server;
mod soak;

use std::path::PathBuf;

use zephyr_client::{Registrar, Registration, Store};
use zephyr_core::Role;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure, Outcome};

/// Does what was asked for.
///
/// # Errors
/// Says why not, and what to do.
pub async fn run(cli: Cli) -> Outcome {
    let home = cli.home;
    match cli.command {
        Command::Register(args) => register::run(&home_dir(home)?, args).await,
        Command::Send(args) => send::run(open_home(home).await?, args).await,
        Command::Outbox(args) => outbox::run(open_home(home).await?, &args).await,
        Command::Recv(args) => {
            let dir = home_dir(home)?;
            recv::run(Store::open(&dir).await?, &dir, args).await
        }
        Command::Pipe => {
            let dir = home_dir(home)?;
            pipe::run(Store::open(&dir).await?, &dir).await
        }
        Command::Contacts(command) => contacts::run(open_home(home).await?, command).await,
        Command::Backup(args) => backup::backup(open_home(home).await?, args).await,
        Command::Restore(args) => backup::restore(&home_dir(home)?, args).await,
        Command::Check => check::run(open_home(home).await?).await,
        Command::Veto => manage::veto(open_home(home).await?).await,
        Command::Unregister => manage::unregister(open_home(home).await?).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Soak(args) => soak::run(args).await,
        Command::Plan(args) => plan::run(&args).await,
        Command::Bench(command) => bench::run(command).await,
        Command::Devnet(args) => devnet::run(args).await,
        Command::Keygen(args) => keygen::run(&args),
        Command::Network(command) => network::run(command),
        Command::Pkg(args) => server::run(Role::Pkg, args).await,
        Command::Mixer(args) => server::run(Role::Mixer, args).await,
        Command::Info(args) => server::run(Role::Info, args).await,
        Command::Mailbox(args) => server::run(Role::Mailbox, args).await,
        Command::MailboxFront(args) => mailbox_front::run(args).await,
    }
}

fn home_dir(given: Option<PathBuf>) -> Outcome<PathBuf> {
    let default = || Some(std::env::home_dir()?.join(".zephyr"));
    given.or_else(default).ok_or_else(|| {
        Failure::usage("nobody knows where your home folder is: say --home DIR or set ZEPHYR_HOME")
    })
}

async fn open_home(given: Option<PathBuf>) -> Outcome<Store> {
    Ok(Store::open(&home_dir(given)?).await?)
}

/// Refuses a home that is not registered with all PKGs, as far as it knows.
async fn require_registered(store: &Store) -> Outcome {
    let states = Registrar::new(store.clone()).status().await?;
    let missing = states.iter().find(|(_, state)| *state == Registration::None);
    let waiting = states.iter().find(|(_, state)| *state == Registration::CodeSent);
    let address = store.home().address();
    let sentence = match (missing, waiting) {
        (None, None) => return Ok(()),
        (Some((pkg, _)), _) => format!("{address} is not registered with {}", pkg.name),
        (None, Some((pkg, _))) => {
            format!("the code that {} mailed to {address} is missing", pkg.name)
        }
    };
    let advice = format!("run `zephyr register {address} --network FILE`");
    Err(Failure::new(Exit::NotRegistered, format!("{sentence}: {advice}")))
}

fn count(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}
