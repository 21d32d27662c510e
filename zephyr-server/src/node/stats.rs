//! What a server has done, for operators and the demo.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($(#[doc = $doc:literal] $name:ident,)*) => {
        /// Counters that grow while the server runs.
        #[derive(Debug, Default)]
        pub struct Stats {
            $(#[doc = $doc] pub $name: AtomicU64,)*
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct NodeStats {
            $(#[doc = $doc] pub $name: u64,)*
        }

        impl Stats {
            /// The counters now.
            pub fn snapshot(&self) -> NodeStats {
                NodeStats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }

            /// The counters now, each with its name and what it counts.
            pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                let now = self.snapshot();
                [$((stringify!($name), $doc.trim_ascii(), now.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Packets that clients submitted.
    packets_in,
    /// Packets that came from other mixers.
    packets_mixed,
    /// Packets dropped: not authentic, replayed, or misrouted.
    packets_dropped,
    /// Packets and messages of the mixer's own making.
    noise,
    /// Packets sent on to other mixers.
    forwarded,
    /// Messages delivered to mailboxes.
    delivered,
    /// Rounds given up.
    rounds_void,
    /// Shares of private keys given.
    extractions,
    /// Requests to register or confirm an address.
    registrations,
    /// Directories served.
    directories_served,
    /// Mailboxes served.
    downloads,
    /// Messages kept.
    messages_stored,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}
