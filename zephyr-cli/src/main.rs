//! The program `zephyr`.

fn main() {}
