//! The program `zephyr`: a demonstration, a network for developers, servers, and a messenger for the terminal.
//!
//! ```text
//! cli             what can be typed
//! commands        what it does, a file for each command
//! local_network   all servers of a network in this process, for `demo` and `devnet`
//! network_watch   a server's network file while the server runs
//! passphrase      a secret that is typed, or read
//! online          running a client and noticing what keeps it from its work
//! exit            sentences and exit codes
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod cli;
mod clock;
mod commands;
mod exit;
mod files;
mod local_network;
mod network_watch;
mod online;
mod output;
mod passphrase;
mod server_config;
mod signals;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. Libraries warn of what the program copes with.
const LOG: &str = "warn,libp2p_kad=error,libp2p_swarm=error,sqlx=error";

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let log = if cli.command.shows_what_fails() { "error" } else { LOG };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(log));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::Failure::failed(format!("the program can't start: {error}")).tell();
        }
    };
    let result = runtime.block_on(commands::run(cli));
    // A thread may still wait for somebody to type.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
