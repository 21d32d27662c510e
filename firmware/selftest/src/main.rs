//! Runs the protocol once on a Cortex-M4F, checks every result against the others, and prints what each step costs in
//! instructions and stack.

#![no_std]
#![no_main]

mod link;
mod message;
mod network;
mod people;
mod report;
mod rng;
mod round;
mod stack;
mod timer;

use cortex_m_rt::entry;
use network::{ManifestBytes, Network};
use people::People;
use report::Report;
use rng::TestRng;

#[entry]
fn main() -> ! {
    let mut report = Report::new();
    let mut rng = TestRng::new();
    let manifest = ManifestBytes::new();
    let network = Network::new(&mut report, &mut rng, manifest.manifest());
    let people = People::new(&mut report, &network);
    message::deliver(&mut report, &mut rng, &people);
    link::talk(&mut report, &mut rng);
    round::take_part(&mut report, &mut rng, &network, &people);
    report.finish()
}
