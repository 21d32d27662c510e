//! Kotlin on the JVM: the package, its tests, and the example.

use std::path::PathBuf;

use super::{Generated, generated};
use crate::{install, root, step::Outcome};

/// Checks or updates the generated code.
pub fn run(wanted: Generated) -> Outcome {
    install::kotlin()?;
    let library = generated::library()?;
    let made = generated::generate("kotlin", &library)?;
    let file: PathBuf = ["io", "github", "zephyrmixnet", "zephyr.kt"].iter().collect();
    let kept = root().join("bindings/kotlin/src/main/kotlin").join(&file);
    generated::compare("kotlin", &[(made.join(&file), kept)], wanted)
}
