//! Keeps stack frames apart.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// A future that is polled in a stack frame of its own.
///
/// Compilers like to make one frame of a future's and its caller's, and the caller's then is as large as the largest
/// step of anything that it ever awaits, also while it does something else. The deepest of all, a pairing, would stand
/// on all of that.
pub(crate) struct Apart<'a, F>(Pin<&'a mut F>);

/// `future`, polled in a frame of its own.
pub(crate) fn apart<F: Future>(future: Pin<&mut F>) -> Apart<'_, F> {
    Apart(future)
}

impl<F: Future> Future for Apart<'_, F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}
