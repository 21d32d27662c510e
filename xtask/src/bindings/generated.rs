//! Code that uniffi makes from `libzephyr_mobile`, and whether what is committed is the same.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Generated;
use crate::{
    root,
    step::{Failure, Outcome, run},
    toolchain::{cargo, target_dir},
};

/// Builds `libzephyr_mobile` and says in which folder it is.
pub fn library() -> Result<PathBuf, Failure> {
    run(cargo().args(["build", "--locked", "--package", "zephyr-mobile"]))?;
    Ok(target_dir().join("debug"))
}

/// Makes the code for `language` from the library in the folder `library`; gives the folder where it is.
pub fn generate(language: &str, library: &Path) -> Result<PathBuf, Failure> {
    let out = super::target(language).join("generated");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| failed("removed", &out, &error))?;
    }
    let file = library.join(LIBRARY);
    run(cargo().args(["run", "--quiet", "--locked", "--package", "zephyr-bindgen", "--"]).args([
        file.as_os_str(),
        language.as_ref(),
        out.as_os_str(),
    ]))?;
    Ok(out)
}

#[cfg(target_os = "macos")]
const LIBRARY: &str = "libzephyr_mobile.dylib";
#[cfg(not(target_os = "macos"))]
const LIBRARY: &str = "libzephyr_mobile.so";

/// Compares generated files with those that are committed, `(generated, committed)`, or replaces these.
pub fn compare(language: &str, files: &[(PathBuf, PathBuf)], wanted: Generated) -> Outcome {
    for (made, kept) in files {
        let new = fs::read(made).map_err(|error| failed("read", made, &error))?;
        if fs::read(kept).is_ok_and(|old| old == new) {
            continue;
        }
        if wanted == Generated::Update {
            let folder = kept.parent().expect("a file stands in a folder");
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(kept, &new))
                .map_err(|error| failed("written", kept, &error))?;
            println!("written: {}", kept.display());
            continue;
        }
        // Its status says only that they differ.
        let _ = Command::new("git")
            .args(["--no-pager", "diff", "--no-index", "--"])
            .args([kept, made])
            .current_dir(root())
            .status();
        return Err(Failure::new(format!(
            "{} is not what is generated now: run `cargo xtask bindings {language} --update` and commit it.",
            kept.display()
        )));
    }
    Ok(())
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} could not be {what}: {error}.", path.display()))
}
