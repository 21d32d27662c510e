//! The threads on which the library works.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinHandle};

use crate::error::ZephyrError;

/// One for the process. A pairing takes a while, so the rounds of one client must not hold up the calls of another.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("zephyr")
        .enable_all()
        .build()
        .expect("the operating system gives a process threads")
});

/// Starts work that goes on whether or not somebody waits for it.
pub(crate) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    RUNTIME.spawn(work)
}

/// Does work on the library's threads, whatever executor waits for it. It ends when the waiting ends. A panic in it is
/// an error.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, ZephyrError>> + Send + 'static,
) -> Result<T, ZephyrError> {
    let mut task = AbortOnDrop(spawn(work));
    (&mut task.0).await.unwrap_or_else(|failed| Err(unexpected(&failed)))
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says nothing of the panic's text, which may hold anything.
fn unexpected(failed: &JoinError) -> ZephyrError {
    let what = if failed.is_panic() { "panicked" } else { "was stopped" };
    ZephyrError::Unexpected { reason: format!("a part of the library {what}: please report this") }
}
