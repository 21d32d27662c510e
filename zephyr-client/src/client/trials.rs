//! Trial decryption on all processors.

use std::num::NonZero;
use std::thread;

use zephyr_blst::Native;
use zephyr_core::session::{Trial, Tried};

/// A frame with what it is tried with, if anything.
pub type Waiting<'a> = Option<(Trial<'a, Native>, &'a [u8])>;

/// Tries frames on at most so many processors side by side, and blocks until all is done: what a
/// [`Session`](zephyr_core::session::Session) is driven with where a pairing for one after the other would be too slow.
/// What was found comes in the order of the frames.
pub fn try_side_by_side(frames: &[Waiting<'_>], processors: NonZero<usize>) -> Vec<Tried> {
    let work = frames.iter().flatten().count();
    let threads = processors.get().min(work).max(1);
    let mut parts = frames.chunks(frames.len().div_ceil(threads).max(1));
    thread::scope(|scope| {
        let own = parts.next().unwrap_or_default();
        let others: Vec<_> = parts
            .map(|part| (part, thread::Builder::new().spawn_scoped(scope, || try_all(part))))
            .collect();
        let mut tried = try_all(own);
        for (part, thread) in others {
            tried.extend(match thread {
                Ok(thread) => thread.join().expect("no frame makes a trial panic"),
                // The system has no more threads.
                Err(_) => try_all(part),
            });
        }
        tried
    })
}

fn try_all(frames: &[Waiting<'_>]) -> Vec<Tried> {
    let found = |waiting: &Waiting<'_>| waiting.as_ref().map(|(trial, frame)| trial.run(frame));
    frames.iter().map(|waiting| found(waiting).unwrap_or_default()).collect()
}
