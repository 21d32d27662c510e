//! The examples for real boards. Nothing here can run them: that they compile, link and fit is all that is tested.

use std::path::PathBuf;

use crate::{
    root,
    step::{Outcome, run},
    toolchain::{CORTEX_M4F, ESP32_C3, bare_metal_cargo_with_alloc, cargo, target_dir},
};

/// Folder in `examples` and target of each.
const BOARDS: &[(&str, &str)] = &[("nucleo-h743zi", CORTEX_M4F), ("esp32-c3", ESP32_C3)];

/// Builds all of them as they are flashed.
pub fn build() -> Outcome {
    for (name, target) in BOARDS {
        run(bare_metal_cargo_with_alloc("build", target, &folder(name))
            .args(["--release", "--locked", "--target-dir"])
            // What runs on the host is the same as for the firmware.
            .arg(target_dir().join("firmware")))?;
    }
    Ok(())
}

/// Checks how they are formatted.
pub fn format() -> Outcome {
    for (name, _) in BOARDS {
        run(cargo().args(["fmt", "--check"]).current_dir(folder(name)))?;
    }
    Ok(())
}

fn folder(name: &str) -> PathBuf {
    root().join("examples").join(name)
}
