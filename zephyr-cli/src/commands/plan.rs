//! `zephyr plan`: what a network for so many people takes, in processors, bytes and storage.

mod model;
mod sizes;
mod table;
mod units;

use zephyr_core::Parameters;

use super::network::draft::{Drafts, parameters::DraftParameters};
use crate::cli::PlanArgs;
use crate::exit::{Failure, Outcome};
use crate::output::{line, note};

use model::{Machine, Model, Servers};
use units::Units;

/// The plan tells how many there have to be; here there are enough of them for the replicas that a new network has.
const MAILBOX_SERVERS: usize = 4;

pub async fn run(args: &PlanArgs) -> Outcome {
    let servers = Servers { mixers: args.mixers, pkgs: args.pkgs };
    let mut parameters = parameters(args)?;
    if parameters.mailboxes <= 1 {
        parameters.mailboxes = mailboxes(args, &parameters)?;
    }
    note("Measuring single operations on one core of this machine…");
    let units = Units::measure(parameters.geometry).await?;
    let machine = Machine { cores: args.cores.into(), gbit: args.gbit.into() };
    let model =
        Model { users: args.users, contacts: args.contacts, parameters, servers, machine, units };
    line(if args.json { table::json(&model) } else { table::text(&model) });
    Ok(())
}

/// Those of a new network, or what a file has of them.
fn parameters(args: &PlanArgs) -> Outcome<Parameters> {
    let draft = match &args.parameters {
        Some(path) => Drafts::parameters_in(path, "say how many with --mixers and --pkgs")?,
        None => DraftParameters::default(),
    };
    draft.of_new(args.mixers, MAILBOX_SERVERS)
}

/// So many that each has about as many messages as wanted, noise included.
fn mailboxes(args: &PlanArgs, parameters: &Parameters) -> Outcome<u32> {
    let noise = model::noise_per_mailbox(parameters, args.mixers);
    let room = f64::from(args.messages) - noise;
    if room < 1.0 {
        return Err(Failure::usage(format!(
            "the mixers' noise alone is {noise:.0} messages a mailbox: give --messages more than that, or less noise"
        )));
    }
    let packets = args.users as f64 * f64::from(parameters.packets_per_round);
    Ok((packets / room).ceil().clamp(1.0, f64::from(u32::MAX)) as u32)
}
