//! `zephyr demo`: a network, its users, and proof that everything arrived.

mod figures;
mod live;
mod people;
mod sight;
mod tally;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use zephyr_client::{Event, InboxMessage, Network};
use zephyr_core::session::{self, Missed};
use zephyr_core::{Address, Geometry, MAX_HOPS, Parameters, Role, Round, RouteMode, UnixMs};
use zephyr_server::mail::MailCatcher;

use crate::cli::DemoArgs;
use crate::clock;
use crate::exit::{Failure, Outcome};
use crate::local_network::{Counts, LocalNetwork, Settings, new_members, new_network};
use crate::output::line;

use figures::Figures;
use live::Live;
use people::Person;
use tally::{Letter, Tally};

/// So many rounds more than needed are waited for what is missing.
const PATIENCE_ROUNDS: u64 = 20;
/// More servers than that keep two processors busy with each other.
const MANY: usize = 28;
/// Whom a user writes to: so many people at most, since each has a slot then.
const PEERS: usize = 3;

pub async fn run(args: DemoArgs) -> Outcome {
    let counts = Counts { mixers: args.mixers, pkgs: args.pkgs, infos: 2, mailbox_servers: 2 };
    let mut live = Live::new();
    live.stage(format_args!(
        "Starting {} mixers, {} PKGs, {} info-nodes, {} mailbox servers on 127.0.0.1",
        counts.mixers, counts.pkgs, counts.infos, counts.mailbox_servers
    ));
    if members_of(&counts) > MANY {
        live.stage(
            "So many servers, each connected to each, are much for one machine: rounds are long",
        );
    }
    let members = new_members(&counts)?;
    let network = new_network(&members, &parameters(&args, &counts))?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (catcher, mut mails) = MailCatcher::start(any)
        .await
        .map_err(|error| Failure::failed(format!("the mail catcher can't listen: {error}")))?;
    let settings = Settings { smtp: catcher.address(), folder: None, replacement_wait_ms: 60_000 };
    let servers = LocalNetwork::start(&network, &members, &settings).await?;
    live.watch(&servers);
    live.stage(format_args!(
        "Registering {} people with {} PKGs each, by {} mailed codes",
        args.users,
        args.pkgs,
        args.users * args.pkgs
    ));
    let people = people::register(args.users, &network, &mut mails).await?;

    let run = Run::start(&network, people);
    let (sent, mut figures) = run.write_and_wait(&args, &mut live).await?;
    let tally = Tally::new(&sent, &run.inboxes().await?);
    live.end();

    tally.show();
    figures.count(&args, &tally, &run.people);
    let sight = sight::table(&network, &servers, &run.people, figures.rounds_seen);
    line(format_args!("\n{sight}"));
    line(format_args!("\n{figures}"));
    run.stop().await;
    servers.stop().await;
    if args.json {
        line(figures.json());
    }
    if tally.all_delivered() {
        return Ok(());
    }
    Err(Failure::failed(
        "not every message arrived exactly once from its sender: run it again with RUST_LOG=info on a less busy machine",
    ))
}

/// Rounds that slow machines keep up with: every user's work is done within one.
fn parameters(args: &DemoArgs, counts: &Counts) -> Parameters {
    let hops = counts.mixers.min(MAX_HOPS);
    let (users, servers) = (args.users as u32, members_of(counts) as u32);
    let busy = 25 * users + 10 * servers + servers * users / 2;
    // Until every server has every key: each tells each.
    let agree = 4 * servers * servers;
    Parameters {
        geometry: Geometry::new(hops, 1_024).expect("1 to 16 hops"),
        routes: RouteMode::Round,
        min_mixers: counts.mixers as u8,
        packets_per_round: 4,
        // About 40 messages a mailbox: each that isn't from a contact costs a pairing.
        mailboxes: (users / 8).max(1),
        replicas: 2,
        genesis: clock::now().plus((500 + 60 * servers + 2 * agree).into()),
        // Opening and submitting fill a round, so that no directory is overtaken by the next one's.
        round_ms: 2_800 + busy + agree,
        open_ms: 800 + busy / 2 + agree,
        submit_ms: 2_000 + busy / 2,
        phase_ms: 600 + busy / 8,
        deliver_ms: 600 + busy / 8,
        download_ms: 4_000 + 2 * busy,
        noise_mu: 2_000,
        noise_b: 500,
        min_batch: 0,
    }
}

fn members_of(counts: &Counts) -> usize {
    Role::ALL.iter().map(|role| counts.of(*role)).sum()
}

/// The clients while they run.
struct Run<'n> {
    network: &'n Network,
    people: Vec<Person>,
    tasks: Vec<JoinHandle<()>>,
    news: tokio::sync::Mutex<mpsc::UnboundedReceiver<News>>,
}

