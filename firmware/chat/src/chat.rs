//! The program: what is typed, what arrives, what happens.

use core::ops::Range;

use embassy_futures::select::{Either, Either3, select, select3};
use embedded_io_async::{Read, Write};
use embedded_nal_async::{Dns, TcpConnect};
use embedded_storage_async::nor_flash::NorFlash;
use rand_core::CryptoRng;
use zephyr_core::session::Event as Round;
use zephyr_core::{Address, Content, MAX_PAYLOAD, Standard};
use zephyr_embedded::{
    Account, Client, Config, Device, Error, Event, FlashStorage, Part, Storage, apart,
};

use crate::board::{Board, CONNECTIONS, Memory, Monitor};
use crate::command::{Command, HELP};
use crate::console::Console;
use crate::lines::Lines;
use crate::register::{ask_address, register};

/// The longest line that can be typed, in bytes.
const LINE: usize = 512;
/// Room for a part of a text.
const PART: usize = 256;
const _: () = assert!(PART <= MAX_PAYLOAD);

/// Runs the chat until somebody types `quit`.
///
/// # Errors
/// If the flash fails or belongs to another network, or the network asks for more memory than the client has.
pub async fn run<I, O, F, R, N, M>(
    board: Board<I, O, F, R, N, M>,
    memory: &mut Memory,
) -> Result<(), Error<<FlashStorage<F> as Storage>::Error>>
where
    I: Read,
    O: Write,
    F: NorFlash,
    R: CryptoRng,
    N: TcpConnect + Dns,
    M: Monitor,
{
    let Board { input, output, flash, range, rng, network, manifest, monitor } = board;
    let (mut lines, mut console) = (Lines::new(input), Console::new(output));
    let mut device = None;
    let parts = (flash, range, rng, network);
    apart!(open(&mut device, &mut lines, &mut console, parts, manifest, memory)).await?;
    let Some(device) = &mut device else { return Ok(()) };
    let (client, runner) = device.split();
    if apart!(register(&client, &mut lines, &mut console)).await.is_none() {
        return Ok(());
    }
    let mut chat = Chat { client, console, monitor, counts: Counts::default(), ready: false };
    match select(apart!(runner.run()), apart!(chat.run(&mut lines))).await {
        Either::First(ended) => ended.map(|never| match never {}),
        Either::Second(ended) => ended,
    }
}

type Opened<'a, F, R, N> = Device<'a, N, FlashStorage<F>, R, CONNECTIONS, Standard>;

/// Opens the client into its place, which stays empty if the input ends.
async fn open<'a, I, O, F, R, N>(
    device: &mut Option<Opened<'a, F, R, N>>,
    lines: &mut Lines<I, LINE>,
    console: &mut Console<O>,
    (flash, range, mut rng, network): (F, Range<u32>, R, N),
    manifest: &'static [u8],
    memory: &'a mut Memory,
) -> Result<(), Error<<FlashStorage<F> as Storage>::Error>>
where
    I: Read,
    O: Write,
    F: NorFlash,
    R: CryptoRng,
    N: TcpConnect + Dns,
{
    // Whatever a reset has left on the line ends here.
    console.line("").await;
    console.line("Zephyr: `help` lists the commands").await;
    let mut storage = FlashStorage::new(flash, range);
    let account = apart!(account(&mut storage, lines, console, &mut rng)).await?;
    let Some(account) = account else { return Ok(()) };
    let config = Config { account, manifest, contacts_only: true, verify_proofs: false };
    let opened = apart!(zephyr_embedded::new(memory, config, network, storage, rng)).await;
    *device = Some(opened?);
    Ok(())
}

/// The account in `storage`, or a new one; `None` if the input ends.
async fn account<I: Read, O: Write, S: Storage>(
    storage: &mut S,
    lines: &mut Lines<I, LINE>,
    console: &mut Console<O>,
    rng: &mut impl CryptoRng,
) -> Result<Option<Account>, Error<S::Error>> {
    let known = apart!(Account::load(storage)).await?;
    if known.is_some() {
        return Ok(known);
    }
    let Some(address) = ask_address(lines, console).await else { return Ok(None) };
    Account::create(storage, address, rng).await.map(Some)
}

struct Chat<'a, N, S, R, O, M> {
    client: Client<'a, N, S, R, Standard>,
    console: Console<O>,
    monitor: M,
    counts: Counts,
    /// Whether the network's time is known.
    ready: bool,
}

/// What has happened since the board began.
#[derive(Default)]
struct Counts {
    rounds: u64,
    missed: u64,
    packets: u64,
    messages: u64,
    unreachable: u64,
}

