//! What is counted.

use std::fmt;
use std::ops::AddAssign;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident: $text:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

faults! {
    /// A message that did not arrive.
    Lost: "messages lost",
    /// A message into a part of the network that was cut off.
    Cut: "messages into a cut",
    /// A message that came twice.
    Repeated: "messages repeated",
    /// A client's connection that was refused, or broke.
    Broken: "connections broken",
    /// A request that was never answered.
    Stalled: "requests not answered",
    /// A server that crashed.
    Crash: "servers crashed",
    /// A server that was stopped and started in good order.
    Restart: "servers restarted",
    /// A write to a disk that failed, or nobody knows.
    Disk: "writes failed",
    /// A client that crashed.
    ClientCrash: "clients crashed",
    /// A network that was split.
    Split: "splits",
    /// A server that was slow for a while.
    Slow: "servers slowed down",
    /// A clock that was wrong for a while.
    Clock: "clocks wrong",
    /// A deed of a corrupt mixer.
    Mixer: "deeds of corrupt mixers",
    /// A deed of a corrupt mailbox server or info-node.
    Other: "deeds of other corrupt servers",
}

/// What happened in one simulation, or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Simulations.
    pub seeds: u64,
    /// Rounds, from the first to the last.
    pub rounds: u64,
    /// Rounds in which nobody received anything, because they did not open or were void.
    pub rounds_lost: u64,
    /// Messages written, all of which arrived.
    pub messages: u64,
    /// Faults, by [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
    /// The most rounds from the last fault until everything had arrived.
    pub slowest: u64,
    /// The largest part that such a recovery took of what it was allowed, in hundredths.
    pub closest: u64,
    /// Steps of virtual time.
    pub steps: u64,
}

impl Figures {
    pub(super) fn count(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }
}

impl AddAssign<&Self> for Figures {
    fn add_assign(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.rounds += other.rounds;
        self.rounds_lost += other.rounds_lost;
        self.messages += other.messages;
        self.faults.iter_mut().zip(other.faults).for_each(|(sum, n)| *sum += n);
        self.slowest = self.slowest.max(other.slowest);
        self.closest = self.closest.max(other.closest);
        self.steps += other.steps;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, what: &str, n: u64| writeln!(f, "{n:>12}  {what}");
        row(f, "seeds", self.seeds)?;
        row(f, "rounds", self.rounds)?;
        row(f, "rounds lost", self.rounds_lost)?;
        row(f, "messages written, and arrived once and in order", self.messages)?;
        row(f, "rounds the slowest took to recover from its last fault", self.slowest)?;
        row(f, "percent of the allowed rounds that the closest took", self.closest)?;
        for (fault, n) in Fault::ALL.iter().zip(self.faults) {
            row(f, &fault.to_string(), n)?;
        }
        row(f, "steps", self.steps)
    }
}
