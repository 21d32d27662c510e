//! An executor on virtual time that notices who never sleeps.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use crate::clock;

/// A task that is polled so often without time passing is in a loop.
const MOST_POLLS: u32 = 20_000;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    name: usize,
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Flag>,
}

/// Tasks, each with the number of the board that it runs on.
#[derive(Default)]
pub struct Tasks {
    tasks: Vec<Task>,
    /// How often anything was polled.
    pub polls: u64,
}

impl Tasks {
    pub fn spawn(&mut self, name: usize, future: impl Future<Output = ()> + 'static) {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.tasks.push(Task { name, future: Box::pin(future), woken });
    }

    /// Drops all tasks of a board, as a reset does.
    pub fn reset(&mut self, name: usize) {
        self.tasks.retain(|task| task.name != name);
    }

    /// Polls each task that was woken once. Whether there was any.
    pub fn step(&mut self) -> bool {
        let mut any = false;
        let mut i = 0;
        while i < self.tasks.len() {
            let task = &mut self.tasks[i];
            i += 1;
            if !task.woken.0.swap(false, Ordering::Relaxed) {
                continue;
            }
            any = true;
            self.polls += 1;
            let waker = Waker::from(task.woken.clone());
            if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                i -= 1;
                self.tasks.remove(i);
            }
        }
        any
    }

    /// Lets `ms` milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        self.run_until(ms, || false);
    }

    /// Lets time pass until `done`, at most `ms` milliseconds. Whether it is done.
    pub fn run_until(&mut self, ms: u64, done: impl Fn() -> bool) -> bool {
        let end = clock::now() + ms * clock::MS;
        let mut streak = 0;
        loop {
            if done() {
                return true;
            }
            if self.step() {
                streak += 1;
                assert!(streak < MOST_POLLS, "a task never sleeps");
                continue;
            }
            streak = 0;
            match clock::next().filter(|at| *at <= end) {
                Some(at) => clock::advance_to(at),
                None => {
                    clock::advance_to(end);
                    return done();
                }
            }
        }
    }

    /// Lets time pass until the future is ready.
    pub fn block_on<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> T {
        let result = Rc::new(RefCell::new(None));
        let place = result.clone();
        self.spawn(usize::MAX, async move {
            let value = future.await;
            *place.borrow_mut() = Some(value);
        });
        let done = self.run_until(600_000, || result.borrow().is_some());
        assert!(done, "it takes more than ten minutes");
        result.take().expect("it is done")
    }
}