/// What happened at a client.
enum News {
    Arrived { text: Option<String> },
    Searched { round: Round },
    Missed { round: Round, why: Missed },
}

impl<'n> Run<'n> {
    fn start(network: &'n Network, people: Vec<Person>) -> Self {
        let (sender, news) = mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for person in &people {
            tasks.push(tokio::spawn(listen(person.client.events(), sender.clone())));
            let client = person.client.clone();
            tasks.push(tokio::spawn(async move {
                if let Err(error) = client.run(std::future::pending()).await {
                    tracing::error!(%error, "a client stopped");
                }
            }));
        }
        Self { network, people, tasks, news: tokio::sync::Mutex::new(news) }
    }

    async fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        join_all(self.tasks).await;
    }

    /// In each of the rounds everybody writes to somebody else; then waits until all has arrived.
    async fn write_and_wait(
        &self,
        args: &DemoArgs,
        live: &mut Live,
    ) -> Outcome<(Vec<Letter>, Figures)> {
        let parameters = *self.network.manifest().parameters();
        let first = first_round(&parameters);
        let last = first.0 + args.rounds as u64 - 1;
        let total = args.users * args.rounds;
        live.stage(format_args!(
            "{} messages in {} rounds, a new round every {}",
            total,
            args.rounds,
            clock::say(Duration::from_millis(parameters.round_ms.into()))
        ));
        let mut figures = Figures::new(parameters, first);
        let mut sent: Vec<Letter> = Vec::new();
        let mut news = self.news.lock().await;
        let mut next = first.0;
        let give_up = parameters.schedule(Round(last + PATIENCE_ROUNDS)).closes;
        let mut arrived = 0;
        while next <= last || arrived < total || !figures.searched(Round(last), self.people.len()) {
            let until = if next <= last { write_at(&parameters, Round(next)) } else { give_up };
            let wait = Duration::from_millis(until.since(clock::now()));
            match tokio::time::timeout(wait, news.recv()).await {
                Ok(Some(event)) => {
                    if let News::Arrived { text: Some(text) } = &event
                        && let Some(letter) = sent.iter().find(|letter| letter.text == *text)
                    {
                        figures.latencies.push(letter.written.elapsed());
                        arrived += 1;
                        live.arrived(arrived, total);
                    }
                    figures.note(&event);
                }
                Ok(None) => return Err(Failure::failed("all clients stopped")),
                Err(_) if next <= last => {
                    self.write(Round(next), next - first.0, &mut sent).await?;
                    next += 1;
                }
                Err(_) => break,
            }
        }
        Ok((sent, figures))
    }

    /// Everybody writes one message, the `turn`th time.
    async fn write(&self, round: Round, turn: u64, sent: &mut Vec<Letter>) -> Outcome {
        let users = self.people.len();
        let distance = 1 + turn as usize % PEERS.min(users - 1);
        for (index, person) in self.people.iter().enumerate() {
            let to = &self.people[(index + distance) % users];
            let letter = Letter::new(round, person, to);
            person.client.send(&to.address, letter.message()).await?;
            sent.push(letter);
        }
        Ok(())
    }

    /// What everybody has got.
    async fn inboxes(&self) -> Outcome<Vec<(Address, Vec<InboxMessage>)>> {
        let mut inboxes = Vec::new();
        for person in &self.people {
            inboxes.push((person.address.clone(), person.client.inbox(false).await?));
        }
        Ok(inboxes)
    }
}

/// The first round for which there is time enough to write.
fn first_round(parameters: &Parameters) -> Round {
    let now = clock::now();
    let after = now.plus(u64::from(parameters.round_ms) / 4);
    let current = after.since(parameters.genesis) / u64::from(parameters.round_ms);
    Round(current + 1)
}

/// When to write what is to leave in this round: shortly before it takes packets.
fn write_at(parameters: &Parameters, round: Round) -> UnixMs {
    let from = parameters.schedule(round).submit_from;
    UnixMs(from.0.saturating_sub(u64::from(parameters.round_ms - parameters.submit_ms) / 2))
}

async fn listen(mut events: broadcast::Receiver<Event>, news: mpsc::UnboundedSender<News>) {
    loop {
        let event = match events.recv().await {
            Ok(Event::Message(message)) => {
                News::Arrived { text: message.text().map(str::to_owned) }
            }
            Ok(Event::Round(session::Event::Scanned { round, .. })) => News::Searched { round },
            Ok(Event::Round(session::Event::Missed { round, why })) => News::Missed { round, why },
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if news.send(event).is_err() {
            return;
        }
    }
}
