//! `zephyr network`

pub mod draft;
mod next;
mod show;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zephyr_core::Round;

use crate::cli::NetworkCommand;
use crate::clock;
use crate::exit::{Failure, Outcome};
use crate::files;
use crate::output::line;

pub fn run(command: NetworkCommand) -> Outcome {
    match command {
        NetworkCommand::Init { out, drafts } => init(&out, &drafts),
        NetworkCommand::Next { file, out, drafts, remove, client, peer, when } => {
            let changes = next::Changes { drafts: read(&drafts)?, remove, client, peer, when };
            next::draft(&file, &out, changes)
        }
        NetworkCommand::Sign { file, key, merge } => next::sign(&file, key.as_deref(), &merge),
        NetworkCommand::Export { file } => export(&file),
        NetworkCommand::Show { file } => {
            let (network, next) = next::read(&file)?;
            line(show::describe(&network, next.as_ref()));
            Ok(())
        }
    }
}

fn init(out: &Path, drafts: &[PathBuf]) -> Outcome {
    let network = draft::network(&read(drafts)?)?;
    create(out, &network.to_toml()?)?;
    line(show::describe(&network, None));
    line(format_args!("\nWritten to {}: give it to all servers and users.", out.display()));
    Ok(())
}

/// The manifest in effect on stdout.
fn export(file: &Path) -> Outcome {
    let network = next::read(file)?.0;
    let now = network.first().parameters().opened_by(clock::now()).unwrap_or(Round(0));
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, network.at(now).as_bytes())
        .map_err(|error| Failure::failed(format!("the manifest can't be written: {error}")))
}

/// The drafts with their files' names.
fn read(drafts: &[PathBuf]) -> Outcome<Vec<(String, String)>> {
    drafts.iter().map(|path| Ok((path.display().to_string(), files::read_text(path)?))).collect()
}

/// Writes a new file.
fn create(out: &Path, text: &str) -> Outcome {
    std::fs::File::create_new(out)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::failed(format!(
                "{} exists already: a network file is never overwritten, since it would be another network",
                out.display()
            )),
            _ => files::unusable("the file", out, &error),
        })
}
