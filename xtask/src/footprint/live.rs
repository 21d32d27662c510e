//! The figures of the example chat on emulated boards: what the linker says, and what a live network takes.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use super::elf;
use super::row::{Row, Unit};
use crate::{
    firmware,
    step::{Failure, run},
    toolchain::{CORTEX_M4F, ESP32_C3, cargo},
};

/// The board's package, its target, and the test that measures it.
pub const BOARDS: [(&str, &str, &str); 2] = [
    ("zephyr-mps2-an386", CORTEX_M4F, "footprint::on_a_cortex_m4f"),
    ("zephyr-virt", ESP32_C3, "footprint::on_an_rv32imc"),
];

/// What the program for a board takes in flash and, before it runs, in RAM.
pub fn sizes(package: &str, target: &'static str) -> Result<Vec<Row>, Failure> {
    firmware::build(package, target)?;
    let sizes = elf::sizes(&firmware::built(package, target))?;
    Ok(vec![
        Row::new("flash", target, sizes.flash, Unit::Bytes),
        Row::new("static RAM", target, sizes.ram, Unit::Bytes),
    ])
}

/// What it takes in a network. Takes minutes: rounds of a machine whose instructions are counted are long.
pub fn rounds(target: &'static str, test: &str, ram: u64) -> Result<Vec<Row>, Failure> {
    let output = output_of(test)?;
    let figures: Vec<_> = output.iter().filter_map(|line| figure(line)).collect();
    let of = |name: &str| {
        let found = figures.iter().find(|(told, _)| *told == name).map(|(_, value)| *value);
        found.ok_or_else(|| Failure::new(format!("The test of {target} does not tell {name}.")))
    };
    let instructions = |name| of(name).map(|n| Row::new(name, target, n, Unit::Instructions));
    let stack = of("worst stack")?;
    Ok(vec![
        Row::new("worst stack", target, stack, Unit::Bytes),
        Row::new("static RAM and worst stack", target, ram + stack, Unit::Bytes),
        instructions("a round in a live network")?,
        instructions("scan a message: with Noise and TCP")?,
    ])
}

/// Runs a test of `zephyr-cli/tests/footprint.rs` and returns what it prints.
fn output_of(test: &str) -> Result<Vec<String>, Failure> {
    let mut command = cargo();
    command.args(["test", "--locked", "--package", "zephyr-cli", "--test", "footprint"]);
    run(command.arg("--no-run"))?;
    let mut command = cargo();
    command
        .args(["test", "--quiet", "--locked", "--package", "zephyr-cli", "--test", "footprint"])
        .args(["--", "--ignored", "--exact", "--nocapture", test])
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::not_started(&command, &error))?;
    let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let lines = stdout.lines().map_while(Result::ok).inspect(|line| eprintln!("{line}")).collect();
    match child.wait() {
        Ok(status) if status.success() => Ok(lines),
        Ok(status) => Err(Failure::of_command("Measuring a board in a live network", status)),
        Err(error) => Err(Failure::new(format!("cargo could not be waited for: {error}."))),
    }
}

/// Name and value of a line `footprint: NAME = VALUE`.
fn figure(line: &str) -> Option<(&str, u64)> {
    let (_, figure) = line.split_once("footprint: ")?;
    let (name, value) = figure.split_once(" = ")?;
    Some((name, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_as_the_test_tells_it() {
        assert_eq!(figure("footprint: worst stack = 17360"), Some(("worst stack", 17_360)));
        assert_eq!(figure("test on_a_cortex_m4f ... footprint: x = 1"), Some(("x", 1)));
        assert_eq!(figure("test result: ok"), None);
    }
}
