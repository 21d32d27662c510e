//! `zephyr-bindgen LIBRARY LANGUAGE FOLDER` writes the code with which LANGUAGE (kotlin or swift) uses LIBRARY, an
//! unstripped libzephyr_mobile. Started by `cargo xtask bindings`.
//!
//! A program of its own rather than a feature of `zephyr-mobile`, so that the generator is never part of the library.

#![forbid(unsafe_code)]

use anyhow::bail;
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, language, folder] = &arguments[..] else {
        bail!("usage: zephyr-bindgen LIBRARY kotlin|swift FOLDER");
    };
    let language = match language.as_str() {
        "kotlin" => TargetLanguage::Kotlin,
        "swift" => TargetLanguage::Swift,
        other => bail!("`{other}` is not a language that code is made for: choose kotlin or swift"),
    };
    generate(GenerateOptions {
        languages: vec![language],
        source: library.into(),
        out_dir: folder.into(),
        config_override: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml").into()),
        ..GenerateOptions::default()
    })
}
