//! What operators see of a server: counters and warnings.
//!
//! [`Observed`] keeps what the server's events say, [`Metrics`] writes it down with all other counters in the format of
//! OpenMetrics, and [`serve`] gives that to Prometheus. Servers are named, clients never appear.

mod about;
mod collect;
mod front;
mod http;
mod names;
mod observed;
mod page;

pub(crate) use collect::Metrics;
pub(crate) use front::Front;
pub(crate) use http::{bind, serve};
pub(crate) use observed::Observed;
