//! Names the shared library after its ABI, so that programs find the one that they were linked with.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=src/abi/version.rs");
    let abi = include_str!("src/abi/version.rs")
        .lines()
        .find_map(|line| {
            line.strip_prefix("pub const ZEPHYR_ABI_VERSION: u32 = ")?.strip_suffix(';')
        })
        .expect("the ABI's version stands in its file");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzephyr.so.{abi}");
    }
}
