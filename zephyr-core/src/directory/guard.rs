//! One directory a round: mixers sign at most one, clients notice a second.

use core::fmt;

use crate::ids::{DirectoryHash, Round};

/// Length in bytes of a persisted guard: round 8 ‖ directory hash 32.
pub const GUARD_SIZE: usize = 40;

/// A mixer's memory of what it signed last.
///
/// Persist [`SigningGuard::to_bytes`] *before* the signature leaves the mixer, and start from it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigningGuard {
    last: Option<(Round, DirectoryHash)>,
}

impl SigningGuard {
    /// Whether the directory may be signed, and if so remembers it: rounds only increase, and a round that has
    /// been signed only takes the same directory again.
    #[must_use]
    pub fn admit(&mut self, round: Round, directory: &DirectoryHash) -> bool {
        match self.last {
            Some((last, _)) if round < last => false,
            Some((last, signed)) if round == last => signed == *directory,
            _ => {
                self.last = Some((round, *directory));
                true
            }
        }
    }

    /// For the disk.
    pub fn to_bytes(&self) -> Option<[u8; GUARD_SIZE]> {
        let (round, directory) = self.last?;
        let mut out = [0; GUARD_SIZE];
        out[..8].copy_from_slice(&round.0.to_be_bytes());
        out[8..].copy_from_slice(directory.as_bytes());
        Some(out)
    }

    /// From the disk.
    pub fn from_bytes(bytes: &[u8; GUARD_SIZE]) -> Self {
        let (round, directory) = bytes.split_first_chunk().expect("40 bytes are more than 8");
        let directory = directory.try_into().expect("32 bytes are left");
        Self {
            last: Some((Round(u64::from_be_bytes(*round)), DirectoryHash::from_bytes(directory))),
        }
    }
}

/// Two valid directories for one round: proof that more than the tolerated number of mixers is corrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// The round.
    pub round: Round,
    /// The directory seen first.
    pub first: DirectoryHash,
    /// The other one.
    pub second: DirectoryHash,
}

impl fmt::Display for Equivocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "round {} has two valid directories: its mixers cannot be trusted; keep both and tell the operators",
            self.round
        )
    }
}

impl core::error::Error for Equivocation {}

/// A client's memory of the newest directory it accepted: rounds only increase.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundWatch {
    newest: Option<(Round, DirectoryHash)>,
}

impl RoundWatch {
    /// Starts from the newest round that was accepted before.
    pub fn starting_after(newest: Option<(Round, DirectoryHash)>) -> Self {
        Self { newest }
    }

    /// Whether a valid directory is new. `Ok(false)`: an old round, or the same directory again.
    ///
    /// # Errors
    /// [`Equivocation`] if it is another one for the newest round.
    pub fn accept(
        &mut self,
        round: Round,
        directory: &DirectoryHash,
    ) -> Result<bool, Equivocation> {
        match self.newest {
            Some((newest, _)) if round < newest => Ok(false),
            Some((newest, first)) if round == newest && first != *directory => {
                Err(Equivocation { round, first, second: *directory })
            }
            Some((newest, _)) if round == newest => Ok(false),
            _ => {
                self.newest = Some((round, *directory));
                Ok(true)
            }
        }
    }
}
