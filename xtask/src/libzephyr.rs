//! libzephyr, built and installed: headers, libraries, and what pkg-config and CMake find them by.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    root,
    step::{Failure, Outcome, run, succeeds},
    toolchain::{bare_metal_cargo, cargo, target_dir},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `cargo xtask libzephyr --prefix DIR [--debug | --target TARGET]`.
pub fn command(arguments: &[&str]) -> Outcome {
    let here = std::env::current_dir().unwrap_or_default();
    let prefix = match *arguments {
        ["--prefix", prefix, ..] => here.join(prefix),
        _ => here,
    };
    match arguments.get(2..) {
        Some([]) => install(&prefix, true)?,
        Some(["--debug"]) => install(&prefix, false)?,
        Some(["--target", target]) => install_bare(&prefix, target)?,
        _ => {
            return Err(Failure::new(
                "Usage: cargo xtask libzephyr --prefix DIR [--debug | --target TARGET]",
            ));
        }
    }
    println!("libzephyr {VERSION} is in {}.", prefix.display());
    print_sizes(&prefix);
    Ok(())
}

/// Builds the library for this machine and installs it below `prefix`.
pub fn install(prefix: &Path, release: bool) -> Outcome {
    let mut build = cargo();
    build.args(["build", "--locked", "--package", "zephyr-ffi"]);
    run(build.args(release.then_some("--release")))?;
    let built = target_dir().join(if release { "release" } else { "debug" });
    copy_all(&built, prefix).map_err(|error| not_installed(prefix, &error))
}

/// Builds the static library for firmware, without `io`, and installs it below `prefix` with its header.
pub fn install_bare(prefix: &Path, target: &str) -> Outcome {
    let target_dir = target_dir().join("firmware-c");
    run(bare_metal_cargo("rustc", target, &root())
        .args(["--release", "--locked", "--package", "zephyr-ffi", "--lib"])
        .args(["--crate-type", "staticlib", "--no-default-features"])
        .args(["--config", "profile.release.opt-level=\"s\"", "--target-dir"])
        .arg(&target_dir))?;
    let library = target_dir.join(target).join("release/libzephyr.a");
    let copy = || {
        fs::create_dir_all(prefix.join("include"))?;
        fs::create_dir_all(prefix.join("lib"))?;
        fs::copy(sources().join("include/zephyr.h"), prefix.join("include/zephyr.h"))?;
        replace(&library, &prefix.join("lib/libzephyr.a"))
    };
    copy().map_err(|error| not_installed(prefix, &error))
}

fn not_installed(prefix: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("libzephyr could not be put into {}: {error}.", prefix.display()))
}

/// Where the headers and the templates are.
pub fn sources() -> PathBuf {
    root().join("bindings/c")
}

fn copy_all(built: &Path, prefix: &Path) -> io::Result<()> {
    let abi = abi_version()?;
    let lib = prefix.join("lib");
    let (include, cmake) = (prefix.join("include"), lib.join("cmake/zephyr"));
    for folder in [&include, &cmake, &lib.join("pkgconfig")] {
        fs::create_dir_all(folder)?;
    }
    for header in ["zephyr.h", "zephyr.hpp"] {
        fs::copy(sources().join("include").join(header), include.join(header))?;
    }
    replace(&built.join("libzephyr.a"), &lib.join("libzephyr.a"))?;
    let versioned = format!("libzephyr.so.{abi}");
    replace(&built.join("libzephyr.so"), &lib.join(&versioned))?;
    let link = lib.join("libzephyr.so");
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(&versioned, link)?;
    let filled = |from: &str, to: PathBuf| {
        let text = fs::read_to_string(sources().join(from))?;
        fs::write(to, text.replace("@VERSION@", VERSION).replace("@ABI@", &abi))
    };
    filled("zephyr.pc.in", lib.join("pkgconfig/zephyr.pc"))?;
    filled("cmake/zephyrConfig.cmake.in", cmake.join("zephyrConfig.cmake"))?;
    filled("cmake/zephyrConfigVersion.cmake.in", cmake.join("zephyrConfigVersion.cmake"))
}

/// In one step, so that a program that runs with the old library goes on with it.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let beside = to.with_extension("new");
    fs::copy(from, &beside)?;
    fs::rename(beside, to)
}

/// The number in the shared library's name.
fn abi_version() -> io::Result<String> {
    let source = fs::read_to_string(root().join("zephyr-ffi/src/abi/version.rs"))?;
    source
        .lines()
        .find_map(|line| {
            line.strip_prefix("pub const ZEPHYR_ABI_VERSION: u32 = ")?.strip_suffix(';')
        })
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("zephyr-ffi/src/abi/version.rs names no ABI version"))
}

/// How large the libraries are without what only debuggers need.
fn print_sizes(prefix: &Path) {
    for (name, option) in [("libzephyr.so", "--strip-unneeded"), ("libzephyr.a", "--strip-debug")] {
        let stripped = target_dir().join(format!("{name}.stripped"));
        let library = prefix.join("lib").join(name);
        let mut strip = Command::new("strip");
        strip.arg(option).arg("-o").arg(&stripped).arg(&library);
        if !succeeds(&mut strip) {
            continue;
        }
        let kib = |path: &Path| fs::metadata(path).map_or(0, |data| data.len().div_ceil(1024));
        println!("{name}: {} KiB, stripped {} KiB", kib(&library), kib(&stripped));
        // Not needed any more; if it stays, it does no harm.
        let _ = fs::remove_file(stripped);
    }
}
