//! One connection on behalf of the session: moves frames, and counts bytes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use zephyr_core::session::{ExchangeId, ServerRef};
use zephyr_core::{NetworkId, Parameters, Role, ServerEntry};

use super::stats::Counters;
use crate::transport::{ConnectError, Connection, ConnectionError, Timeouts};

/// What a connection tells the driver.
pub(super) enum Report {
    Connected { id: ExchangeId, handshake: [u8; 32] },
    Frame { id: ExchangeId, frame: Vec<u8> },
    Failed { id: ExchangeId, server: ServerRef, why: String },
}

/// A connection that is to be made.
pub(super) struct Exchange {
    pub(super) id: ExchangeId,
    pub(super) server: ServerRef,
    pub(super) address: String,
    pub(super) key: [u8; 32],
    pub(super) network: NetworkId,
    pub(super) waits: Waits,
    pub(super) counters: Arc<Counters>,
}

/// How long a connection waits for one thing, and how long it lives.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    timeouts: Timeouts,
    total: Duration,
}

impl Waits {
    /// A server that says nothing must not cost a phase: there is time for another try.
    pub(super) fn new(parameters: &Parameters, role: Role, set: Option<Timeouts>) -> Self {
        let phase = match role {
            Role::Mailbox => parameters.download_ms,
            _ => parameters.submit_ms,
        };
        let phase = Duration::from_millis(phase.into());
        let part = (phase / 4).clamp(Duration::from_millis(500), Duration::from_secs(30));
        let derived = Timeouts { connect: part, send: part, receive: part };
        Self { timeouts: set.unwrap_or(derived), total: phase.max(part) }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("the server took too long")]
    TookTooLong,
}

impl Exchange {
    pub(super) fn new(
        id: ExchangeId,
        server: ServerRef,
        entry: &ServerEntry<'_>,
        network: NetworkId,
        waits: Waits,
        counters: Arc<Counters>,
    ) -> Self {
        let (address, key) = (entry.client_address.to_owned(), entry.link_key);
        Self { id, server, address, key, network, waits, counters }
    }

    /// Connects, and moves frames until `out` ends or something fails, which is reported.
    pub(super) async fn run(
        self,
        reports: mpsc::Sender<Report>,
        mut out: mpsc::UnboundedReceiver<Vec<u8>>,
    ) {
        let whole = self.exchange(&reports, &mut out);
        let result = tokio::time::timeout(self.waits.total, whole).await;
        if let Err(failure) = result.unwrap_or(Err(Failure::TookTooLong)) {
            let Self { id, server, .. } = self;
            // The driver is gone: nobody wants to know.
            let _ = reports.send(Report::Failed { id, server, why: failure.to_string() }).await;
        }
    }

    async fn exchange(
        &self,
        reports: &mpsc::Sender<Report>,
        out: &mut mpsc::UnboundedReceiver<Vec<u8>>,
    ) -> Result<(), Failure> {
        let Waits { timeouts, .. } = self.waits;
        let connect = Connection::connect(&self.address, &self.key, &self.network, timeouts);
        let mut metered = Metered {
            connection: connect.await?,
            counted: (0, 0),
            role: self.server.role,
            to: &self.counters,
        };
        let handshake = *metered.connection.handshake_hash();
        metered.count();
        let report = Report::Connected { id: self.id, handshake };
        if reports.send(report).await.is_err() {
            return Ok(());
        }
        loop {
            let frame = tokio::select! {
                request = out.recv() => match request {
                    Some(request) => {
                        metered.connection.send(&request).await?;
                        continue;
                    }
                    None => return Ok(()),
                },
                frame = metered.connection.recv() => frame?.to_vec(),
            };
            metered.count();
            if reports.send(Report::Frame { id: self.id, frame }).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// A connection whose bytes are counted, also when it is dropped in the middle.
struct Metered<'c> {
    connection: Connection,
    counted: (u64, u64),
    role: Role,
    to: &'c Counters,
}

impl Metered<'_> {
    fn count(&mut self) {
        let now = (self.connection.bytes_in(), self.connection.bytes_out());
        self.to.add(self.role, now.0 - self.counted.0, now.1 - self.counted.1);
        self.counted = now;
    }
}

impl Drop for Metered<'_> {
    fn drop(&mut self) {
        self.count();
    }
}
