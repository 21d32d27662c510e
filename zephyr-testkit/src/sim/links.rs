//! What becomes of a message between two parties.

use rand_chacha::ChaCha8Rng;

use super::dice::Dice;
use super::figures::{Fault, Figures};

/// How often each thing happens to a message, in thousandths, and how long it takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    /// It is lost, and the connection with it.
    pub(super) lost: u32,
    /// It comes twice.
    pub(super) repeated: u32,
    /// It takes so long at most, in milliseconds; so messages overtake each other.
    pub(super) delay_ms: u64,
    /// A client's connection is refused, or breaks in the middle of an answer.
    pub(super) broken: u32,
    /// A client's request is never answered.
    pub(super) stalled: u32,
}

/// What becomes of a message.
pub(super) enum Fate {
    Lost,
    /// It arrives after so many milliseconds, and perhaps once more.
    Arrives(u64, Option<u64>),
}

/// All links: between servers, and between people and servers. Parties are numbered: servers, then people.
pub(super) struct Links {
    pub(super) weather: Weather,
    /// Who can't reach whom, a bit each; as often as there are cuts.
    cuts: Vec<(u32, Vec<u64>)>,
    /// How much longer each party takes for everything, in milliseconds.
    pub(super) slow: Vec<u64>,
}

impl Links {
    pub(super) fn new(parties: usize) -> Self {
        Self { weather: Weather::default(), cuts: Vec::new(), slow: vec![0; parties] }
    }

    /// The network splits: who is in `group` can't reach the others, nor be reached, unless `one_way`.
    pub(super) fn cut(&mut self, number: u32, group: u64, one_way: bool) {
        let bits = (0..self.slow.len())
            .map(|party| match group >> party & 1 {
                1 => !group,
                _ if one_way => 0,
                _ => group,
            })
            .collect();
        self.cuts.push((number, bits));
    }

    /// A split heals.
    pub(super) fn heal(&mut self, number: u32) {
        self.cuts.retain(|(cut, _)| *cut != number);
    }

    /// Everything is as it should be.
    pub(super) fn calm(&mut self) {
        self.cuts.clear();
        self.slow.fill(0);
        self.weather = Weather { delay_ms: 20, ..Weather::default() };
    }

    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts.iter().any(|(_, bits)| bits[from] >> to & 1 == 1)
    }

    /// What becomes of a message that is sent now.
    pub(super) fn fate(
        &self,
        from: usize,
        to: usize,
        rng: &mut ChaCha8Rng,
        figures: &mut Figures,
    ) -> Fate {
        if self.is_cut(from, to) {
            figures.count(Fault::Cut);
            return Fate::Lost;
        }
        if rng.happens(self.weather.lost) {
            figures.count(Fault::Lost);
            return Fate::Lost;
        }
        let slow = self.slow[from] + self.slow[to];
        let first = 1 + rng.below(self.weather.delay_ms + 1) + rng.below(slow + 1);
        let second = rng.happens(self.weather.repeated).then(|| {
            figures.count(Fault::Repeated);
            1 + rng.below(4 * self.weather.delay_ms + 100)
        });
        Fate::Arrives(first, second)
    }
}
