//! `zephyr network`

mod draft;
mod show;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zephyr_client::Network;

use crate::cli::NetworkCommand;
use crate::exit::{Failure, Outcome};
use crate::files;
use crate::output::line;

pub fn run(command: NetworkCommand) -> Outcome {
    match command {
        NetworkCommand::Init { out, drafts } => init(&out, &drafts),
        NetworkCommand::Show { file } => {
            line(show::describe(&Network::load(file)?.manifest()));
            Ok(())
        }
    }
}

fn init(out: &Path, drafts: &[PathBuf]) -> Outcome {
    let mut texts = Vec::new();
    for path in drafts {
        texts.push((path.display().to_string(), files::read_text(path)?));
    }
    let network = draft::network(&texts)?;
    let text = network.to_toml()?;
    std::fs::File::create_new(out)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::failed(format!(
                "{} exists already: a network file is never overwritten, since it would be another network",
                out.display()
            )),
            _ => files::unusable("the file", out, &error),
        })?;
    line(show::describe(&network.manifest()));
    line(format_args!("\nWritten to {}: give it to all servers and users.", out.display()));
    Ok(())
}
