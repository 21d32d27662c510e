//! `zephyr keygen`

use crate::cli::{KeygenArgs, RoleArg};
use crate::exit::Outcome;
use crate::files;
use crate::output::{line, note};

pub fn run(args: &KeygenArgs) -> Outcome {
    let seed = files::new_seed()?;
    files::write_key(&args.out, &seed)?;
    let (identity, link_key) = files::public_keys(&seed);
    let file_name = args.out.file_stem().unwrap_or_default().to_string_lossy();
    let name = args.name.as_deref().unwrap_or(&file_name);
    match args.role {
        Some(role) => line(format_args!("[[{}]]", role.table())),
        None => line("# put [[mixer]], [[pkg]], [[info]] or [[mailbox]] in front"),
    }
    line(format_args!("name = {}", toml::Value::from(name)));
    line(format_args!("identity = \"{identity}\""));
    line(format_args!("link_key = \"{}\"", hex::encode(link_key)));
    line(format_args!("client = {}", toml::Value::from(args.client.as_str())));
    line(format_args!("peer = {}", toml::Value::from(args.peer.as_str())));
    note(format_args!("The secret is in {}: keep it on the server.", args.out.display()));
    Ok(())
}

impl RoleArg {
    fn table(self) -> &'static str {
        match self {
            Self::Mixer => "mixer",
            Self::Pkg => "pkg",
            Self::Info => "info",
            Self::Mailbox => "mailbox",
        }
    }
}
