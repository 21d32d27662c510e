//! Namespaces of the test's own, so that nothing it does can be seen outside or outlives it.
//!
//! The test starts itself again inside: as root of a user namespace, with a network, mounts and process numbers of its
//! own. When that process ends, however it ends, the system kills everything in there and takes the networks away.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;

/// Says to the test that it is inside.
const INSIDE: &str = "ZEPHYR_TEST_INSIDE";
const NAMESPACES: [&str; 5] = ["--net", "--mount", "--pid", "--fork", "--kill-child"];
const AS_USER: [&str; 2] = ["--user", "--map-root-user"];
/// In memory, and gone with the namespace.
pub const FOLDER: &str = "/run";

/// Whether this is the process inside. Outside it runs the test `test` inside, and fails if that fails.
pub fn enter(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        prepare();
        return true;
    }
    let mut command = unshare();
    command.arg(std::env::current_exe().expect("the test is a file"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    let mut child = command.env(INSIDE, "1").stdin(Stdio::piped()).spawn().expect("it starts");
    // When this process dies, the one inside reads the end of it.
    let _stdin = child.stdin.take();
    let status = child.wait().expect("it is our child");
    assert!(status.success(), "the test failed inside its namespaces: see above");
    false
}

/// `unshare` with the namespaces that this user may make.
fn unshare() -> Command {
    let ways: [Vec<&str>; 2] = [[&AS_USER[..], &NAMESPACES].concat(), NAMESPACES.to_vec()];
    for arguments in ways {
        let mut command = Command::new("unshare");
        command.args(arguments).env("PATH", path());
        let mut trial = Command::new("unshare");
        trial.args(command.get_args()).args(["mount", "-t", "tmpfs", "none", FOLDER]);
        if trial.output().is_ok_and(|output| output.status.success()) {
            return command;
        }
    }
    panic!(
        "this machine lets the test make no network namespaces: allow user namespaces \
         (`sysctl kernel.unprivileged_userns_clone=1`, `sysctl kernel.apparmor_restrict_unprivileged_userns=0`), \
         or run it as root, in a container with `--cap-add SYS_ADMIN --cap-add NET_ADMIN`"
    );
}

/// Also where Debian keeps the tools of administrators.
fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn prepare() {
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        eprintln!("the test outside has ended");
        std::process::exit(1);
    });
    run("mount", &["-t", "tmpfs", "none", FOLDER]);
    run("ip", &["link", "set", "lo", "up"]);
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")
        .expect("the test can't forward packets between its hosts: /proc/sys/net must be writable");
}

/// Runs a tool that must succeed.
#[track_caller]
pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| {
        panic!("`{program}` can't be started, run `cargo xtask install`: {error}")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
}
