//! Puts memory.x where the linker finds it, and the network's manifest where the program finds it.

use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy("memory.x", out.join("memory.x")).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=manifest.bin");
    let manifest = fs::read("manifest.bin").unwrap_or_else(|_| {
        println!("cargo::warning=There is no manifest.bin: the program will know of no network. See README.md.");
        Vec::new()
    });
    fs::write(out.join("manifest.bin"), manifest).expect("OUT_DIR can be written");
}
