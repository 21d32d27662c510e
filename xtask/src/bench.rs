//! Speed and memory of the whole system, each figure beside what it is compared to.

mod row;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::{
    step::{Failure, Outcome, run},
    toolchain::cargo,
};
use row::Row;

/// The benchmark programs: package and name. Started with `--rows` each prints only rows.
const PROGRAMS: &[(&str, &str)] = &[
    ("zephyr-core", "onion"),
    ("zephyr-blst", "messages"),
    ("zephyr-client", "scan"),
    ("zephyr-machine", "mixer"),
    ("zephyr-server", "store"),
];
/// What `zephyr bench` measures in whole networks, over real sockets. Of rounds the best of three counts: other programs
/// only ever add to a measurement.
const NETWORKS: &[&[&str]] =
    &[&["round", "--repeat", "3"], &["pkg"], &["info"], &["mailbox"], &["traffic"]];

/// Measures everything and prints it as a table, or as JSON with `--json`. Fails when a limit is missed.
pub fn command(options: &[&str]) -> Outcome {
    let json = match options {
        [] => false,
        ["--json"] => true,
        _ => return Err(Failure::new("`cargo xtask bench` takes `--json` or nothing.")),
    };
    build()?;
    let mut rows = Vec::new();
    for (package, name) in PROGRAMS {
        let mut command = cargo();
        command.args(["bench", "--quiet", "--locked", "--workspace", "--bench", name]);
        rows.extend(rows_of(&format!("{package}: {name}"), command.args(["--", "--rows"]))?);
    }
    for arguments in NETWORKS {
        let mut command = cargo();
        command.args(["run", "--quiet", "--locked", "--release", "--package", "zephyr-cli", "--"]);
        let what = format!("zephyr bench {}", arguments.join(" "));
        rows.extend(rows_of(&what, command.arg("bench").args(*arguments).arg("--json"))?);
    }
    print!("{}", if json { row::json(&rows) } else { row::table(&rows) });
    let complaints: Vec<_> = rows.iter().filter_map(Row::complaint).collect();
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n"))) }
}

/// Builds everything first, so that no compiler runs while something is measured.
fn build() -> Outcome {
    let mut programs = cargo();
    programs.args(["bench", "--locked", "--workspace", "--no-run"]);
    for (_, name) in PROGRAMS {
        programs.args(["--bench", name]);
    }
    run(&mut programs)?;
    run(cargo().args(["build", "--locked", "--release", "--package", "zephyr-cli"]))
}

/// Runs a program that prints rows.
fn rows_of(what: &str, command: &mut Command) -> Result<Vec<Row>, Failure> {
    eprintln!("{what}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::not_started(command, &error))?;
    let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let lines = stdout.lines().map_while(Result::ok).inspect(|line| eprintln!("{line}"));
    let rows: Vec<_> = lines.flat_map(|line| row::parse(&line)).collect();
    match child.wait() {
        Ok(status) if status.success() && !rows.is_empty() => Ok(rows),
        Ok(status) if status.success() => Err(Failure::new(format!("{what} has printed no row."))),
        Ok(status) => Err(Failure::of_command(what, status)),
        Err(error) => Err(Failure::new(format!("{what} could not be waited for: {error}."))),
    }
}
