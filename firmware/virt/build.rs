//! Puts memory.x where the linker finds it, and names the linker scripts.

use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let budget = include_str!("memory.x");
    let memory = match cfg!(feature = "messages") {
        true => budget.replace("LENGTH = 360K", "LENGTH = 1M"),
        false => budget.to_owned(),
    };
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
}
