//! `zephyr bench`: what the servers can do on this machine, beside the cryptography that they can't do without.
//!
//! ```text
//! round     a round over real sockets, from the last submission to the last mailbox
//! pkg       shares of private keys, from a PKG in a process of its own
//! info      directories, from an info-node in a process of its own
//! mailbox   an upload and downloads, at a mailbox server in a process of its own
//! traffic   what a client sends and receives in a round
//! ```

mod apart;
mod arena;
mod bare;
mod info;
mod load;
mod mailbox;
pub(super) mod packets;
mod pkg;
mod round;
mod rows;
mod traffic;

use crate::cli::BenchCommand;
use crate::exit::Outcome;

pub async fn run(command: BenchCommand) -> Outcome {
    let (rows, json) = match command {
        BenchCommand::Round(args) => (round::run(&args).await?, args.json),
        BenchCommand::Pkg(args) => (pkg::run(&args).await?, args.json),
        BenchCommand::Info(args) => (info::run(&args).await?, args.json),
        BenchCommand::Mailbox(args) => (mailbox::run(&args).await?, args.json),
        BenchCommand::Traffic(args) => (traffic::run(&args).await?, args.json),
    };
    rows::show(&rows, json);
    Ok(())
}
