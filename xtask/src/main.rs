//! Developer commands, started as `cargo xtask COMMAND`.
//!
//! No dependencies, so that it is built in a second and needs no download itself.

#![forbid(unsafe_code)]

mod bench;
mod bindings;
mod boards;
mod firmware;
mod footprint;
mod install;
mod libzephyr;
mod rules;
mod sim;
mod step;
mod test;
mod toolchain;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use step::Failure;

const HELP: &str = "\
Usage: cargo xtask COMMAND

  test       install what the tests need, then run every check and every test
  sim        simulate whole networks in which things go wrong: --seeds N [--from S] [--real], or --story SEED
  bindings   only the packages for other languages, all or one: [c|kotlin|swift]; --update writes generated code anew
  libzephyr  build the library for C and C++ and install it: --prefix DIR [--debug | --target TARGET]
  firmware   only the firmware: self-tests on a Cortex-M4F in QEMU, in Rust (with a table of instructions and
             stack) and in C; tests of its libraries; builds of the chat for both emulated boards.
             Or one of it: [c|build], or `chat MANIFEST`: boot the Cortex-M4F with its console on this terminal
  boards     only the examples for boards, which are built and not run
  footprint  measure what a whole client needs on a microcontroller, against its limits: [--json]
  bench      measure speed and memory of the whole system beside what they are compared to: [--json]
  rules      only the checks of the sources that the compiler does not make
  install    only install what the tests need (Debian packages, as root or through sudo)
  help       this text

`cargo xtask test` is what the CI runs. It stops at the first failure and exits with that step's status.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::everything(),
        ["sim", ref options @ ..] => sim::simulate(options),
        ["bindings", ref arguments @ ..] => bindings::run(arguments),
        ["libzephyr", ref arguments @ ..] => libzephyr::command(arguments),
        ["firmware", ref arguments @ ..] => firmware::command(arguments),
        ["boards"] => install::bare_metal().and_then(|()| boards::build()),
        ["footprint", ref options @ ..] => footprint::command(options),
        ["bench", ref options @ ..] => bench::command(options),
        ["rules"] => rules::check(),
        ["install"] => install::all(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(Failure::new(format!("`{}` is not a command.\n\n{HELP}", arguments.join(" ")))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask stands in the workspace's folder").to_path_buf()
}
