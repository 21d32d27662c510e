//! The packages for other languages: their generated code is kept current, they are built, and their tests run.
//!
//! Swift and Kotlin get their code from `zephyr-mobile` through uniffi ([`generated`]), C its header from cbindgen.

mod c;
mod generated;
mod kotlin;
mod swift;

use std::path::PathBuf;

use crate::{
    step::{Failure, Outcome},
    toolchain,
};

/// What to do about generated code that is not current.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Generated {
    /// Fail, and show the difference.
    Check,
    /// Write it anew.
    Update,
}

type Language = (&'static str, fn(Generated) -> Outcome);

const LANGUAGES: &[Language] = &[("c", c::run), ("kotlin", kotlin::run), ("swift", swift::run)];

/// `cargo xtask bindings [c|kotlin|swift] [--update]`.
pub fn run(arguments: &[&str]) -> Outcome {
    let (options, names): (Vec<&str>, Vec<&str>) =
        arguments.iter().partition(|argument| argument.starts_with('-'));
    let generated = match options[..] {
        [] => Generated::Check,
        ["--update"] => Generated::Update,
        _ => return Err(Failure::new("The only option of `bindings` is --update.")),
    };
    if let Some(name) = names.iter().find(|name| !LANGUAGES.iter().any(|(known, _)| known == *name))
    {
        return Err(Failure::new(format!(
            "There are no bindings for `{name}`: choose c, kotlin or swift."
        )));
    }
    let wanted = |language: &&Language| names.is_empty() || names.contains(&language.0);
    LANGUAGES.iter().filter(wanted).try_for_each(|(_, run)| run(generated))
}

/// The bindings for C and C++, checked, built and tested.
pub fn c() -> Outcome {
    c::run(Generated::Check)
}

/// The bindings for Kotlin, checked, built and tested.
pub fn kotlin() -> Outcome {
    kotlin::run(Generated::Check)
}

/// The bindings for Swift, checked, built and tested.
pub fn swift() -> Outcome {
    swift::run(Generated::Check)
}

/// Where everything of a language is built: `target/bindings/LANGUAGE`. The examples stand there too.
fn target(language: &str) -> PathBuf {
    toolchain::target_dir().join("bindings").join(language)
}
