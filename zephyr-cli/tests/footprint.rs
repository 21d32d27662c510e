//! What a client in firmware takes in a live network, for `cargo xtask footprint`: each figure in a line
//! `footprint: NAME = VALUE`.
#![cfg(unix)] // the machines' control sockets

#[path = "firmware/board.rs"]
#[allow(dead_code)]
mod board;
#[path = "languages/chat.rs"]
#[allow(dead_code)]
mod chat;
mod common;
#[path = "firmware/qemu.rs"]
mod qemu;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use board::Board;
use chat::Chat;
use common::{Devnet, run, succeeded};
use qemu::{CORTEX_M4F, Model, RV32IMC};

const BOARD: &str = "board@example.org";
const FRIEND: &str = "friend@example.org";
/// As many as the chat has places for, less the friend.
const OTHERS: usize = 7;
/// For a machine whose every instruction is counted, and that may have much else to do.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often the board is asked how far it is.
const PAUSE: Duration = Duration::from_secs(2);
/// Messages that each of the three mixers adds to the mailbox of the network with much noise.
const NOISE: u64 = 500;

/// The clock of a machine that counts loses seconds in each round, and rounds have to be longer than that.
fn parameters(noise: u64) -> String {
    format!(
        "[parameters]\n\
         payload_bytes = 256\npackets_per_round = 1\nmailboxes = 1\n\
         round_ms = 45000\nopen_ms = 5000\nsubmit_ms = 43000\nphase_ms = 1500\n\
         deliver_ms = 1500\ndownload_ms = 45000\n\
         noise_mu_thousandths = {}\nnoise_b_thousandths = 0\nmin_batch_packets = 0\n",
        noise * 1_000
    )
}

/// What a board has done up to now.
#[derive(Clone, Copy, Debug)]
struct Figures {
    packets: u64,
    messages: u64,
    instructions: u64,
}

impl Figures {
    fn of(board: &mut Board) -> Self {
        let packets = board.stat("packets sent");
        let messages = board.stat("messages searched");
        Self { packets, messages, instructions: board.stat("instructions") }
    }

    /// When one packet more than now has been sent.
    fn after_a_packet(self, board: &mut Board) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            thread::sleep(PAUSE);
            let figures = Self::of(board);
            if figures.packets > self.packets {
                return figures;
            }
            assert!(Instant::now() < until, "no packet is sent: {figures:?}");
        }
    }
}

/// A board in a network with so much noise; what rounds take, and the board itself.
fn rounds(model: &Model, noise: u64, dir: &Path) -> (Figures, Board) {
    fs::create_dir_all(dir).unwrap();
    let file = dir.join("parameters.toml");
    fs::write(&file, parameters(noise)).unwrap();
    let options =
        format!("--mixers 3 --infos 1 --mailbox-servers 1 --parameters {}", file.display());
    let devnet = Devnet::start_with(&dir.join("net"), 3, &options);
    let exported = run(&format!("network export {}", devnet.network()));
    succeeded(&exported);
    let manifest = dir.join("manifest.bin");
    fs::write(&manifest, &exported.stdout).unwrap();

    let mut board = Board::start(model, &manifest, dir, BOARD);
    board.register(&devnet);
    let home = dir.join("friend");
    devnet.register(&home, FRIEND);
    let mut friend = Chat::command_line(&home, FRIEND);
    // A message in every packet, and one from the friend in every round.
    board.send(FRIEND, "hello");
    (0..OTHERS).for_each(|i| board.send(&format!("other-{i}@example.org"), "hello"));
    friend.send(BOARD, &"Much to say. ".repeat(200));

    // The first round has had the tags and mailboxes of fewer contacts.
    let begun = Figures::of(&mut board);
    let first = begun.after_a_packet(&mut board).after_a_packet(&mut board);
    let second = first.after_a_packet(&mut board);
    assert_eq!(second.packets, first.packets + 1, "a packet came too soon");
    let round = Figures {
        packets: 1,
        messages: second.messages - first.messages,
        instructions: second.instructions - first.instructions,
    };
    eprintln!("{}, noise {noise}: {round:?}", model.name);
    (round, board)
}

fn tell(name: &str, value: u64) {
    println!("footprint: {name} = {value}");
}

fn measure(model: &Model) {
    let dir = tempfile::tempdir().unwrap();
    let (quiet, mut board) = rounds(model, 0, &dir.path().join("quiet"));
    tell("a round in a live network", quiet.instructions);
    let (stack, ram) = (board.stat("stack"), board.stat("static RAM"));
    tell("static RAM", ram);
    tell("worst stack", stack);
    drop(board);
    let (noisy, _) = rounds(model, NOISE, &dir.path().join("noisy"));
    let more = noisy.messages - quiet.messages;
    assert!(more > NOISE, "the mailbox has only {more} messages more");
    tell(
        "scan a message: with Noise and TCP",
        noisy.instructions.saturating_sub(quiet.instructions) / more,
    );
}

/// What `cargo xtask test` leaves out by this name.
mod footprint {
    use super::*;

    #[test]
    #[ignore = "takes minutes: `cargo xtask footprint` runs it"]
    fn on_a_cortex_m4f() {
        measure(&CORTEX_M4F.counting());
    }

    #[test]
    #[ignore = "takes minutes: `cargo xtask footprint` runs it"]
    fn on_an_rv32imc() {
        measure(&RV32IMC.counting());
    }
}
