//! Rules of the sources that the compiler does not check.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    root,
    step::{Failure, Outcome},
};

/// Marks of unfinished work. Written in two halves, since this file is checked as well.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!("),
    concat!("un", "implemented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
];

/// Folders that cannot do without: registers in the first three, borders to other languages in the others. Everything
/// else is safe Rust.
const UNSAFE: &[&str] = &[
    "firmware",
    "examples/nucleo-h743zi",
    "examples/esp32-c3",
    "zephyr-blst",
    "zephyr-ffi",
    "zephyr-mobile",
];

/// Checks all files and lists everything that is wrong.
pub fn check() -> Outcome {
    let root = root();
    let mut findings = Vec::new();
    let mut read = |path: &Path| -> io::Result<()> {
        let name = path.strip_prefix(&root).unwrap_or(path);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => check_source(name, &fs::read_to_string(path)?, &mut findings),
            Some("md") => check_links(name, &root, &fs::read_to_string(path)?, &mut findings),
            Some("toml") if path.ends_with("Cargo.toml") => {
                check_manifest(name, &fs::read_to_string(path)?, &mut findings);
            }
            _ => {}
        }
        Ok(())
    };
    walk(&root, &mut read)
        .map_err(|error| Failure::new(format!("The sources could not be read: {error}.")))?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "The sources break their rules in {count} places, listed above."
        ))),
    }
}

/// Every file below `folder`, except what is hidden or built.
fn walk(folder: &Path, f: &mut impl FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            walk(&path, f)?;
        } else {
            f(&path)?;
        }
    }
    Ok(())
}

fn check_source(path: &Path, text: &str, findings: &mut Vec<String>) {
    for (number, line) in (1..).zip(text.lines()) {
        for mark in UNFINISHED.iter().filter(|mark| line.contains(**mark)) {
            findings.push(format!("{}:{number}: unfinished: {mark}", path.display()));
        }
    }
    let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    let may = UNSAFE.iter().any(|folder| path.starts_with(folder));
    if is_root && !may && !text.contains("#![forbid(unsafe_code)]") {
        findings.push(format!("{}: #![forbid(unsafe_code)] is missing", path.display()));
    }
}

/// A link to a file of this repository leads somewhere.
fn check_links(path: &Path, root: &Path, text: &str, findings: &mut Vec<String>) {
    let path_here = root.join(path);
    let folder = path_here.parent().unwrap_or(root);
    for link in links(text) {
        let file = link.split('#').next().unwrap_or_default();
        if !link.contains("://") && !link.starts_with("mailto:") && !folder.join(file).exists() {
            findings.push(format!("{}: leads nowhere: {link}", path.display()));
        }
    }
}

/// The targets of Markdown's `[text](target)`, outside code blocks.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// The workspace's lints hold in every crate.
fn check_manifest(path: &Path, text: &str, findings: &mut Vec<String>) {
    if text.contains("[package]") && !text.contains("[lints") {
        findings.push(format!("{}: add `[lints]` with `workspace = true`", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check_source(Path::new(path), text, &mut findings);
        findings
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let text = format!("fn f() {{\n    {}\n}}\n", concat!("to", "do!()"));
        assert_eq!(source("a/src/b.rs", &text).len(), 1);
        assert!(source("a/src/b.rs", &text)[0].starts_with("a/src/b.rs:2: "));
        assert!(source("a/src/b.rs", "fn f() {}").is_empty());
    }

    #[test]
    fn a_crate_must_forbid_unsafe_code() {
        assert_eq!(source("a/src/lib.rs", "//! A.").len(), 1);
        assert!(source("a/src/lib.rs", "#![forbid(unsafe_code)]").is_empty());
        assert!(source("firmware/a/src/main.rs", "//! A.").is_empty());
    }

    #[test]
    fn links_are_found_in_prose_only() {
        let text = "See [a](b.md#c), [d](https://e).\n```\n[f](g)\n```\n[h](i)";
        assert_eq!(links(text), ["b.md#c", "https://e", "i"]);
    }
}
