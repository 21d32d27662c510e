//! How much RAM a client takes.

#![allow(missing_docs)]

#[path = "client/clock.rs"]
#[allow(dead_code, reason = "no time passes here")]
mod clock;

use core::net::{IpAddr, SocketAddr};

use embassy_futures::block_on;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use embedded_storage_async::nor_flash::{
    ErrorType as FlashErrorType, MultiwriteNorFlash, NorFlash, NorFlashErrorKind, ReadNorFlash,
};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use zephyr_core::{Address, Standard};
use zephyr_embedded::{Account, Config, FlashStorage, Resources, new};
use zephyr_testkit::Plan;

/// What a client with 8 contacts, 3 connections and a slot may take on this host, in bytes: its memory and the runner's
/// future, without the network's buffers. A microcontroller's pointers are half as long.
const BOUND: usize = 58_000;

struct NoNetwork;

impl Dns for NoNetwork {
    type Error = ErrorKind;

    async fn get_host_by_name(&self, _: &str, _: AddrType) -> Result<IpAddr, ErrorKind> {
        Err(ErrorKind::Other)
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, ErrorKind> {
        Err(ErrorKind::Other)
    }
}

impl TcpConnect for NoNetwork {
    type Error = ErrorKind;
    type Connection<'a> = NoSocket;

    async fn connect(&self, _: SocketAddr) -> Result<NoSocket, ErrorKind> {
        Err(ErrorKind::Other)
    }
}

struct NoSocket;

impl ErrorType for NoSocket {
    type Error = ErrorKind;
}

impl Read for NoSocket {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> {
        Err(ErrorKind::Other)
    }
}

impl Write for NoSocket {
    async fn write(&mut self, _: &[u8]) -> Result<usize, ErrorKind> {
        Err(ErrorKind::Other)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Err(ErrorKind::Other)
    }
}

/// Flash in memory.
struct Flash(Vec<u8>);

impl FlashErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        bytes.copy_from_slice(&self.0[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4_096;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.0[from as usize..to as usize].fill(0xff);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.0[offset as usize..].iter_mut().zip(bytes).for_each(|(place, byte)| *place &= byte);
        Ok(())
    }
}

impl MultiwriteNorFlash for Flash {}

type Memory = Resources<8, 3, 3, 4, 598, 2_048, 2_048>;

#[test]
fn a_client_is_small() {
    let mut flash = FlashStorage::new(Flash(vec![0xff; 128 * 1_024]), 0..128 * 1_024);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let address = Address::parse("ada@example.org").expect("an address");
    let account = block_on(Account::create(&mut flash, address, &mut rng)).expect("it works");
    let manifest = Plan::small(1).manifest::<Standard>().leak();
    let config = Config { account, manifest, contacts_only: true, verify_proofs: false };
    let memory = Box::leak(Box::new(Memory::new()));
    let made = block_on(new(memory, config, NoNetwork, flash, rng));
    let mut device = made.expect("there is room");
    let (lent, opened) = (size_of::<Memory>(), size_of_val(&device));
    let running = size_of_val(&device.split().1.run());
    println!("memory {lent}, device {opened}, future {running}");
    let sum = lent + opened + running;
    assert!(sum <= BOUND, "memory {lent}, device {opened}, future {running}: more than {BOUND}");
}
