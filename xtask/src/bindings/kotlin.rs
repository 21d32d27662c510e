//! Kotlin on the JVM: the package, its tests, and the example.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Generated, generated};
use crate::{
    install, root,
    step::{Failure, Outcome, run as run_command},
};

/// The generated file, below the folder of sources.
const FILE: &[&str] = &["io", "github", "zephyrmixnet", "zephyr.kt"];

/// Checks or updates the generated code, runs the tests, and builds the example.
pub fn run(wanted: Generated) -> Outcome {
    install::kotlin()?;
    let library = generated::library()?;
    let made = generated::generate("kotlin", &library)?;
    let file: PathBuf = FILE.iter().collect();
    let kept = root().join("bindings/kotlin/src/main/kotlin").join(&file);
    generated::compare("kotlin", &[(made.join(&file), kept)], wanted)?;
    let target = super::target("kotlin");
    maven(&library, &target)?;
    starter(&library, &target)
}

/// Builds and tests the package, then builds the example.
fn maven(library: &Path, target: &Path) -> Outcome {
    let property = |name: &str, path: &Path| format!("-D{name}={}", path.display());
    run_command(
        Command::new("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(root().join("bindings/kotlin/all/pom.xml"))
            .arg(property("zephyr.library", library))
            .arg(property("zephyr.target", target))
            .arg("package"),
    )
}

/// The example as a program.
fn starter(library: &Path, target: &Path) -> Outcome {
    let file = target.join("example");
    let text = format!(
        "#!/bin/sh\n\
         # The chat in examples/kotlin: example NETWORK_FILE HOME ADDRESS\n\
         exec java -Djna.library.path='{}' -cp '{}/*' io.github.zephyrmixnet.example.MainKt \"$@\"\n",
        library.display(),
        target.join("example-jars").display(),
    );
    let written = fs::write(&file, text).and_then(|()| make_executable(&file));
    written
        .map_err(|error| Failure::new(format!("{} could not be written: {error}.", file.display())))
}

#[cfg(unix)]
fn make_executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
