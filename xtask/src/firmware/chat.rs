//! The chat on two emulated boards: its libraries' tests, its builds, and a machine to sit down at.

use std::{fs, process::Command};

use super::{build, built};
use crate::{
    root,
    step::{Failure, Outcome, run},
    toolchain::{CORTEX_M4F, ESP32_C3, cargo, target_dir},
};

/// What the emulated boards run, and on which target.
const MACHINES: &[(&str, &str)] = &[("zephyr-mps2-an386", CORTEX_M4F), ("zephyr-virt", ESP32_C3)];
/// What firmware has in libraries, which can be tested on the host.
const LIBRARIES: &[&str] = &["--package", "chat", "--package", "machine"];
/// Where the Cortex-M4F's firmware looks for the manifest (`firmware/mps2-an386/memory.x`).
const MANIFEST: u64 = 0x2110_0000;

/// Builds the firmware of both emulated boards.
pub fn build_all() -> Outcome {
    MACHINES.iter().try_for_each(|(package, target)| build(package, target))
}

/// Clippy and tests of the libraries, for the host.
pub fn libraries() -> Outcome {
    let host = host()?;
    let on_host = |command: &str| {
        let mut cargo = cargo();
        cargo.current_dir(root().join("firmware")).arg(command);
        cargo.args(["--locked", "--target", &host]).args(LIBRARIES);
        cargo.arg("--target-dir").arg(target_dir().join("firmware"));
        cargo
    };
    run(on_host("clippy").args(["--all-targets", "--", "-D", "warnings"]))?;
    run(&mut on_host("test"))
}

/// Builds the firmware of the Cortex-M4F and boots it in the network of the manifest, with its console on the terminal.
pub fn boot(manifest: &str) -> Outcome {
    let (package, target) = MACHINES[0];
    build(package, target)?;
    let length = fs::metadata(manifest)
        .map_err(|error| Failure::new(format!("{manifest} can't be read: {error}.")))?
        .len();
    println!("The board starts. Type `help` for its commands; Ctrl-A X ends QEMU.");
    run(Command::new("qemu-system-arm")
        .args(["-M", "mps2-an386", "-nographic", "-nic", "user,model=lan9118"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .arg("-device")
        .arg(format!("loader,addr={MANIFEST:#x},data={length},data-len=4"))
        .arg("-device")
        .arg(format!("loader,addr={:#x},file={manifest},force-raw=on", MANIFEST + 4))
        .arg("-kernel")
        .arg(built(package, target)))
}

/// The target of this machine.
fn host() -> Result<String, Failure> {
    let output = Command::new("rustc").args(["-vV"]).current_dir(root()).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let host = output.ok().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
    });
    host.ok_or_else(|| Failure::new("`rustc -vV` does not say for which machine it is."))
}
