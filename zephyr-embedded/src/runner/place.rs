//! A place for a connection: what the driver and the connection's worker have in common.
//!
//! They take turns. The worker connects, sends what the session has to say, and receives until a message is whole; then
//! it is the driver's turn, which reads the message and hands the turn back.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use zephyr_core::session::{ExchangeId, ServerRef};
use zephyr_core::{Connection, Dh};

use crate::event::Failure;

/// A connection to make.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub(super) exchange: ExchangeId,
    pub(super) server: ServerRef,
}

/// Why it is the driver's turn.
#[derive(Clone, Copy)]
pub(super) enum Report {
    /// A message has come whole, or something that is none.
    Received,
    Failed(Failure),
}

pub(super) struct Place<'b, D: Dh> {
    /// What the connection is for; `None` if the place is free.
    pub(super) job: Cell<Option<Job>>,
    /// Taken by the driver, which has its turn until it is handed back.
    pub(super) report: Cell<Option<Report>>,
    /// To the worker: drop what you have, and begin this.
    pub(super) orders: Signal<NoopRawMutex, Option<Job>>,
    /// To the worker: your turn; send first the message of so many bytes that stands in the free part of the buffer.
    pub(super) turn: Signal<NoopRawMutex, Option<usize>>,
    /// Never waited for: whose turn it is holds it.
    pub(super) link: Mutex<NoopRawMutex, Link<'b, D>>,
}

/// The link over the place's buffer.
pub(super) struct Link<'b, D: Dh> {
    pub(super) connection: Option<Connection<&'b mut [u8], D>>,
    buffer: &'b mut [u8],
}

impl<'b, D: Dh> Place<'b, D> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            job: Cell::new(None),
            report: Cell::new(None),
            orders: Signal::new(),
            turn: Signal::new(),
            link: Mutex::new(Link { connection: None, buffer }),
        }
    }

    /// Orders the worker to drop its connection, if it has one, and to begin this one.
    pub(super) fn order(&self, job: Option<Job>) {
        self.job.set(job);
        self.report.set(None);
        self.turn.reset();
        self.orders.signal(job);
    }
}

impl<'b, D: Dh> Link<'b, D> {
    /// Gives the buffer to a new connection.
    pub(super) fn begin(
        &mut self,
        make: impl FnOnce(&'b mut [u8]) -> Connection<&'b mut [u8], D>,
    ) -> &mut Connection<&'b mut [u8], D> {
        let buffer = match self.connection.take() {
            Some(connection) => connection.into_buffer(),
            None => core::mem::take(&mut self.buffer),
        };
        self.connection.insert(make(buffer))
    }
}
