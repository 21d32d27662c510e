//! Microcontrollers in QEMU and the command line in one network, writing to each other over real sockets.
#![cfg(unix)] // the machines' control sockets

#[path = "firmware/board.rs"]
mod board;
#[path = "languages/chat.rs"]
#[allow(dead_code)]
mod chat;
mod common;
#[path = "firmware/qemu.rs"]
mod qemu;

use std::fs;
use std::path::Path;

use board::{Board, PATIENCE};
use chat::Chat;
use common::{Devnet, run, succeeded};
use qemu::{CORTEX_M4F, RV32IMC};

const ARM: &str = "arm@example.org";
const RISCV: &str = "riscv@example.org";
const RUST: &str = "rust@example.org";

/// Payloads as firmware is measured with. Emulated boards compute for seconds in every round, so rounds take longer
/// than a devnet's.
const PARAMETERS: &str = "\
[parameters]
payload_bytes = 256
packets_per_round = 2
round_ms = 6000
open_ms = 2000
submit_ms = 5000
phase_ms = 800
deliver_ms = 800
download_ms = 8000
";

/// Several fragments of 256 bytes, so that some cut a letter into two.
fn long_text(about: &str) -> String {
    format!("{about}: {}the end.", "Grüße aus der 世界, ".repeat(18))
}

fn start_devnet(dir: &Path) -> Devnet {
    let parameters = dir.join("parameters.toml");
    fs::write(&parameters, PARAMETERS).unwrap();
    let options = "--mixers 3 --infos 2 --mailbox-servers 1 --parameters";
    Devnet::start_with(&dir.join("net"), 3, &format!("{options} {}", parameters.display()))
}

#[test]
#[ignore = "needs the firmware: run `cargo xtask firmware` first"]
fn boards_and_the_command_line_write_to_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = start_devnet(dir.path());
    let exported = run(&format!("network export {}", devnet.network()));
    succeeded(&exported);
    let manifest = dir.path().join("manifest.bin");
    fs::write(&manifest, &exported.stdout).unwrap();

    // Codes typed at the consoles.
    let mut arm = Board::start(&CORTEX_M4F, &manifest, dir.path(), ARM);
    let mut riscv = Board::start(&RV32IMC, &manifest, dir.path(), RISCV);
    arm.register(&devnet);
    riscv.register(&devnet);
    let home = dir.path().join("rust");
    devnet.register(&home, RUST);
    let mut rust = Chat::command_line(&home, RUST).patient(PATIENCE);
    arm.add(RISCV);
    arm.add(RUST);
    riscv.add(ARM);
    riscv.add(RUST);
    rust.add(ARM);
    rust.add(RISCV);

    // All to all, short and long.
    let long = long_text("a long text");
    arm.send(RUST, "from arm");
    arm.send(RISCV, "arm to riscv");
    riscv.send(RUST, &long);
    riscv.send(ARM, "riscv to arm");
    rust.send(ARM, &long);
    rust.send(RISCV, "to riscv");
    assert_eq!(rust.wait_for_message(ARM), "from arm");
    assert_eq!(rust.wait_for_message(RISCV), long);
    arm.wait_for_texts(RISCV, &["riscv to arm"]);
    arm.wait_for_texts(RUST, &["hello", &long]);
    riscv.wait_for_texts(ARM, &["arm to riscv"]);
    riscv.wait_for_texts(RUST, &["hello", "to riscv"]);
    arm.wait_until_delivered();
    riscv.wait_until_delivered();
    rust.wait_until_delivered();

    // No cable for two rounds, while there is much to say.
    arm.set_cable(false);
    riscv.set_cable(false);
    for number in ["1", "2"] {
        arm.send(RUST, &format!("arm without cable {number}"));
        arm.send(RISCV, &format!("arm without cable {number}"));
        riscv.send(RUST, &format!("riscv without cable {number}"));
        rust.send(ARM, &format!("to arm without cable {number}"));
        rust.send(RISCV, &format!("to riscv without cable {number}"));
    }
    // The round that has opened may be through with its directory: two whole ones after it.
    rust.wait_for_rounds(3);
    arm.set_cable(true);
    riscv.set_cable(true);
    for number in ["1", "2"] {
        assert_eq!(rust.wait_for_message(ARM), format!("arm without cable {number}"));
        assert_eq!(rust.wait_for_message(RISCV), format!("riscv without cable {number}"));
    }
    arm.wait_for_texts(RUST, &["to arm without cable 1", "to arm without cable 2"]);
    riscv.wait_for_texts(RUST, &["to riscv without cable 1", "to riscv without cable 2"]);
    riscv.wait_for_texts(ARM, &["arm without cable 1", "arm without cable 2"]);

    // Reset in the midst of sending, and of receiving.
    let long = long_text("until the reset");
    arm.send(RUST, &long);
    arm.send(RISCV, "before the reset");
    riscv.send(ARM, &long);
    rust.send(ARM, "before the reset");
    rust.send(RISCV, &long);
    rust.wait_for_rounds(2);
    arm.reset();
    riscv.wait_for_first_part(RUST);
    riscv.reset();
    arm.ready();
    riscv.ready();
    arm.send(RUST, "after the reset");
    riscv.send(RUST, "after the reset");
    rust.send(ARM, "after the reset");
    assert_eq!(rust.wait_for_message(ARM), long);
    assert_eq!(rust.wait_for_message(ARM), "after the reset");
    assert_eq!(rust.wait_for_message(RISCV), "after the reset");
    arm.wait_for_texts(RISCV, &[&long]);
    arm.wait_for_texts(RUST, &["before the reset", "after the reset"]);
    riscv.wait_for_texts(ARM, &["before the reset"]);
    riscv.wait_for_texts(RUST, &[&long]);
    rust.wait_until_delivered();

    // Nobody says anything any more, and the boards go on with their packets.
    let before = [arm.stat("packets sent"), riscv.stat("packets sent")];
    rust.wait_for_rounds(3);
    for (board, before) in [&mut arm, &mut riscv].into_iter().zip(before) {
        let sent = board.stat("packets sent") - before;
        assert!((4..=8).contains(&sent), "{}: {sent} packets in 3 rounds", board.address);
    }
    rust.has_no_more_messages();
    arm.quit();
    riscv.quit();
    rust.quit();
    devnet.stop();
}
