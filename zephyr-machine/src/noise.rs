//! How much noise a mixer adds, and what it hides.
//!
//! Each mixer adds `max(0, ceil(Laplace(mu, b)))` messages to every mailbox, so that what a mailbox's count says
//! about one person is bounded in the sense of differential privacy (Vuvuzela, SOSP 2015, section 6).

use rand_core::Rng;
use zephyr_core::Parameters;

/// Mean and scale of a Laplace distribution, in messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    mu: f64,
    b: f64,
}

impl Noise {
    /// The noise that a manifest asks for.
    pub fn of(parameters: &Parameters) -> Self {
        Self {
            mu: f64::from(parameters.noise_mu) / 1000.0,
            b: f64::from(parameters.noise_b) / 1000.0,
        }
    }

    /// How many messages to add to one mailbox.
    pub fn draw(&self, rng: &mut impl Rng) -> u32 {
        // 52 random bits and a half, which a float holds exactly: never 0 or 1, so that the logarithm stays finite.
        let uniform = ((rng.next_u64() >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
        let centred = uniform - 0.5;
        let laplace = self.mu - self.b * centred.signum() * (1.0 - 2.0 * centred.abs()).ln();
        // A float becomes an integer by saturation; the bound only matters for absurd manifests.
        laplace.ceil().clamp(0.0, 1e6) as u32
    }

    /// (epsilon, delta) for one person over `rounds` rounds in each of which it moves at most one message from one
    /// mailbox to another: the better of basic composition and advanced composition with slack `delta_slack`
    /// (Dwork, Roth 2014, theorems 3.16 and 3.20).
    /// Nothing is claimed beyond so many rounds. Without noise epsilon is infinite.
    pub fn privacy(&self, rounds: u64, delta_slack: f64) -> (f64, f64) {
        if self.b == 0.0 {
            return (f64::INFINITY, 1.0);
        }
        // One message moved changes two counts by one each.
        let epsilon = 2.0 / self.b;
        // The noise is cut off at zero: that is where a count can betray itself.
        let delta = 2.0 * 0.5 * ((1.0 - self.mu) / self.b).exp().min(2.0);
        let k = rounds as f64;
        let (added, advanced) = (
            k * epsilon,
            epsilon * (2.0 * k * (1.0 / delta_slack).ln()).sqrt()
                + k * epsilon * (epsilon.exp() - 1.0),
        );
        // Over few rounds simply adding up is the better bound, and needs no slack.
        if added <= advanced {
            (added, (k * delta).min(1.0))
        } else {
            (advanced, (k * delta + delta_slack).min(1.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_mean_is_mu_and_nothing_is_negative() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let noise = Noise { mu: 20.0, b: 3.0 };
        let sum: u64 = (0..20_000).map(|_| u64::from(noise.draw(&mut rng))).sum();
        let mean = sum as f64 / 20_000.0;
        // Rounding up adds a half.
        assert!((mean - 20.5).abs() < 0.2, "{mean}");
    }

    #[test]
    fn no_scale_gives_exactly_mu() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        assert_eq!(Noise { mu: 3.0, b: 0.0 }.draw(&mut rng), 3);
        assert_eq!(Noise { mu: 0.0, b: 0.0 }.draw(&mut rng), 0);
    }

    #[test]
    fn more_rounds_hide_less() {
        let noise = Noise { mu: 300.0, b: 13.8 };
        let (one, _) = noise.privacy(1, 1e-5);
        let (many, delta) = noise.privacy(1000, 1e-5);
        assert!(one < many && delta < 1e-2);
        assert_eq!(Noise { mu: 1.0, b: 0.0 }.privacy(1, 1e-5).0, f64::INFINITY);
    }
}