impl<N, S, R, O, M> Chat<'_, N, S, R, O, M>
where
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
    O: Write,
    M: Monitor,
{
    async fn run<I: Read>(&mut self, lines: &mut Lines<I, LINE>) -> Result<(), Error<S::Error>> {
        let mut buffer = [0; PART];
        let client = self.client;
        loop {
            let next = select3(lines.next(), client.receive(&mut buffer), client.event());
            match next.await {
                Either3::First(None) => return Ok(()),
                Either3::First(Some(Err(error))) => self.console.error(error).await,
                Either3::First(Some(Ok(line))) => match &Command::parse(line) {
                    Ok(Command::Quit) => return Ok(()),
                    Ok(command) => self.obey(command).await?,
                    Err(error) => self.console.error(error).await,
                },
                Either3::Second(part) => {
                    let part = part?;
                    self.show(&part, &mut buffer[..part.len]).await;
                    client.taken().await?;
                }
                Either3::Third(event) => self.note(event).await,
            }
        }
    }

    async fn obey(&mut self, command: &Command<'_>) -> Result<(), Error<S::Error>> {
        match command {
            Command::Send(address, text) => self.send(address, text).await,
            Command::Add(address) => {
                if self.add(address).await {
                    self.console.line(format_args!("added {address}")).await;
                }
            }
            Command::Remove(address) => {
                self.client.remove_contact(address).await?;
                self.console.line(format_args!("removed {address}")).await;
            }
            Command::Contacts => self.list().await,
            Command::Stats => self.stats().await,
            Command::Help => self.help().await,
            Command::Quit | Command::Nothing => {}
        }
        Ok(())
    }

    /// Whether the address is a contact now.
    async fn add(&mut self, address: &Address) -> bool {
        let added = self.client.add_contact(address).await;
        if let Err(error) = &added {
            self.console.error(error).await;
        }
        added.is_ok()
    }

    async fn send(&mut self, address: &Address, text: &str) {
        if !self.add(address).await {
            return;
        }
        match self.client.send(address, Content::Text, text.as_bytes()).await {
            Ok(id) => self.console.line(format_args!("queued {id}")).await,
            Err(error) => self.console.error(error).await,
        }
    }

    async fn show(&mut self, part: &Part, text: &mut [u8]) {
        if part.content != Content::Text {
            return;
        }
        let from = part.from.as_ref().map_or("anonymous", Address::as_str);
        match part.fragments {
            1 => self.console.text(from, text).await,
            parts => {
                let head = format_args!("{from} {}/{parts}", part.fragment + 1);
                self.console.text(head, text).await;
            }
        }
    }

    async fn note(&mut self, event: Event) {
        match event {
            Event::Delivered(message) => {
                self.console.line(format_args!("delivered {message}")).await;
            }
            Event::Round(event) => self.note_round(event).await,
            Event::Unreachable { .. } => self.counts.unreachable += 1,
            Event::ContactsFull | Event::NoRoom => {}
            Event::VersionTooLarge { from, what, needed, .. } => {
                self.console
                    .error(format_args!(
                        "from round {} on the network needs a new firmware, with {what} = {needed}",
                        from.0
                    ))
                    .await;
            }
            _ => {}
        }
    }

    async fn note_round(&mut self, event: Round) {
        match event {
            Round::Clock { .. } if !self.ready => {
                self.ready = true;
                self.console.line("ready").await;
            }
            Round::Opened { .. } => self.counts.rounds += 1,
            Round::SlotSent { .. } => self.counts.packets += 1,
            Round::Scanned { messages, .. } => self.counts.messages += u64::from(messages),
            Round::Missed { round, why } => {
                self.counts.missed += 1;
                self.console.line(format_args!("missed {}: {why}", round.0)).await;
            }
            Round::PkgRefused { pkg, why, .. } => {
                self.console.error(format_args!("PKG {}: {why}", pkg.0)).await;
            }
            Round::Equivocation(_) => {
                self.console.error("a round has two directories: somebody cheats").await;
            }
            Round::WrongShare { round } => {
                let round = round.0;
                self.console.error(format_args!("round {round}: a PKG gave a wrong share")).await;
            }
            _ => {}
        }
    }

    async fn list(&mut self) {
        // Nothing can be shown while the client lends its list, and a copy of all of it would be large.
        for wanted in 0.. {
            let (mut place, mut contact) = (0, None);
            let look = |address: &Address| {
                if place == wanted {
                    contact = Some(address.clone());
                }
                place += 1;
            };
            self.client.contacts(look).await;
            match contact {
                Some(address) => self.console.line(address).await,
                None => return,
            }
        }
    }

    async fn help(&mut self) {
        for line in HELP.lines() {
            self.console.line(line).await;
        }
    }

    async fn stats(&mut self) {
        let mut figures = heapless::Vec::<(&'static str, u64), 12>::new();
        let counts = &self.counts;
        let own = [
            ("rounds", counts.rounds),
            ("rounds missed", counts.missed),
            ("packets sent", counts.packets),
            ("messages searched", counts.messages),
            ("servers unreachable", counts.unreachable),
        ];
        for (name, value) in own {
            self.console.line(format_args!("{name}: {value}")).await;
        }
        // A board with more of them shows the first twelve.
        self.monitor.figures(&mut |name, value| _ = figures.push((name, value)));
        for (name, value) in figures {
            self.console.line(format_args!("{name}: {value}")).await;
        }
    }
}
