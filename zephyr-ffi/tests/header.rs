//! The header in `bindings/c` is what cbindgen makes of the sources.

use std::path::Path;
use std::{env, fs};

use cbindgen::{Builder, Config};

/// Writes the header instead of comparing it.
const UPDATE: &str = "ZEPHYR_UPDATE_HEADER";

#[test]
fn the_header_is_current() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = crate_dir.join("../bindings/c/include/zephyr.h");
    let mut config = Config::from_file(crate_dir.join("cbindgen.toml")).expect("a configuration");
    config.header = Some(include_str!("../conventions.h").trim_end().into());
    let mut header = Vec::new();
    Builder::new()
        .with_crate(crate_dir)
        .with_config(config)
        .generate()
        .expect("cbindgen understands the sources")
        .write(&mut header);
    let header = without_safety(&String::from_utf8(header).expect("UTF-8"));
    if env::var_os(UPDATE).is_some() {
        fs::write(&path, header).expect("the header can be written");
        return;
    }
    let committed = fs::read_to_string(&path).expect("the header is there");
    let place = header.lines().zip(committed.lines()).position(|(new, old)| new != old);
    assert!(
        header == committed,
        "bindings/c/include/zephyr.h is not current from line {} on: run `cargo xtask bindings c --update`",
        place.unwrap_or(header.lines().count().min(committed.lines().count())) + 1,
    );
}

/// What is written for Rust's rules only tells nothing to users of C.
fn without_safety(header: &str) -> String {
    let mut lines = Vec::new();
    let mut skipping = false;
    for line in header.lines() {
        let comment = line.trim_start();
        skipping = (skipping || comment.starts_with("* # Safety")) && comment != "*/";
        if skipping {
            continue;
        }
        // The empty line in front of it.
        if comment == "*/" && lines.last().is_some_and(|last: &&str| last.trim() == "*") {
            lines.pop();
        }
        lines.push(line);
    }
    lines.join("\n") + "\n"
}
