//! The console: a 16550 UART.

use core::convert::Infallible;

use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, pipe::Pipe};
use embedded_io_async::{ErrorType, Read, Write};

use crate::{interrupts::Line, register::Register};

const UART: usize = 0x1000_0000;

// SAFETY: registers of the UART.
const DATA: Register<u8> = unsafe { Register::at(UART) };
const INTERRUPT_ENABLE: Register<u8> = unsafe { Register::at(UART + 1) };
const FIFO_CONTROL: Register<u8> = unsafe { Register::at(UART + 2) };
const LINE_STATUS: Register<u8> = unsafe { Register::at(UART + 5) };

const ON_RECEIVED: u8 = 1;
const FIFO_ENABLE: u8 = 1;
const RECEIVED: u8 = 1;
const CAN_SEND: u8 = 1 << 5;

/// What has been typed and not read yet.
static TYPED: Pipe<CriticalSectionRawMutex, 128> = Pipe::new();

/// Starts to take what is typed. To be called once.
pub fn start() -> (Input, Output) {
    FIFO_CONTROL.write(FIFO_ENABLE);
    INTERRUPT_ENABLE.write(ON_RECEIVED);
    Line::UART.enable();
    (Input, Output)
}

/// Takes what is typed. What there is no room for stays in the device, which holds the sender up.
pub fn on_interrupt() {
    while LINE_STATUS.read() & RECEIVED != 0 {
        if TYPED.is_full() {
            return INTERRUPT_ENABLE.write(0);
        }
        let _ = TYPED.try_write(&[DATA.read()]);
    }
}

/// What is typed.
pub struct Input;

impl ErrorType for Input {
    type Error = Infallible;
}

impl Read for Input {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let length = TYPED.read(buffer).await;
        INTERRUPT_ENABLE.write(ON_RECEIVED);
        Ok(length)
    }
}

/// What is shown.
pub struct Output;

impl ErrorType for Output {
    type Error = Infallible;
}

impl Write for Output {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for byte in bytes {
            while LINE_STATUS.read() & CAN_SEND == 0 {}
            DATA.write(*byte);
        }
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
