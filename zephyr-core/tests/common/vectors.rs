//! Reads and writes test vectors: `name = value` lines in blocks that blank lines separate, `#` for comments.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The folder of all vectors.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors")
}

/// Consecutive `name = value` lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block(Vec<(String, String)>);

impl Block {
    /// The value of `name`, as text.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("the vector has no {name}"))
    }

    /// The value of `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of `name`, decoded from hex.
    pub fn hex(&self, name: &str) -> Vec<u8> {
        hex::decode(self.get(name)).unwrap_or_else(|_| panic!("{name} is no hex"))
    }

    /// The value of `name`, `N` bytes in hex.
    pub fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.hex(name).try_into().unwrap_or_else(|_| panic!("{name} has another length than {N}"))
    }

    /// The value of `name`, a decimal number.
    pub fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or_else(|_| panic!("{name} is no number"))
    }

    /// Adds a line with text.
    pub fn text(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a line with bytes.
    pub fn bytes(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.text(name, hex::encode(value))
    }

    /// Replaces the bytes of `name`.
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let line = self.0.iter_mut().find(|(n, _)| n == name).expect("a name to replace");
        line.1 = hex::encode(value);
        self
    }

    /// Replaces the text of `name`.
    pub fn with_text(mut self, name: &str, value: impl ToString) -> Self {
        let line = self.0.iter_mut().find(|(n, _)| n == name).expect("a name to replace");
        line.1 = value.to_string();
        self
    }

    /// Leaves only the lines with these names.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(n, _)| names.contains(&n.as_str()));
        self
    }
}

/// The blocks of a file below `docs/vectors`, or at an absolute path.
pub fn load(path: impl AsRef<Path>) -> Vec<Block> {
    let path = folder().join(path);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("can't read {}: {e}", path.display()));
    parse(&text)
}

/// The blocks of a text.
pub fn parse(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block::default()];
    for line in text.lines() {
        if line.trim().is_empty() {
            if blocks.last().is_some_and(|b| !b.0.is_empty()) {
                blocks.push(Block::default());
            }
        } else if !line.starts_with('#') {
            let (name, value) = line.split_once('=').expect("name = value");
            let value = value.strip_prefix(' ').unwrap_or(value);
            let block = blocks.last_mut().expect("never empty");
            block.0.push((name.trim().to_owned(), value.to_owned()));
        }
    }
    blocks.retain(|b| !b.0.is_empty());
    blocks
}

/// Writes a file below `docs/vectors`, the comment first.
pub fn store(path: &str, comment: &str, blocks: &[Block]) {
    let path = folder().join(path);
    let mut text = String::new();
    for line in comment.lines() {
        writeln!(text, "# {line}").unwrap();
    }
    for block in blocks {
        text.push('\n');
        for (name, value) in &block.0 {
            writeln!(text, "{name} = {value}").unwrap();
        }
    }
    std::fs::create_dir_all(path.parent().expect("a folder")).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The names of the files in a folder below `docs/vectors`, sorted.
pub fn files(area: &str) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder().join(area))
        .expect("the folder of vectors")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    names.sort();
    names
}
