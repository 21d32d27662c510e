//! The whole system on virtual time: the servers' own rules, clients with their sessions and homes, and everything
//! that can go wrong between them. All of it follows from one seed.

mod answers;
mod checks;
mod clients;
mod corrupt;
mod dice;
mod faults;
mod figures;
mod home;
mod letters;
mod links;
mod mail;
mod mixers;
mod mutation;
mod person;
mod queue;
mod recovery;
mod server;
mod setup;
mod story;
mod world;

use zephyr_core::{Manifest, Standard, Suite};
use zephyr_machine::SharedManifest;

pub use figures::{Fault, Figures};
pub use mutation::Mutation;
pub use story::Violation;

use crate::Keyed;
use faults::Faults;
use person::Slab;
use setup::Setup;
use world::World;

/// How many times clients can start anew after crashes, in all.
const RESTARTS: usize = 24;

/// How to simulate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulation {
    /// How many of the last happenings are told when something is wrong.
    pub story: usize,
    /// Whether they are printed as they happen, too.
    pub aloud: bool,
    /// A rule that is broken on purpose.
    pub mutation: Option<Mutation>,
}

impl Simulation {
    /// Simulates the network of `seed` with [`Keyed`] cryptography.
    ///
    /// # Errors
    /// What is wrong, if something is.
    pub fn run(self, seed: u64) -> Result<Figures, Violation> {
        self.run_over::<Keyed>(seed)
    }

    /// Simulates the network of `seed` with the real cryptography, which takes some fifty times as long.
    ///
    /// # Errors
    /// What is wrong, if something is.
    pub fn run_real(self, seed: u64) -> Result<Figures, Violation> {
        self.run_over::<Standard>(seed)
    }

    fn run_over<S: Suite + Sync>(self, seed: u64) -> Result<Figures, Violation> {
        let setup = Setup::new(seed);
        let faults = Faults::new(seed, &setup);
        let bytes = setup.plan.manifest::<S>();
        let manifest = Manifest::parse(&bytes).expect("a good manifest");
        let shared = SharedManifest::new(&bytes).expect("a good manifest");
        let slab = || Slab::new(&manifest, setup.people - 1, setup.plan.connections);
        let mut slabs: Vec<Slab<S>> = (0..setup.people + RESTARTS).map(|_| slab()).collect();
        let how = self;
        World::new(setup, faults, (shared, manifest.clone()), &mut slabs, how).run()
    }
}
