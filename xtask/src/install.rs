//! Installs what the tests need and the machine does not have.

use std::{path::PathBuf, process::Command};

use crate::{
    step::{Failure, Outcome, run, succeeds},
    toolchain,
};

/// Something the tests need, and the Debian packages that bring it.
struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    is_there: fn() -> bool,
}

const COMPILER: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// What the bare-metal builds and the self-test in QEMU need.
const BARE_METAL: &[Need] = &[
    Need {
        what: "a compiler for bare metal (instead of the packages also: \
               `rustup target add thumbv7em-none-eabihf riscv32imc-unknown-none-elf`)",
        packages: COMPILER,
        is_there: || toolchain::has_targets() || COMPILER.iter().all(|name| has_package(name)),
    },
    Need {
        what: "QEMU for Arm",
        packages: &["qemu-system-arm"],
        is_there: || has_program("qemu-system-arm"),
    },
    Need {
        what: "QEMU for RISC-V",
        packages: &["qemu-system-misc"],
        is_there: || has_program("qemu-system-riscv32"),
    },
    Need {
        what: "a compiler for C on Arm without an operating system",
        packages: &["gcc-arm-none-eabi"],
        is_there: || has_program("arm-none-eabi-gcc"),
    },
];

const POSTGRES: &str = "postgresql";

/// What the tests with outside servers and many hosts need.
const SERVERS: &[Need] = &[
    Need {
        what: "a real SMTP server that the PKGs mail through",
        packages: &["exim4-daemon-light"],
        is_there: || has_program("exim4"),
    },
    Need {
        what: "PostgreSQL, which the tests start themselves",
        packages: &[POSTGRES],
        is_there: has_postgres,
    },
    Need {
        what: "tools for a network of many hosts in namespaces",
        packages: &["iproute2", "nftables", "util-linux", "mount"],
        is_there: || ["ip", "nft", "unshare", "nsenter", "mount"].into_iter().all(has_program),
    },
];

/// What the package for Kotlin is built with.
const KOTLIN: &[Need] = &[
    Need {
        what: "a JDK, 17 or later",
        packages: &["default-jdk-headless"],
        is_there: || has_program("javac"),
    },
    Need { what: "Maven", packages: &["maven"], is_there: || has_program("mvn") },
];

/// What the package for C and C++ is built and tested with.
const C: &[Need] = &[
    Need {
        what: "compilers for C and C++",
        packages: &["gcc", "g++", "libc6-dev", "binutils", "make"],
        is_there: || ["cc", "c++", "nm", "make"].into_iter().all(has_program),
    },
    Need { what: "CMake", packages: &["cmake"], is_there: || has_program("cmake") },
    Need { what: "pkg-config", packages: &["pkg-config"], is_there: || has_program("pkg-config") },
    Need {
        what: "valgrind",
        packages: &["valgrind", "libc6-dbg"],
        is_there: || has_program("valgrind"),
    },
];

/// What brings Swift to a machine that does not have it.
const SWIFT: &[Need] = &[Need {
    what: "debootstrap, which makes a Debian with Swift in a folder (instead of it also: Swift)",
    packages: &["debootstrap", "util-linux", "mount"],
    is_there: || {
        let programs = ["debootstrap", "unshare", "flock", "mount"];
        has_program("swift") || programs.into_iter().all(has_program)
    },
}];

/// Installs what is missing of everything.
pub fn all() -> Outcome {
    components()?;
    packages(BARE_METAL.iter().chain(SERVERS).chain(C).chain(KOTLIN).chain(SWIFT))
}

/// Installs what is missing for the package for Kotlin.
pub fn kotlin() -> Outcome {
    packages(KOTLIN.iter())
}

/// Installs what is missing for the package for C and C++.
pub fn c() -> Outcome {
    packages(C.iter())
}

/// Installs what is missing for the bare-metal builds and the self-test in QEMU.
pub fn bare_metal() -> Outcome {
    packages(BARE_METAL.iter())
}

/// Installs what is missing for the tests in Swift.
pub fn swift() -> Outcome {
    packages(SWIFT.iter())
}

/// rustfmt and clippy, which a minimal toolchain leaves out.
fn components() -> Outcome {
    for (name, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if succeeds(toolchain::cargo().args([subcommand, "--version"])) {
            continue;
        }
        run(Command::new("rustup").args(["component", "add", name])).map_err(|failure| {
            Failure::new(format!(
                "`cargo {subcommand}` is missing and could not be added: {} \
                 Please install {name} for this toolchain.",
                failure.message
            ))
        })?;
    }
    Ok(())
}

fn packages<'a>(needs: impl Iterator<Item = &'a Need>) -> Outcome {
    let missing: Vec<&Need> = needs.filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("missing: {}", need.what);
    }
    let names: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    apt(&names).map_err(|reason| {
        Failure::new(format!(
            "{reason} Please install by hand what the tests need, on Debian with \
             `apt-get install {}`, and start again.",
            names.join(" ")
        ))
    })?;
    match missing.iter().find(|need| !(need.is_there)()) {
        None => Ok(()),
        Some(need) => Err(Failure::new(format!(
            "The packages were installed, but this is still missing: {}.",
            need.what
        ))),
    }
}

/// Installs packages, or says why it cannot. Removes nothing for them, such as another mail server.
fn apt(names: &[&str]) -> Result<(), String> {
    if !has_program("apt-get") {
        return Err("This machine has no apt-get.".into());
    }
    let apt_get = |arguments: &[&str]| {
        let mut command = as_root("env")?;
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]);
        command.args(["-o", "DPkg::Lock::Timeout=300"]);
        run(command.args(arguments)).map_err(|failure| failure.message)
    };
    apt_get(&["update"])?;
    if names.contains(&POSTGRES) {
        no_default_cluster()?;
    }
    apt_get(&[&["install", "--no-install-recommends", "--no-remove"], names].concat())
}

/// Debian would make a database and start a server on its usual port. What is configured already stays.
fn no_default_cluster() -> Result<(), String> {
    let script = "test -e /etc/postgresql-common/createcluster.conf || { mkdir -p /etc/postgresql-common && \
                  echo create_main_cluster = false > /etc/postgresql-common/createcluster.conf; }";
    run(as_root("sh")?.args(["-c", script])).map_err(|failure| failure.message)
}

/// A command that runs `program` as root, through sudo if need be, or says why there can't be one.
pub fn as_root(program: &str) -> Result<Command, String> {
    let user = Command::new("id").arg("-u").output();
    if user.is_ok_and(|output| output.stdout.trim_ascii() == b"0") {
        return Ok(Command::new(program));
    }
    if !succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Err("Installing needs root, or sudo without a password.".into());
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    Ok(command)
}

fn has_package(name: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status}", name])
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

/// Debian keeps the server's programs in a folder for each version.
fn has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders = versions.map(|version| version.path().join("bin"));
    folders.any(|folder| folder.join("initdb").is_file()) || has_program("initdb")
}

/// Looks on the PATH and where Debian keeps servers, which is not on every user's PATH.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .any(|folder| folder.join(name).is_file())
}
