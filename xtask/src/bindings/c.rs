//! C and C++.

use super::Generated;
use crate::step::Outcome;

/// Nothing yet.
pub fn run(_generated: Generated) -> Outcome {
    Ok(())
}
