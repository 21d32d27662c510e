//! Runs the protocol once on a Cortex-M4F, checks every result against the others, and prints what each step costs in
//! instructions and stack.

#![no_std]
#![no_main]

mod link;
mod message;
mod people;
mod report;
mod rng;
mod stack;
mod timer;

use cortex_m_rt::entry;
use people::People;
use report::Report;
use rng::TestRng;

#[entry]
fn main() -> ! {
    let mut report = Report::new();
    let mut rng = TestRng::new();
    let people = People::new(&mut report, &mut rng);
    message::deliver(&mut report, &mut rng, &people);
    link::talk(&mut report, &mut rng);
    report.finish()
}
