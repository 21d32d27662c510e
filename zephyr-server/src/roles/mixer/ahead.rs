//! Noise made ahead, when nothing more urgent is to be done.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use zephyr_machine::mix::NoiseMaker;

use crate::node::Native;

/// Makes noise while no phase is being mixed, on one core fewer than there are: submissions come in at the same time.
pub(super) struct Ahead {
    threads: usize,
    /// The threads that are free.
    free: Arc<Semaphore>,
    /// How many phases are being mixed.
    mixing: watch::Sender<usize>,
}

/// A phase is being mixed as long as this lives.
pub(super) struct Urgent(watch::Sender<usize>);

impl Ahead {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (cores - 1).max(1);
        let (mixing, _) = watch::channel(0);
        Self { threads, free: Arc::new(Semaphore::new(threads)), mixing }
    }

    /// Nothing is made while what this returns lives, but for pieces that are begun.
    pub(super) fn pause(&self) -> Urgent {
        self.mixing.send_modify(|phases| *phases += 1);
        Urgent(self.mixing.clone())
    }

    /// What makes a round's noise, to be run side by side. All of it ends when there is nothing left to do: also when
    /// the round is over.
    pub(super) fn make(&self, noise: &NoiseMaker) -> Vec<impl Future<Output = ()> + use<>> {
        let one = |_| make(noise.clone(), self.free.clone(), self.mixing.subscribe());
        (0..self.threads).map(one).collect()
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        self.0.send_modify(|phases| *phases -= 1);
    }
}

async fn make(noise: NoiseMaker, free: Arc<Semaphore>, mut mixing: watch::Receiver<usize>) {
    loop {
        let Ok(_turn) = free.acquire().await else { return };
        if mixing.wait_for(|phases| *phases == 0).await.is_err() {
            return;
        }
        let noise = noise.clone();
        // One that has failed is made when the phase is mixed.
        if !spawn_blocking(move || noise.step::<Native>()).await.unwrap_or(true) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_made_while_a_phase_is_being_mixed() {
        let ahead = Ahead::new();
        let urgent = ahead.pause();
        let waiting: Vec<_> =
            ahead.make(&NoiseMaker::default()).into_iter().map(tokio::spawn).collect();
        assert_eq!(waiting.len(), ahead.threads);
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|work| !work.is_finished()), "a phase is being mixed");
        let other = ahead.pause();
        drop(urgent);
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|work| !work.is_finished()), "another one still is");
        drop(other);
        for work in waiting {
            work.await.unwrap();
        }
        assert_eq!(ahead.free.available_permits(), ahead.threads);
    }
}
