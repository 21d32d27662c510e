//! Keeps stack frames apart.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// A future that is made and polled in stack frames of its own: `apart!(f(x)).await` is `f(x).await` on less stack.
///
/// Compilers like to make one frame of a future's and its caller's, and the caller's then is as large as the largest
/// step of anything that it ever awaits, also while it does something else. The deepest of all, a pairing, would stand
/// on all of that. And they make futures on the stack, before they move them to where they stay.
#[macro_export]
macro_rules! apart {
    ($future:expr) => {
        $crate::Apart::new(::core::pin::pin!($crate::made(|| $future)))
    };
}

/// The future of [`apart!`](crate::apart).
pub struct Apart<'a, F>(Pin<&'a mut F>);

impl<'a, F: Future> Apart<'a, F> {
    /// `future`, polled in a stack frame of its own.
    pub fn new(future: Pin<&'a mut F>) -> Self {
        Self(future)
    }
}

impl<F: Future> Future for Apart<'_, F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

/// What `make` makes, made in a stack frame of its own.
#[doc(hidden)]
#[inline(never)]
pub fn made<T>(make: impl FnOnce() -> T) -> T {
    make()
}
