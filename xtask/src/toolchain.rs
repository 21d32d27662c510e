//! Which compiler builds for bare metal.
//!
//! A developer's machine has the targets from rustup, and plain cargo does it. Elsewhere Debian's `rustc-web` does: it
//! comes with the sources of `core`, from which cargo builds it along (`build-std`).

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// A Cortex-M4F.
pub const CORTEX_M4F: &str = "thumbv7em-none-eabihf";
/// An ESP32-C3.
pub const ESP32_C3: &str = "riscv32imc-unknown-none-elf";

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What cargo and rustup set for the programs that they start and that another toolchain must not inherit.
const LEAKING: &[&str] = &["RUST", "CARGO", "LD_LIBRARY_PATH"];
/// What stays all the same: where crates are kept and how they are fetched.
const KEPT: &[&str] =
    &["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_TERM_", "CARGO_REGISTR", "CARGO_SOURCE_"];

/// The cargo of this toolchain: the one that started xtask.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::root());
    command
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.unwrap_or_else(|| crate::root().join("target"))
}

/// Whether the toolchain that started xtask has the standard library of both bare-metal targets.
pub fn has_targets() -> bool {
    [CORTEX_M4F, ESP32_C3].iter().all(|target| {
        Command::new("rustc")
            .args(["--print", "target-libdir", "--target", target])
            .current_dir(crate::root())
            .output()
            .is_ok_and(|output| {
                let path = String::from_utf8_lossy(&output.stdout);
                output.status.success() && Path::new(path.trim()).is_dir()
            })
    })
}

/// `cargo SUBCOMMAND --target TARGET` in `folder`, with whichever toolchain can do it.
pub fn bare_metal_cargo(subcommand: &str, target: &str, folder: &Path) -> Command {
    cargo_with("core,panic_abort", subcommand, target, folder)
}

/// As [`bare_metal_cargo`], for programs with a heap, such as those with a radio's driver.
pub fn bare_metal_cargo_with_alloc(subcommand: &str, target: &str, folder: &Path) -> Command {
    cargo_with("core,alloc,panic_abort", subcommand, target, folder)
}

fn cargo_with(crates: &str, subcommand: &str, target: &str, folder: &Path) -> Command {
    let mut command = if has_targets() {
        let mut command = cargo();
        command.arg(subcommand);
        command
    } else {
        debian_cargo(crates, subcommand, target)
    };
    command.args(["--target", target]).current_dir(folder);
    command
}

fn debian_cargo(crates: &str, subcommand: &str, target: &str) -> Command {
    let mut command = Command::new(DEBIAN_CARGO);
    for (name, _) in std::env::vars_os().filter(|(name, _)| leaks(name)) {
        command.env_remove(name);
    }
    let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    command
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1") // build-std is unstable
        .env(linker, "ld.lld-22") // Debian has no rust-lld; this one is as old as the compiler
        .args([subcommand, &format!("-Zbuild-std={crates}")])
        .arg("-Zbuild-std-features=compiler-builtins-mem")
        // Copying memory, at the level at which it comes from rustup too.
        .args(["--config", "profile.release.package.compiler_builtins.opt-level=3"]);
    command
}

fn leaks(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    starts(LEAKING) && !starts(KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_toolchain_does_not_inherit_this_ones_environment() {
        for name in
            ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTFLAGS", "CARGO", "CARGO_PKG_NAME", "LD_LIBRARY_PATH"]
        {
            assert!(leaks(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_REGISTRIES_X_INDEX"]
        {
            assert!(!leaks(OsStr::new(name)), "{name}");
        }
    }
}
