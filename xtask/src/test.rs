//! Every check and every test, in the order in which a mistake shows soonest.

use std::thread;

use crate::{
    bindings, boards, firmware, install, root, rules,
    step::{Outcome, Steps, run, run_beside},
    toolchain::cargo,
};

/// What every cargo command gets: the versions of Cargo.lock and no others.
const LOCKED: &str = "--locked";

/// The test with many hosts.
const HOSTS: &str = "nothing_is_lost_between_hosts_that_fail";

type Step = (&'static str, fn() -> Outcome);

/// One profile (dev) for all of it, so that dependencies are compiled once to be checked and once to be run.
const STEPS: &[Step] = &[
    ("install what the tests need", install::all),
    ("format", format),
    ("rules of the sources", rules::check),
    ("clippy", clippy),
    ("documentation", documentation),
    ("tests of the workspace", tests),
    ("bindings: C and C++", bindings::c),
    ("bindings: Kotlin", bindings::kotlin),
    ("bindings: Swift", bindings::swift),
    ("libraries of the firmware", firmware::libraries),
    ("chat for emulated boards", firmware::build_all),
    ("tests with outside servers and other languages", ignored_tests),
    ("zephyr-core alone", core),
    ("self-test on a Cortex-M4F in QEMU", firmware::self_test),
    ("self-test in C on a Cortex-M4F in QEMU", firmware::self_test_in_c),
    ("examples for boards", boards::build),
];

/// Runs all steps and stops at the first failure.
pub fn everything() -> Outcome {
    let mut steps = Steps::new(STEPS.len());
    for (name, step) in STEPS {
        steps.step(name, step)?;
    }
    steps.summary();
    Ok(())
}

fn format() -> Outcome {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    let mut firmware = cargo();
    firmware.current_dir(root().join("firmware")).arg("fmt");
    for package in firmware::PACKAGES {
        firmware.args(["--package", package]);
    }
    run(firmware.arg("--check"))?;
    boards::format()
}

fn clippy() -> Outcome {
    run(cargo()
        .args(["clippy", LOCKED, "--workspace", "--all-targets"])
        .args(["--", "-D", "warnings"]))
}

fn documentation() -> Outcome {
    run(cargo()
        .args(["doc", LOCKED, "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

/// Those that take long wait for rounds to pass, so there are more of them at a time than processors.
fn tests() -> Outcome {
    let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
    run(cargo().args(["test", LOCKED, "--workspace"]).env("RUST_TEST_THREADS", threads.to_string()))
}

/// Documentation's `ignore` blocks would count as ignored tests, so targets are named. What only measures is left to
/// `cargo xtask footprint`.
fn ignored_tests() -> Outcome {
    let ignored = |targets: &[&str], skipped: &[&str]| {
        let mut command = cargo();
        command.args(["test", LOCKED, "--workspace"]).args(targets).args(["--", "--ignored"]);
        command.args(skipped.iter().flat_map(|name| ["--skip", name]));
        command
    };
    // It waits most of the time, and so do the others.
    run_beside(&mut ignored(&["--test", "hosts"], &[]), || {
        run(&mut ignored(&["--lib", "--bins", "--tests"], &["footprint::", HOSTS]))
    })
}

/// By itself zephyr-core has only its portable backend and no heap, whatever other crates of the workspace turn on.
fn core() -> Outcome {
    run(cargo().args(["test", LOCKED, "--package", "zephyr-core"]))
}
