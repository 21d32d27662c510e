//! `zephyr demo`: a network, its users, and proof that everything arrived.

mod chaos;
mod figures;
mod live;
pub(super) mod people;
pub(super) mod run;
mod sight;
pub(super) mod tally;

use std::time::Duration;

use zephyr_core::{Geometry, MAX_HOPS, Parameters, Role, Round, RouteMode};

use crate::cli::DemoArgs;
use crate::clock;
use crate::exit::{Failure, Outcome};
use crate::local_network::{Counts, LocalNetwork, new_members, new_network, start_in_memory};
use crate::output::line;

use chaos::Chaos;
use figures::Figures;
use live::Live;
use run::{News, Run, first_round, write_at};
use tally::{Letter, Tally};

/// So many rounds more than needed are waited for what is missing.
pub(super) const PATIENCE_ROUNDS: u64 = 20;
/// More servers than that keep two processors busy with each other.
const MANY: usize = 28;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub users: usize,
    pub mixers: usize,
    pub min_mixers: usize,
    pub pkgs: usize,
    pub rounds: usize,
    pub chaos: bool,
}

impl Plan {
    fn new(args: &DemoArgs) -> Outcome<Self> {
        let chaos = args.chaos;
        let mixers = args.mixers.unwrap_or(if chaos { 4 } else { 3 });
        if chaos && mixers < chaos::FEWEST {
            return Err(Failure::usage(format!(
                "--chaos needs at least {} mixers: more than half of them must go on while one is dead",
                chaos::FEWEST
            )));
        }
        Ok(Self {
            users: args.users,
            mixers,
            min_mixers: if chaos { mixers - 1 } else { mixers },
            pkgs: args.pkgs,
            rounds: args.rounds.unwrap_or(if chaos { 6 } else { 3 }),
            chaos,
        })
    }
}

pub async fn run(args: DemoArgs) -> Outcome {
    let plan = Plan::new(&args)?;
    let counts = Counts { mixers: plan.mixers, pkgs: plan.pkgs, infos: 2, mailbox_servers: 2 };
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
    if plan.chaos {
        live.stage(chaos::price(&plan));
    }
    let members = new_members(&counts)?;
    let network = new_network(&members, &parameters(&plan, &counts))?;
    let (mut servers, _catcher, mut mails) = start_in_memory(&network, &members).await?;
    live.watch(&servers);
    live.stage(format_args!(
        "Registering {} people with {} PKGs each, by {} mailed codes",
        plan.users,
        plan.pkgs,
        plan.users * plan.pkgs
    ));
    let people = people::register(plan.users, &network, &mut mails).await?;

    let mut run = Run::start(&network, people);
    let (sent, mut figures) = write_and_wait(&mut run, &plan, &mut servers, &mut live).await?;
    let tally = Tally::new(&sent, &run.inboxes().await?);
    live.end();

    tally.show();
    figures.count(&plan, &tally, &run.people);
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
pub(super) fn parameters(plan: &Plan, counts: &Counts) -> Parameters {
    let hops = counts.mixers.min(MAX_HOPS);
    let (users, servers) = (plan.users as u32, members_of(counts) as u32);
    let busy = 25 * users + 10 * servers + servers * users / 2;
    // Until every server has every key: each tells each.
    let agree = 4 * servers * servers;
    Parameters {
        geometry: Geometry::new(hops, 1_024).expect("1 to 16 hops"),
        routes: RouteMode::Round,
        min_mixers: plan.min_mixers as u8,
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

/// In each of the rounds everybody writes to somebody else; then waits until all has arrived.
async fn write_and_wait(
    run: &mut Run<'_>,
    plan: &Plan,
    servers: &mut LocalNetwork,
    live: &mut Live,
) -> Outcome<(Vec<Letter>, Figures)> {
    let parameters = *run.network.manifest().parameters();
    let first = first_round(&parameters);
    let last = first.0 + plan.rounds as u64 - 1;
    let total = plan.users * plan.rounds;
    live.stage(format_args!(
        "{} messages in {} rounds, a new round every {}",
        total,
        plan.rounds,
        clock::say(Duration::from_millis(parameters.round_ms.into()))
    ));
    let mut figures = Figures::new(parameters, first);
    let mut sent: Vec<Letter> = Vec::new();
    let mut next = first.0;
    let give_up = parameters.schedule(Round(last + PATIENCE_ROUNDS)).closes;
    let mut arrived = 0;
    let mut chaos = Chaos::new(plan, &parameters, first);
    while next <= last
        || arrived < total
        || !figures.searched(Round(last), run.people.len())
        || chaos.next().is_some()
    {
        let write = if next <= last { write_at(&parameters, Round(next)) } else { give_up };
        let until = chaos.next().map_or(write, |at| at.min(write));
        match run.next(until).await? {
            Some(event) => {
                if let News::Arrived { text: Some(text) } = &event
                    && let Some(letter) = sent.iter().find(|letter| letter.text == *text)
                {
                    figures.latencies.push(letter.written.elapsed());
                    arrived += 1;
                    live.arrived(arrived, total);
                }
                figures.note(&event);
            }
            None if until < write => chaos.play(servers, live).await?,
            None if next <= last => {
                run.write(Round(next), next - first.0, &mut sent).await?;
                next += 1;
            }
            None => break,
        }
    }
    Ok((sent, figures))
}
