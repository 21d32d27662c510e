//! The console: the first CMSDK UART.

use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::AtomicWaker;
use embedded_io_async::{ErrorType, Read, Write};

use crate::register::Register;

const BASE: usize = 0x4000_4000;
// SAFETY: the registers of the board's first CMSDK UART.
const DATA: Register = unsafe { Register::at(BASE) };
const STATE: Register = unsafe { Register::at(BASE + 4) };
const CONTROL: Register = unsafe { Register::at(BASE + 8) };
const INTERRUPT: Register = unsafe { Register::at(BASE + 12) };
const BAUD_DIVISOR: Register = unsafe { Register::at(BASE + 16) };

/// Bits of STATE.
const OUTPUT_FULL: u32 = 1;
const INPUT_FULL: u32 = 2;
/// Bits of CONTROL.
const ENABLE_BOTH: u32 = 3;
const OUTPUT_INTERRUPT: u32 = 4;
const INPUT_INTERRUPT: u32 = 8;
/// 25 MHz through 115,200 Bd.
const DIVISOR: u32 = 217;

static INPUT: AtomicWaker = AtomicWaker::new();
static OUTPUT: AtomicWaker = AtomicWaker::new();

/// What is typed. The UART holds one byte, and QEMU waits until it is taken.
pub struct Input(());

/// What is shown.
pub struct Output(());

/// Starts the UART.
pub fn start() -> (Input, Output) {
    BAUD_DIVISOR.write(DIVISOR);
    CONTROL.write(ENABLE_BOTH);
    (Input(()), Output(()))
}

/// A byte has come or gone: both interrupts off until somebody waits again.
pub fn interrupted() {
    CONTROL.write(ENABLE_BOTH);
    INTERRUPT.write(u32::MAX);
    INPUT.wake();
    OUTPUT.wake();
}

fn turn_on(interrupt: u32) {
    critical_section::with(|_| CONTROL.write(CONTROL.read() | interrupt));
}

impl ErrorType for Input {
    type Error = Infallible;
}

impl ErrorType for Output {
    type Error = Infallible;
}

impl Read for Input {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        poll_fn(|context| {
            INPUT.register(context.waker());
            turn_on(INPUT_INTERRUPT);
            if STATE.read() & INPUT_FULL == 0 {
                return Poll::Pending;
            }
            *first = DATA.read() as u8;
            Poll::Ready(Ok(1))
        })
        .await
    }
}

impl Write for Output {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let Some(first) = bytes.first() else { return Ok(0) };
        self.flush().await?;
        DATA.write(u32::from(*first));
        Ok(1)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        poll_fn(|context| {
            if STATE.read() & OUTPUT_FULL == 0 {
                return Poll::Ready(Ok(()));
            }
            OUTPUT.register(context.waker());
            turn_on(OUTPUT_INTERRUPT);
            match STATE.read() & OUTPUT_FULL {
                0 => Poll::Ready(Ok(())),
                _ => Poll::Pending,
            }
        })
        .await
    }
}
