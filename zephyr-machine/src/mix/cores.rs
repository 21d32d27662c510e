//! Work shared among the cores.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, mpsc};

use super::wipe_stack;

/// Does `work` for all tasks on so many threads, and gives the results away in the order of the tasks, here and as
/// soon as they are there. What secrets the work leaves on its stacks is wiped.
pub(super) fn in_order<T: Send, R: Send>(
    threads: usize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
    mut done: impl FnMut(R),
) {
    if threads <= 1 {
        tasks.map(work).for_each(done);
        wipe_stack();
        return;
    }
    let tasks = Mutex::new(tasks.enumerate());
    let next = || tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
    let (results, finished) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (results, next, work) = (results.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((number, task)) = next() {
                    // Whoever waits for it waits until the last.
                    let _ = results.send((number, work(task)));
                }
                wipe_stack();
            });
        }
        drop(results);
        let (mut early, mut wanted) = (BTreeMap::new(), 0);
        for (number, result) in finished {
            early.insert(number, result);
            while let Some(result) = early.remove(&wanted) {
                done(result);
                wanted += 1;
            }
        }
    });
}

/// How many threads make use of all cores.
pub(super) fn all() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_tasks_whoever_is_faster() {
        for threads in [0, 1, 2, 5] {
            let mut results = Vec::new();
            let work = |task: u64| {
                // The first tasks take longest.
                (0..(100 - task) * 1_000).fold(task, |sum, i| std::hint::black_box(sum ^ i ^ i))
            };
            in_order(threads, 0..100, work, |result| results.push(result));
            assert!(results.into_iter().eq(0..100), "{threads} threads");
        }
    }
}
