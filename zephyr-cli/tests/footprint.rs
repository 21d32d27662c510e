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
/// The contact that will say something.
const FRIEND: &str = "contact-0@example.org";
/// As many as the chat has places for.
const CONTACTS: usize = 8;
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

/// Fewer instructions than this between two looks are those of a board that has nothing to do.
const IDLE: u64 = 5_000_000;
/// How many downloads are looked at: something else can fall into the time of one.
const DOWNLOADS: usize = 3;

impl Figures {
    fn of(board: &mut Board) -> Self {
        let packets = board.stat("packets sent");
        let messages = board.stat("messages searched");
        Self { packets, messages, instructions: board.stat("instructions") }
    }
}

/// Looks at the board until `done`, and then until it is idle: what was seen.
fn watch(board: &mut Board, done: impl Fn(Figures, Figures) -> bool) -> Vec<Figures> {
    let until = Instant::now() + PATIENCE;
    let mut seen = vec![Figures::of(board)];
    loop {
        thread::sleep(PAUSE);
        let (first, last, next) = (seen[0], seen[seen.len() - 1], Figures::of(board));
        seen.push(next);
        if done(first, next) && next.instructions - last.instructions < IDLE {
            return seen;
        }
        assert!(Instant::now() < until, "nothing happens any more: {next:?}");
    }
}

/// Instructions from the end of one packet's work to the end of the next one's.
fn round(board: &mut Board) -> u64 {
    let packet = |board: &mut Board| {
        let seen = watch(board, |first, now| now.packets > first.packets);
        seen[seen.len() - 1]
    };
    let (first, second) = (packet(board), packet(board));
    assert_eq!(second.packets, first.packets + 1, "a packet came too soon");
    second.instructions - first.instructions
}

/// The fewest instructions of a download, and its messages.
fn download(board: &mut Board) -> (u64, u64) {
    let downloads = (0..DOWNLOADS).map(|_| {
        let seen = watch(board, |first, now| now.messages > first.messages);
        let (first, last) = (seen[0], seen[seen.len() - 1]);
        let ended =
            seen.iter().position(|f| f.messages > first.messages).expect("it was waited for");
        // Back to where the board was idle, as it was before the first look.
        let begun = (1..ended)
            .rev()
            .find(|&i| seen[i].instructions - seen[i - 1].instructions < IDLE)
            .unwrap_or(0);
        (last.instructions - seen[begun].instructions, last.messages - first.messages)
    });
    downloads.min().expect("there are some")
}

/// A board in a network with so much noise, and in eight contacts' company that says nothing to it.
fn board(model: &Model, noise: u64, dir: &Path) -> (Board, Devnet) {
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
    // A message in every packet.
    (0..CONTACTS).for_each(|i| board.send(&format!("contact-{i}@example.org"), "hello"));
    // The first rounds have the tags and mailboxes of fewer contacts.
    let begun = Figures::of(&mut board);
    watch(&mut board, |_, now| now.packets > begun.packets + 1);
    (board, devnet)
}

fn tell(name: &str, value: u64) {
    println!("footprint: {name} = {value}");
}

fn measure(model: &Model) {
    let dir = tempfile::tempdir().unwrap();
    let (mut quiet, devnet) = board(model, 0, &dir.path().join("quiet"));
    tell("a round in a live network", round(&mut quiet));
    let (least, few) = download(&mut quiet);
    // The stack is that of all that happens, so something has to arrive as well.
    let home = dir.path().join("friend");
    devnet.register(&home, FRIEND);
    let mut friend = Chat::command_line(&home, FRIEND);
    friend.send(BOARD, "hello");
    quiet.wait_for_texts(FRIEND, &["hello"]);
    tell("static RAM", quiet.stat("static RAM"));
    tell("worst stack", quiet.stat("stack"));
    drop((quiet, friend, devnet));
    let (mut noisy, _devnet) = board(model, NOISE, &dir.path().join("noisy"));
    let (most, many) = download(&mut noisy);
    assert!(many > few + NOISE, "the mailbox has only {many} messages");
    eprintln!("{}: {few} messages {least}, {many} messages {most}", model.name);
    tell("scan a message: with Noise and TCP", most.saturating_sub(least) / (many - few));
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
