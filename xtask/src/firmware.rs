//! Firmware in QEMU. The self-tests on a Cortex-M4F: in Rust, with figures, and in C, with libzephyr as firmware has it.
//! And the chat on two boards.

mod chat;

use chat::boot;
pub use chat::{build_all, libraries};

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    footprint, install, libzephyr, root,
    step::{Failure, Outcome, run},
    toolchain::{CORTEX_M4F, bare_metal_cargo, target_dir},
};

/// The crates of the workspace in `firmware`.
pub const PACKAGES: &[&str] = &["chat", "machine", "selftest", "zephyr-mps2-an386", "zephyr-virt"];

/// It takes half a minute of its own; a firmware that hangs would run forever.
const TIMEOUT: Duration = Duration::from_secs(300);
/// The firmware's last line when every result was right.
const PASSED: &str = "selftest: passed";

/// `cargo xtask firmware`
pub fn command(arguments: &[&str]) -> Outcome {
    let steps: &[fn() -> Outcome] = match *arguments {
        [] => &[self_test, self_test_in_c, libraries, build_all],
        ["c"] => &[self_test_in_c],
        ["build"] => &[build_all],
        ["chat", manifest] => return install::bare_metal().and_then(|()| boot(manifest)),
        _ => {
            return Err(Failure::new(
                "It is `firmware`, `firmware c|build` or `firmware chat MANIFEST`.",
            ));
        }
    };
    install::bare_metal()?;
    steps.iter().try_for_each(|step| step())
}

/// Builds the self-test, runs it with its output shown, and fails unless it says that it passed, within all limits.
pub fn self_test() -> Outcome {
    footprint::check_self_test(&self_test_output()?)
}

/// Builds the self-test, runs it with its output shown, and returns that if it says that it passed.
pub fn self_test_output() -> Result<Vec<String>, Failure> {
    build("selftest", CORTEX_M4F)?;
    run_in_qemu(&built("selftest", CORTEX_M4F))
}

/// Builds a program of the workspace in `firmware`, without a warning.
pub fn build(package: &str, target: &str) -> Outcome {
    run(bare_metal_cargo("build", target, &root().join("firmware"))
        .args(["--release", "--locked", "--package", package])
        .arg("--target-dir")
        .arg(target_dir().join("firmware"))
        // Together with those in .cargo/config.toml, instead of which RUSTFLAGS would be.
        .args([
            "--config",
            "target.'cfg(target_os = \"none\")'.rustflags = ['--deny', 'warnings']",
        ]))
}

/// Where a program of the workspace in `firmware` is when it is built.
pub fn built(package: &str, target: &str) -> PathBuf {
    target_dir().join("firmware").join(target).join("release").join(package)
}

/// Builds libzephyr and `firmware/c`, runs it with its output shown, and fails unless it says that it passed.
pub fn self_test_in_c() -> Outcome {
    let built = target_dir().join("firmware-c");
    let prefix = built.join("prefix");
    libzephyr::install_bare(&prefix, CORTEX_M4F)?;
    let vector = fs::read_to_string(root().join("docs/vectors/seal/named.txt"))
        .map(|text| c_arrays(&text))
        .and_then(|text| fs::write(built.join("vector.h"), text));
    vector.map_err(|error| Failure::new(format!("The vector could not be prepared: {error}.")))?;
    let (source, kernel) = (root().join("firmware/c"), built.join("selftest"));
    run(Command::new("arm-none-eabi-gcc")
        .args(["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-Os"])
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffreestanding"])
        .args(["-nostdlib", "-Wl,--gc-sections,-z,noexecstack", "-DZEPHYR_NO_IO", "-T"])
        .arg(source.join("link.ld"))
        .args(["start.c", "main.c"].map(|file| source.join(file)))
        .arg("-I")
        .arg(prefix.join("include"))
        .arg("-I")
        .arg(&built)
        .arg(prefix.join("lib/libzephyr.a"))
        .args(["-lgcc", "-o"])
        .arg(&kernel))?;
    run_in_qemu(&kernel).map(drop)
}

/// The first block of a vector as arrays of C: firmware has no files to read it from.
fn c_arrays(vector: &str) -> String {
    let lines = vector.lines().filter_map(|line| line.split_once(" = "));
    let mut seen = Vec::new();
    let mut text = String::new();
    for (name, value) in lines {
        let is_hex = value.len() % 2 == 0 && value.bytes().all(|c| c.is_ascii_hexdigit());
        if seen.contains(&name) || !is_hex || value.len() < 32 {
            continue;
        }
        seen.push(name);
        let bytes: String =
            (0..value.len()).step_by(2).map(|at| format!("0x{},", &value[at..at + 2])).collect();
        text.push_str(&format!("#define VECTOR_{} {{{bytes}}}\n", name.to_uppercase()));
    }
    text
}

fn run_in_qemu(kernel: &Path) -> Result<Vec<String>, Failure> {
    let mut command = qemu(kernel);
    let mut child = command.spawn().map_err(|error| Failure::not_started(&command, &error))?;
    let output = child.stdout.take().expect("stdout is piped");
    let reader = thread::spawn(move || lines_shown(output));
    let status = wait(&mut child)?;
    let lines = reader.join().expect("the reader does not panic");
    match lines.last() {
        _ if !status.success() => Err(Failure::of_command("The self-test in QEMU", status)),
        Some(last) if last == PASSED => Ok(lines),
        _ => Err(Failure::new("The self-test in QEMU ended without saying that it passed.")),
    }
}

/// One instruction takes one virtual nanosecond (`-icount shift=0`), so that every run counts the same.
fn qemu(kernel: &Path) -> Command {
    let mut command = Command::new("qemu-system-arm");
    command
        .args(["-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "null"])
        .args(["-icount", "shift=0"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .arg("-kernel")
        .arg(kernel)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Prints every line as it comes, and returns them.
fn lines_shown(output: impl std::io::Read) -> Vec<String> {
    // Beside what a command prints that others read, such as JSON.
    let shown = BufReader::new(output).lines().map_while(Result::ok);
    shown.inspect(|line| eprintln!("{line}")).collect()
}

/// Waits until QEMU ends, and ends it when it takes too long.
fn wait(child: &mut Child) -> Result<ExitStatus, Failure> {
    let failed = |error| Failure::new(format!("QEMU could not be waited for: {error}."));
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err(Failure::new(format!(
                "The self-test in QEMU was not done after {} s and was ended.",
                TIMEOUT.as_secs()
            )));
        }
        thread::sleep(Duration::from_millis(50));
    }
}
