//! What goes wrong in a simulation: drawn from its seed before it begins.

use rand_chacha::ChaCha8Rng;

use super::corrupt::Corruption;
use super::dice::{Dice, dice};
use super::links::Weather;
use super::setup::Setup;

/// Something that goes wrong at some time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    /// A server crashes, and starts again after so many milliseconds.
    Crash { server: usize, for_ms: u64 },
    /// A server is stopped in good order, and started again so many milliseconds after it has.
    Restart { server: usize, for_ms: u64 },
    /// A client crashes.
    ClientCrash { person: usize, for_ms: u64 },
    /// A group of parties is cut off from all others.
    Split { group: u64, one_way: bool, for_ms: u64 },
    /// A server becomes slow.
    Slow { server: usize, by_ms: u64, for_ms: u64 },
    /// A clock becomes wrong.
    Clock { server: usize, by_ms: i64, for_ms: u64 },
}

/// All that goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    /// In how many rounds from the beginning.
    pub(super) rounds: u64,
    pub(super) weather: Weather,
    /// How often a server crashes before or after a single step, in millionths.
    pub(super) step_crash: u64,
    /// How often a client crashes between two transactions, in millionths.
    pub(super) transaction_crash: u64,
    /// How often a mixer can't write down what it signs, in thousandths.
    pub(super) disk: u32,
    /// What happens when: milliseconds after the beginning.
    pub(super) troubles: Vec<(u64, Trouble)>,
    /// What the mixers are, by index.
    pub(super) mixers: Vec<Corruption>,
    /// Whether mixers that only stop stay so for ever: the network does without them.
    pub(super) for_good: bool,
    /// How often mailbox servers and info-nodes lie, in thousandths.
    pub(super) liars: u32,
    /// By how much each client's clock is wrong, in milliseconds.
    pub(super) client_clocks: Vec<i64>,
}

impl Faults {
    /// What goes wrong in the simulation of `seed`: each kind in some seeds only, so that no kind hides another.
    pub(super) fn new(seed: u64, setup: &Setup) -> Self {
        let mut dice = dice(seed, "faults");
        let rounds = dice.between(4, 9);
        let swarm = dice.below(1 << 16);
        let on = |bit: u32| swarm >> bit & 1 == 1;
        let calm = dice.happens(30);
        let mut faults = Self {
            rounds,
            weather: Weather { delay_ms: 20, ..Weather::default() },
            step_crash: 0,
            transaction_crash: 0,
            disk: 0,
            troubles: Vec::new(),
            mixers: vec![Corruption::Honest; setup.plan.mixers],
            for_good: false,
            liars: 0,
            client_clocks: vec![0; setup.people],
        };
        if calm {
            return faults;
        }
        if on(0) {
            faults.weather = weather(&mut dice);
        }
        if on(1) {
            faults.step_crash = dice.one_of(&[500, 2_000, 6_000]);
        }
        if on(2) {
            faults.transaction_crash = dice.one_of(&[5_000, 20_000, 80_000]);
        }
        if on(3) && on(4) {
            faults.disk = 100;
        }
        if on(5) && on(6) {
            faults.liars = 100;
        }
        if on(7) {
            faults
                .client_clocks
                .iter_mut()
                .for_each(|ms| *ms = dice.below(200_000) as i64 - 100_000);
        }
        if on(8) {
            faults.corrupt(setup, &mut dice);
        }
        faults.trouble(setup, &mut dice, swarm >> 9);
        faults
    }

    fn corrupt(&mut self, setup: &Setup, dice: &mut ChaCha8Rng) {
        let mixers = setup.plan.mixers as u64;
        let most = setup.tolerated().min(setup.plan.mixers - 1) as u64;
        let spare = mixers - u64::from(setup.plan.parameters.min_mixers);
        self.for_good = dice.happens(500) && spare > 0;
        if self.for_good {
            for _ in 0..dice.between(1, spare) {
                self.mixers[dice.below(mixers) as usize] = dice.one_of(Corruption::LAZY);
            }
            return;
        }
        for _ in 0..dice.below(most + 1) {
            self.mixers[dice.below(mixers) as usize] = dice.one_of(Corruption::ALL);
        }
    }

    fn trouble(&mut self, setup: &Setup, dice: &mut ChaCha8Rng, swarm: u64) {
        let plan = &setup.plan;
        let round_ms = u64::from(plan.parameters.round_ms);
        let servers = plan.mixers + plan.pkgs + plan.infos + plan.mailbox_servers;
        let parties = servers + setup.people;
        let kinds: Vec<u64> = (0..6).filter(|kind| swarm >> kind & 1 == 1).collect();
        if kinds.is_empty() {
            return;
        }
        for _ in 0..dice.below(self.rounds + 1) {
            let at = dice.below(self.rounds * round_ms);
            let for_ms = dice.between(50, 2 * round_ms);
            // Mixers come first, and have the most to lose.
            let server = if dice.happens(600) { plan.mixers } else { servers };
            let server = dice.below(server as u64) as usize;
            let trouble = match dice.one_of(&kinds) {
                0 => Trouble::Crash { server, for_ms },
                1 => Trouble::Restart { server, for_ms },
                2 => {
                    let person = dice.below(setup.people as u64) as usize;
                    Trouble::ClientCrash { person, for_ms }
                }
                3 => {
                    let group = dice.below(1 << parties);
                    Trouble::Split { group, one_way: dice.happens(300), for_ms }
                }
                4 => {
                    let by_ms = dice.one_of(&[50, 300, 1_500]);
                    Trouble::Slow { server, by_ms, for_ms }
                }
                _ => {
                    // Clients go by a clock for many rounds: a quarter of the phase is what they have to spare.
                    let most = u64::from(plan.parameters.submit_ms / 8).min(650);
                    let by_ms = dice.below(2 * most) as i64 - most as i64;
                    Trouble::Clock { server, by_ms, for_ms }
                }
            };
            self.troubles.push((at, trouble));
        }
    }
}

fn weather(dice: &mut ChaCha8Rng) -> Weather {
    Weather {
        lost: dice.one_of(&[0, 5, 30, 100]),
        repeated: dice.one_of(&[0, 20, 200]),
        delay_ms: dice.one_of(&[20, 100, 400]),
        broken: dice.one_of(&[0, 20, 100]),
        stalled: dice.one_of(&[0, 10, 30]),
    }
}
