//! Files that only their owner may read, and key files.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use zephyr_core::{Dh, Ed25519, ServerId, Signature, X25519, server_keys};
use zeroize::{Zeroize, Zeroizing};

use crate::exit::{Failure, Outcome};

/// A server's secret.
pub type Seed = Zeroizing<[u8; 32]>;

/// Makes a folder, and those above it, that only its owner can enter.
///
/// # Errors
/// Names the folder.
pub fn private_dir(path: &Path) -> Outcome {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.recursive(true).create(path);
    made.map_err(|error| unusable("the folder", path, &error))
}

/// Writes a new file that only its owner can read.
///
/// # Errors
/// If there is one already, or it cannot be written.
pub fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Writes a file so that nobody ever sees half of it.
///
/// # Errors
/// If it cannot be written.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let _ = fs::remove_file(&new);
    write_new(&new, contents)?;
    fs::rename(new, path)
}

/// Writes a file for everybody to read so that nobody ever sees half of it.
///
/// # Errors
/// Names the file.
pub fn replace_public(path: &Path, contents: &[u8]) -> Outcome {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&new, path))
        .map_err(|error| unusable("the file", path, &error))
}

/// Draws a seed.
///
/// # Errors
/// If the operating system gives no random numbers.
pub fn new_seed() -> Outcome<Seed> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)
        .map_err(|e| Failure::failed(format!("the system gave no random numbers: {e}")))?;
    Ok(seed)
}

/// Writes a seed as 64 hexadecimal digits into a new key file.
///
/// # Errors
/// If there is one already, or it cannot be written.
pub fn write_key(path: &Path, seed: &Seed) -> Outcome {
    let mut text = Zeroizing::new([0; 65]);
    hex::encode_to_slice(&seed[..], &mut text[..64]).expect("32 bytes are 64 digits");
    text[64] = b'\n';
    write_new(path, &text[..]).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::failed(format!(
            "there is a key in {} already: choose another file, keys are never overwritten",
            path.display()
        )),
        _ => unusable("the key file", path, &error),
    })
}

/// Reads a key file.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read_key(path: &Path) -> Outcome<Seed> {
    let mut text = fs::read(path).map_err(|error| unusable("the key file", path, &error))?;
    let mut seed = Zeroizing::new([0; 32]);
    let good = hex::decode_to_slice(text.trim_ascii(), &mut seed[..]).is_ok();
    text.zeroize();
    if !good {
        return Err(Failure::usage(format!(
            "{} is no key file: it must have 64 hexadecimal digits, as `zephyr keygen` writes them",
            path.display()
        )));
    }
    Ok(seed)
}

/// The public keys of a server: its identity and the key of its links.
pub fn public_keys(seed: &Seed) -> (ServerId, [u8; 32]) {
    let (identity, link) = server_keys(seed);
    (ServerId::from_bytes(Ed25519::public(&identity)), X25519::public(&link))
}

/// Reads a text file.
///
/// # Errors
/// Names the file.
pub fn read_text(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| unusable("the file", path, &error))
}

/// Locks `path` until the file is dropped; `None` if another program has it.
///
/// # Errors
/// Names the file.
pub fn lock(path: &Path) -> Outcome<Option<File>> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(|error| unusable("the file", path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(unusable("the file", path, &error)),
    }
}

/// A file or folder cannot be used.
pub fn unusable(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{what} {} can't be used: {error}", path.display()))
}
