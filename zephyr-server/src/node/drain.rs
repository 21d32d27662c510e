//! Finishing what has been begun before a stop.

use tokio::sync::watch;
use zephyr_core::UnixMs;

/// What is left to be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nobody has asked yet.
    Unasked,
    /// Something, until then at the latest if that is known.
    Until(Option<UnixMs>),
    Nothing,
}

/// The end that asks.
pub(crate) struct Drain {
    ask: watch::Sender<bool>,
    left: watch::Receiver<Left>,
}

/// The end of the server's role.
#[derive(Clone)]
pub(crate) struct Draining {
    asked: watch::Receiver<bool>,
    left: watch::Sender<Left>,
    begun: bool,
}

pub(crate) fn drain() -> (Drain, Draining) {
    let (ask, asked) = watch::channel(false);
    let (tell, left) = watch::channel(Left::Unasked);
    (Drain { ask, left }, Draining { asked, left: tell, begun: false })
}

impl Drain {
    /// Asks; returns until when it will take.
    pub(crate) async fn ask(&self) -> Left {
        let _ = self.ask.send(true);
        self.wait_for(|left| *left != Left::Unasked).await
    }

    /// Waits until nothing is left.
    pub(crate) async fn done(&self) {
        self.wait_for(|left| *left == Left::Nothing).await;
    }

    async fn wait_for(&self, is: impl FnMut(&Left) -> bool) -> Left {
        let mut left = self.left.clone();
        // If the role has ended, nothing is left.
        left.wait_for(is).await.map_or(Left::Nothing, |left| *left)
    }
}

impl Draining {
    /// Returns when this is asked for the first time, and never again.
    pub(crate) async fn begin(&mut self) {
        if self.begun || self.asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.begun = true;
    }

    /// Tells what is left, once it has [begun](Self::begin).
    pub(crate) fn tell(&self, left: Left) {
        if self.begun {
            self.left.send_if_modified(|before| std::mem::replace(before, left) != left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_told_before_the_role_has_begun_to_finish() {
        let (drain, mut draining) = drain();
        let role = async {
            tokio::task::yield_now().await;
            draining.tell(Left::Nothing); // asked, but something else came first
            draining.begin().await;
            draining.tell(Left::Until(None));
            draining.tell(Left::Nothing);
        };
        let (left, ()) = tokio::join!(drain.ask(), role);
        assert_eq!(left, Left::Nothing);
        drain.done().await;
    }

    #[tokio::test]
    async fn a_role_that_has_ended_has_nothing_left() {
        let (drain, draining) = drain();
        drop(draining);
        assert_eq!(drain.ask().await, Left::Nothing);
        drain.done().await;
    }
}
