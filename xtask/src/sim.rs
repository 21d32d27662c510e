//! The simulation of whole networks.

use crate::{
    step::{Outcome, run},
    toolchain::cargo,
};

/// Starts the simulator, which knows its options itself.
pub fn simulate(options: &[&str]) -> Outcome {
    let simulator =
        ["run", "--quiet", "--locked", "--package", "zephyr-testkit", "--bin", "zephyr-sim"];
    run(cargo().args(simulator).arg("--").args(options))
}
