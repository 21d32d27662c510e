//! Which Swift compiles and tests.
//!
//! A developer's machine may have Swift on the PATH. Elsewhere Debian 13's is taken, from a whole Debian in a folder of
//! its own: older ones don't have Swift. It is made once for all checkouts and entered with `chroot`, in which the
//! checkout and the target folder stand at their own paths. All mounts are in a namespace that ends with the command.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    install::{as_root, has_program},
    root,
    step::{Failure, Outcome, run_as},
    toolchain::target_dir,
};

/// The folder's name. Another one when the packages change, so that an old folder isn't taken for the new one.
const NAME: &str = "debian-13";

/// What debootstrap's downloads heed, and what sudo would keep from them.
const PROXIES: &[&str] = &["http_proxy", "https_proxy", "no_proxy"];

/// Makes a Debian under another name and renames it when it is whole: `FOLDER MIRROR`. Who has waited for the lock
/// finds it made.
const DOWNLOAD: &str = r#"
debian=$1; mirror=$2
if [ -d "$debian" ]; then exit; fi
rm -rf --one-file-system "$debian.unfinished"
debootstrap --variant=minbase --include=swiftlang,libc6-dev,libstdc++-14-dev,ca-certificates \
    trixie "$debian.unfinished" "$mirror"
mv "$debian.unfinished" "$debian"
"#;

/// Mounts what a program needs, and starts it as `user` in `root`: `ROOT USER FOLDER... -- PROGRAM ARGUMENTS...`.
const ENTER: &str = r#"
root=$1; user=$2; shift 2
for folder in /proc /dev; do mount --rbind "$folder" "$root$folder"; done
while [ "$1" != -- ]; do
    mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; shift
done
shift
exec chroot --userspec="$user" "$root" "$@"
"#;

/// Where Swift lives.
pub enum Swift {
    /// On the PATH.
    Here,
    /// In a Debian below this folder.
    Inside(PathBuf),
}

impl Swift {
    /// The Swift of the PATH, or else Debian's, which is downloaded if that has not been done yet.
    pub fn find() -> Result<Self, Failure> {
        if has_program("swift") {
            return Ok(Self::Here);
        }
        let cache = cache_dir()?;
        fs::create_dir_all(&cache).map_err(|error| unusable(&cache, &error))?;
        let debian = cache.join(NAME);
        if !debian.is_dir() {
            download(&debian)?;
        }
        Ok(Self::Inside(debian))
    }

    /// `swift` in `folder`, which must be in the checkout or the target folder.
    pub fn command(&self, folder: &Path) -> Result<Command, Failure> {
        let mut command = match self {
            Self::Here => Command::new("swift"),
            Self::Inside(debian) => inside(debian, folder)?,
        };
        command.current_dir(folder);
        Ok(command)
    }

    /// What a shell writes before a built program to start it. Debian 13's own loader and libraries run a program
    /// also outside of it, where it sees all files and needs no root.
    pub fn loader(&self) -> String {
        match self {
            Self::Here => String::new(),
            Self::Inside(debian) => {
                let debian = debian.display();
                let libraries = format!("{debian}/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
                let swift = format!("{debian}/usr/libexec/swift/lib/swift/linux");
                format!("\"{debian}/usr/bin/ld.so\" --library-path \"{libraries}:{swift}\" ")
            }
        }
    }
}

/// `swift` inside `debian`, as the user who started this, so that the files it makes are theirs.
fn inside(debian: &Path, folder: &Path) -> Result<Command, Failure> {
    let target = target_dir();
    let home = target.join("bindings/swift/home");
    fs::create_dir_all(&home).map_err(|error| unusable(&home, &error))?;
    let target = target.canonicalize().map_err(|error| unusable(&target, &error))?;
    let mut command = with_mounts()?;
    command
        .args(["sh", "-euc", ENTER, "enter"])
        .arg(debian)
        .arg(format!("{}:{}", id("-u")?, id("-g")?))
        .args([&root(), &target])
        .args(["--", "env", "--ignore-environment"])
        .arg(format!("--chdir={}", folder.display()))
        .args(["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"])
        .arg(format!("HOME={}", target.join("bindings/swift/home").display()))
        .arg("swift");
    Ok(command)
}

/// Puts a Debian with Swift into `debian`. If this is interrupted, the next one begins anew.
fn download(debian: &Path) -> Outcome {
    let mirror = mirror()?;
    let mut command = with_mounts()?;
    println!("missing: Swift. A Debian that has it, 3 GB, is put into {}.", debian.display());
    command.arg("env");
    for name in PROXIES {
        if let Ok(value) = std::env::var(name) {
            command.arg(format!("{name}={value}"));
        }
    }
    command.arg("flock").arg(debian.with_extension("lock"));
    command.args(["sh", "-euc", DOWNLOAD, "download"]).arg(debian).arg(mirror);
    run_as("debootstrap", &mut command).map_err(|failure| missing(&failure.message))
}

/// What is mounted by the command that follows is seen by nobody else, and gone when it ends, however it does.
fn with_mounts() -> Result<Command, Failure> {
    let mut command = as_root("unshare").map_err(|reason| missing(&reason))?;
    command.args(["--mount", "--propagation", "private"]);
    Ok(command)
}

/// The Debian mirror that apt uses on this machine.
fn mirror() -> Result<String, Failure> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(SITE)"])
        .args(["Created-By: Packages", "Origin: Debian", "Component: main"])
        .output();
    let sites = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let first = sites.ok().and_then(|sites| sites.lines().next().map(str::to_owned));
    first.ok_or_else(|| missing("This machine's apt knows no Debian mirror to get it from."))
}

/// Outside of the tree: 3 GB that all checkouts share.
fn cache_dir() -> Result<PathBuf, Failure> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let cache = cache.ok_or_else(|| missing("There is no home folder to keep it in."))?;
    Ok(cache.join("zephyr/swift"))
}

fn id(option: &str) -> Result<String, Failure> {
    let output = Command::new("id").arg(option).output();
    let output = output.map_err(|error| Failure::new(format!("`id` failed: {error}.")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} could not be used: {error}.", path.display()))
}

fn missing(reason: &str) -> Failure {
    Failure::new(format!(
        "Swift is missing, and could not be installed: {reason} \
         Please install Swift 6 (https://www.swift.org/install) so that `swift` is on the PATH, and start again."
    ))
}
