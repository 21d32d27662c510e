//! The one thing that a mixer keeps on disk: what it has signed last.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zephyr_core::{GUARD_SIZE, SigningGuard};

use crate::node::NodeError;

/// Where the guard is kept; nowhere for a mixer without a state folder.
pub(crate) struct GuardFile(Option<PathBuf>);

/// Reads the guard in the folder `state`.
pub(crate) fn load_guard(state: Option<&Path>) -> Result<(SigningGuard, GuardFile), NodeError> {
    let Some(folder) = state else { return Ok((SigningGuard::default(), GuardFile(None))) };
    let path = folder.join("signed");
    let read = fs::create_dir_all(folder).and_then(|()| fs::read(&path));
    let guard = match read {
        Ok(bytes) => match <&[u8; GUARD_SIZE]>::try_from(bytes.as_slice()) {
            Ok(bytes) => SigningGuard::from_bytes(bytes),
            // Starting afresh could sign a round twice.
            Err(_) => {
                let source = io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
                return Err(NodeError::State { path, source });
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => SigningGuard::default(),
        Err(source) => return Err(NodeError::State { path, source }),
    };
    Ok((guard, GuardFile(Some(path))))
}

impl GuardFile {
    /// Writes the guard so that it is either the old one or the new one after a power cut.
    pub(super) fn store(&self, guard: &SigningGuard) -> io::Result<()> {
        let (Some(path), Some(bytes)) = (&self.0, guard.to_bytes()) else { return Ok(()) };
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::{DirectoryHash, Round};

    use super::*;

    #[test]
    fn what_was_signed_is_remembered_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let (mut guard, file) = load_guard(Some(&state)).unwrap();
        let (first, second) =
            (DirectoryHash::from_bytes([1; 32]), DirectoryHash::from_bytes([2; 32]));
        assert!(guard.admit(Round(7), &first));
        file.store(&guard).unwrap();

        let (mut guard, _) = load_guard(Some(&state)).unwrap();
        assert!(!guard.admit(Round(7), &second), "a second directory for the round");
        assert!(!guard.admit(Round(6), &second), "an older round");
        assert!(guard.admit(Round(7), &first), "the same again");
    }

    #[test]
    fn a_damaged_file_stops_the_mixer() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("signed"), b"short").unwrap();
        assert!(matches!(load_guard(Some(dir.path())), Err(NodeError::State { .. })));
    }
}
