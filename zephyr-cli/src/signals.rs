//! Being asked to stop.

/// Being asked to stop, by the user or the system: Ctrl-C or SIGTERM.
pub struct StopSignals {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
}

impl StopSignals {
    /// Heard from here on.
    pub fn new() -> Self {
        Self {
            #[cfg(unix)]
            signals: {
                use tokio::signal::unix::{SignalKind, signal};
                let terminate = signal(SignalKind::terminate());
                terminate.and_then(|t| Ok([t, signal(SignalKind::interrupt())?])).ok()
            },
        }
    }

    /// Returns when the program is asked to stop, for the first time or again.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if let Some([terminate, interrupt]) = &mut self.signals {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Returns when the program is asked to stop.
pub async fn asked_to_stop() {
    StopSignals::new().next().await;
}

/// Being asked to read files again: SIGHUP, where there is such a thing.
pub struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    /// Heard from here on; without this the system would end the program.
    pub fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    /// Returns when it has been asked for again.
    pub async fn heard(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
