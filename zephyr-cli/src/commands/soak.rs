//! `zephyr soak`: many clients, many rounds, restarting mixers, and what that takes.

mod usage;

use serde_json::json;
use zephyr_client::Network;
use zephyr_core::{Parameters, Round, UnixMs};

use super::demo::people::{self, Person};
use super::demo::run::{News, Run, first_round, write_at};
use super::demo::tally::{Letter, Tally};
use super::demo::{PATIENCE_ROUNDS, Plan, parameters};
use crate::cli::SoakArgs;
use crate::exit::{Failure, Outcome};
use crate::local_network::{
    Counts, LocalNetwork, check_open_files, new_members, new_network, start_in_memory,
};
use crate::output::{line, note};

use usage::Usage;

/// One more than a round needs: one is always about to restart.
const MIXERS: usize = 4;
/// Every so many rounds there is a line.
const LINES: u64 = 5;

pub async fn run(args: SoakArgs) -> Outcome {
    let counts = Counts { mixers: MIXERS, pkgs: 2, infos: 2, mailbox_servers: 2 };
    check_open_files(MIXERS + 6, args.clients)?;
    let plan = Plan {
        users: args.clients,
        mixers: MIXERS,
        min_mixers: MIXERS - 1,
        pkgs: counts.pkgs,
        rounds: args.rounds,
        chaos: true,
    };
    let members = new_members(&counts)?;
    let parameters = Parameters { mailboxes: args.mailboxes, ..parameters(&plan, &counts) };
    let network = new_network(&members, &parameters)?;
    let (mut servers, _catcher, mut mails) = start_in_memory(&network, &members).await?;
    note(format_args!("Registering {} clients…", args.clients));
    let people = people::register(args.clients, &network, &mut mails).await?;
    for Person { client, .. } in &people {
        client.store().set_contacts_only(true).await?;
    }
    let soak = Soak::new(&args, &network, people);
    let (soak, tally) = soak.run(&mut servers).await?;
    servers.stop().await;
    soak.report(&args, &tally);
    soak.verdict(&tally)
}

/// A soak while it runs.
struct Soak<'n> {
    run: Run<'n>,
    parameters: Parameters,
    restart_every: u64,
    first: Round,
    last: Round,
    sent: Vec<Letter>,
    arrived: usize,
    searched: u64,
    missed: u64,
    restarts: u64,
    usage: Usage,
}

impl<'n> Soak<'n> {
    fn new(args: &SoakArgs, network: &'n Network, people: Vec<Person>) -> Self {
        let parameters = *network.manifest().parameters();
        let first = first_round(&parameters);
        Self {
            run: Run::start(network, people),
            parameters,
            restart_every: args.restart_every as u64,
            first,
            last: Round(first.0 + args.rounds as u64 - 1),
            sent: Vec::new(),
            arrived: 0,
            searched: 0,
            missed: 0,
            restarts: 0,
            usage: Usage::default(),
        }
    }

    /// Runs all rounds, and waits until everything has arrived.
    async fn run(mut self, servers: &mut LocalNetwork) -> Outcome<(Finished, Tally)> {
        for round in self.first.0..=self.last.0 {
            self.listen(write_at(&self.parameters, Round(round)), usize::MAX).await?;
            self.usage.measure();
            let turn = round - self.first.0;
            self.run.write(Round(round), turn, &mut self.sent).await?;
            if (turn + 1).is_multiple_of(LINES) {
                self.tell(Round(round));
            }
            if (turn + 1).is_multiple_of(self.restart_every) {
                self.restart(servers).await?;
            }
        }
        let patience = Round(self.last.0 + PATIENCE_ROUNDS);
        let give_up = self.parameters.schedule(patience).closes;
        self.listen(give_up, self.sent.len()).await?;
        let tally = Tally::new(&self.sent, &self.run.inboxes().await?);
        self.run.stop().await;
        let finished = Finished {
            restarts: self.restarts,
            searched: self.searched,
            missed: self.missed,
            usage: self.usage,
        };
        Ok((finished, tally))
    }

    /// Counts what happens, until `until` or until so many messages have arrived.
    async fn listen(&mut self, until: UnixMs, enough: usize) -> Outcome {
        while self.arrived < enough
            && let Some(news) = self.run.next(until).await?
        {
            match news {
                News::Arrived { .. } => self.arrived += 1,
                News::Searched { .. } => self.searched += 1,
                News::Missed { why, .. } => {
                    tracing::info!(%why, "a client missed a round");
                    self.missed += 1;
                }
            }
        }
        Ok(())
    }

    /// The next mixer in turn.
    async fn restart(&mut self, servers: &mut LocalNetwork) -> Outcome {
        let mixer = servers.mixer(self.restarts as usize % MIXERS);
        mixer.stop().await;
        mixer.start().await?;
        self.restarts += 1;
        Ok(())
    }

    fn tell(&self, round: Round) {
        line(format_args!(
            "round {}: {} messages sent, {} arrived, {} restarts, {}",
            round.0 - self.first.0 + 1,
            self.sent.len(),
            self.arrived,
            self.restarts,
            self.usage
        ));
    }
}

/// What is left of it.
struct Finished {
    restarts: u64,
    /// Mailboxes searched, of all clients together.
    searched: u64,
    /// Rounds that brought nothing, of all clients together.
    missed: u64,
    usage: Usage,
}

impl Finished {
    fn report(&self, args: &SoakArgs, tally: &Tally) {
        line(format_args!(
            "{} rounds, {} clients, {} restarts of a mixer: {} sent, {} delivered, {} lost, {} duplicated, {} forged",
            args.rounds,
            args.clients,
            self.restarts,
            tally.sent,
            tally.delivered,
            tally.lost(),
            tally.duplicated,
            tally.forged
        ));
        line(self.usage.summary());
        if args.json {
            let mut object = json!({
                "clients": args.clients,
                "mailboxes": args.mailboxes,
                "rounds": args.rounds,
                "restarts": self.restarts,
                "sent": tally.sent,
                "delivered": tally.delivered,
                "lost": tally.lost(),
                "duplicated": tally.duplicated,
                "forged": tally.forged,
                "mailboxes_searched": self.searched,
                "rounds_missed": self.missed,
            });
            self.usage.add_to(&mut object);
            line(object);
        }
    }

    fn verdict(&self, tally: &Tally) -> Outcome {
        if !tally.all_delivered() {
            return Err(Failure::failed("not every message arrived exactly once from its sender"));
        }
        match self.usage.growth() {
            None => Ok(()),
            Some(what) => Err(Failure::failed(format!("{what} all the time: see the figures"))),
        }
    }
}
