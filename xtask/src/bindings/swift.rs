//! Swift: the package, its tests, and the example.

mod toolchain;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Generated, generated};
use crate::{
    install, root,
    step::{Failure, Outcome, run as run_command, run_as},
};

use toolchain::{Swift, unusable};

/// What uniffi makes, and where it is kept below `bindings/swift/Sources`.
const FILES: &[(&str, &str)] = &[
    ("Zephyr.swift", "Zephyr/Generated.swift"),
    ("ZephyrFFI.h", "ZephyrFFI/ZephyrFFI.h"),
    ("ZephyrFFI.modulemap", "ZephyrFFI/module.modulemap"),
];

/// The example: its folder, and what is built there.
const EXAMPLE: &str = "zephyr-chat";

/// Checks or updates the generated code, runs the package's tests, and builds the example.
pub fn run(wanted: Generated) -> Outcome {
    let library = generated::library()?;
    let made = generated::generate("swift", &library)?;
    let sources = package().join("Sources");
    let files: Vec<_> =
        FILES.iter().map(|(name, kept)| (made.join(name), sources.join(kept))).collect();
    generated::compare("swift", &files, wanted)?;
    install::swift()?;
    let swift = Swift::find()?;
    if cfg!(target_os = "macos") {
        run_command(Command::new(package().join("build-xcframework.sh")).arg("macos"))?;
    }
    let library = library.canonicalize().map_err(|error| unusable(&library, &error))?;
    build(&swift, "test", &package(), &library)?;
    example(&swift, &library)
}

fn package() -> PathBuf {
    root().join("bindings/swift")
}

/// `swift SUBCOMMAND` for the package in `folder`, linked to the library in the folder `library`.
fn build(swift: &Swift, subcommand: &str, folder: &Path, library: &Path) -> Outcome {
    let library = library.display();
    let mut command = swift.command(folder)?;
    command
        .arg(subcommand)
        .arg("--scratch-path")
        .arg(scratch(folder)?)
        .args(["-Xlinker".into(), format!("-L{library}")])
        .args(["-Xlinker", "-rpath", "-Xlinker"])
        .arg(library.to_string());
    run_as(&format!("`swift {subcommand}` in {}", folder.display()), &mut command)
}

/// Builds the example, and writes the script `example` that starts it.
fn example(swift: &Swift, library: &Path) -> Outcome {
    let folder = root().join("examples/swift").join(EXAMPLE);
    build(swift, "build", &folder, library)?;
    let program = scratch(&folder)?.join("debug").join(EXAMPLE);
    let script = super::target("swift").join("example");
    let text = format!(
        "#!/bin/sh\n# Made by `cargo xtask bindings swift`.\nexec {}\"{}\" \"$@\"\n",
        swift.loader(),
        program.display()
    );
    fs::write(&script, text)
        .and_then(|()| executable(&script))
        .map_err(|error| unusable(&script, &error))
}

/// Where the package in `folder` is built: nothing of that is in the tree.
fn scratch(folder: &Path) -> Result<PathBuf, Failure> {
    let built = super::target("swift").join("build");
    let built = built.join(if folder == package() { "package" } else { "example" });
    fs::create_dir_all(&built)
        .and_then(|()| built.canonicalize())
        .map_err(|error| unusable(&built, &error))
}

#[cfg(unix)]
fn executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_file: &Path) -> std::io::Result<()> {
    Ok(())
}
