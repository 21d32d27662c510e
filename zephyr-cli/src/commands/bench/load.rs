//! Many clients that come one after the other, so many of them at a time.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::exit::{Failure, Outcome};

/// Has `clients` come, at most `at_once` at a time, and says how long that took.
///
/// # Errors
/// The first that fails.
pub async fn come<F>(
    clients: usize,
    at_once: usize,
    client: impl Fn(usize) -> F + Send + Sync + 'static,
) -> Outcome<Duration>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let (client, next) = (Arc::new(client), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut places: JoinSet<Outcome> = JoinSet::new();
    for _ in 0..at_once.min(clients) {
        let (client, next) = (client.clone(), next.clone());
        places.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= clients {
                    return Ok(());
                }
                client(number).await?;
            }
        });
    }
    while let Some(ended) = places.join_next().await {
        ended.map_err(|_| Failure::failed("a client panicked"))??;
    }
    Ok(start.elapsed())
}
