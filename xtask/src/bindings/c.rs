//! C and C++: the header, the library as programs find it, the tests, and the examples.

use std::{path::Path, process::Command};

use super::{Generated, target};
use crate::{
    install, libzephyr, root,
    step::{self, Failure, Outcome},
    toolchain::cargo,
};

/// Tests that run at the same time. More would make those fail that wait for something.
const JOBS: &str = "2";

/// Checks or rewrites the header, then builds, installs and tests the library of the dev profile.
pub fn run(generated: Generated) -> Outcome {
    install::c()?;
    header(generated)?;
    let prefix = target("c").join("prefix");
    libzephyr::install(&prefix, false)?;
    symbols(&prefix.join("lib/libzephyr.so"))?;
    let tests = target("c").join("tests");
    build(&libzephyr::sources(), &tests, &prefix)?;
    examples(&prefix)?;
    step::run(
        Command::new("ctest")
            .args(["--output-on-failure", "--parallel", JOBS, "--test-dir"])
            .arg(&tests),
    )
}

fn header(generated: Generated) -> Outcome {
    let mut test = cargo();
    test.args(["test", "--locked", "--package", "zephyr-ffi", "--no-default-features"]);
    test.args(["--test", "header"]);
    if generated == Generated::Update {
        test.env("ZEPHYR_UPDATE_HEADER", "1");
    }
    step::run(&mut test)
}

/// `examples/c` and `examples/cpp` become `target/bindings/c/example-c` and `example-cpp`: so their CMake projects name
/// the programs.
fn examples(prefix: &Path) -> Outcome {
    for language in ["c", "cpp"] {
        let source = root().join("examples").join(language);
        if source.join("CMakeLists.txt").exists() {
            build(&source, &target("c").join("examples").join(language), prefix)?;
        }
    }
    Ok(())
}

/// Configures and builds a CMake project against the library in `prefix`.
fn build(source: &Path, binary: &Path, prefix: &Path) -> Outcome {
    let outputs = if source == libzephyr::sources() { binary.to_path_buf() } else { target("c") };
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(source).arg("-B").arg(binary);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    configure.arg(format!("-DCMAKE_RUNTIME_OUTPUT_DIRECTORY={}", outputs.display()));
    configure.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    step::run(&mut configure)?;
    step::run(Command::new("cmake").arg("--build").arg(binary).args(["--parallel", JOBS]))
}

/// The shared library gives programs its own functions, and none of what it is built from.
fn symbols(library: &Path) -> Outcome {
    let mut nm = Command::new("nm");
    nm.args(["--dynamic", "--defined-only", "--format=just-symbols"]).arg(library);
    let output = nm.output().map_err(|error| Failure::not_started(&nm, &error))?;
    let names = String::from_utf8_lossy(&output.stdout);
    let foreign: Vec<&str> = names.lines().filter(|name| !name.starts_with("zephyr_")).collect();
    match foreign[..] {
        _ if names.is_empty() => Err(Failure::new("libzephyr.so has no symbols.")),
        [] => Ok(()),
        _ => Err(Failure::new(format!("libzephyr.so also exports {}.", foreign.join(", ")))),
    }
}
