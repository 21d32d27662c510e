//! Links as esp-hal wants it, and puts the network's manifest where the program finds it.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rustc-link-arg=-Tlinkall.x");
    println!("cargo::rerun-if-changed=manifest.bin");
    let manifest = fs::read("manifest.bin").unwrap_or_else(|_| {
        println!("cargo::warning=There is no manifest.bin: the program will know of no network. See README.md.");
        Vec::new()
    });
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("manifest.bin"), manifest).expect("OUT_DIR can be written");
    println!("cargo::rerun-if-env-changed=WIFI_NAME");
    if env::var_os("WIFI_NAME").is_none() {
        println!(
            "cargo::warning=WIFI_NAME is not set: the program will join no Wi-Fi. See README.md."
        );
    }
}
