//! Sockets in memory, with Noise links to the servers at their other end.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};

use embassy_time::Timer;
use embassy_time_driver::schedule_wake;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use zephyr_core::session::ServerRef;
use zephyr_core::{FrameBuffer, Link, Role, Suite};

use crate::clock;
use crate::world::Shared;

/// A board's end of its cable.
pub struct Cable<S: Suite> {
    pub board: usize,
    pub world: Shared<S>,
}

impl<S: Suite> Cable<S> {
    /// As long as the cable is pulled nothing comes through, and nobody is told.
    async fn plugged(&self) {
        while self.world.borrow().pulled.contains(&self.board) {
            Timer::after_millis(5).await;
        }
    }
}

impl<S: Suite> Dns for Cable<S> {
    type Error = ErrorKind;

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, ErrorKind> {
        self.plugged().await;
        let name = host.strip_prefix("s-").and_then(|name| name.strip_suffix(".example"));
        let (role, index) =
            name.and_then(|name| name.split_once('-')).ok_or(ErrorKind::NotFound)?;
        let byte = |text: &str| text.parse().map_err(|_| ErrorKind::NotFound);
        Ok(Ipv4Addr::new(10, 0, byte(role)?, byte(index)?).into())
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, ErrorKind> {
        Err(ErrorKind::Unsupported)
    }
}

impl<S: Suite> TcpConnect for Cable<S> {
    type Error = ErrorKind;
    type Connection<'a> = Socket<S>;

    async fn connect(&self, remote: SocketAddr) -> Result<Socket<S>, ErrorKind> {
        let (hangs, refused, delay) = {
            let mut world = self.world.borrow_mut();
            let trouble = world.trouble;
            let delay = world.chance() % u64::from(trouble.delay_ms + 1);
            (world.happens(trouble.hangs), world.happens(trouble.refused), delay)
        };
        self.plugged().await;
        if hangs {
            pending::<()>().await;
        }
        Timer::after_millis(1 + delay).await;
        if refused {
            return Err(ErrorKind::ConnectionRefused);
        }
        let IpAddr::V4(ip) = remote.ip() else { return Err(ErrorKind::InvalidInput) };
        let [10, 0, role, index] = ip.octets() else { return Err(ErrorKind::InvalidInput) };
        let role = Role::ALL.into_iter().find(|r| *r as u8 == role).expect("a role");
        let server = ServerRef { role, index: index.into() };
        let mut world = self.world.borrow_mut();
        *world.sockets.entry(self.board).or_default() += 1;
        let link = world.link(server);
        Ok(Socket {
            board: self.board,
            world: self.world.clone(),
            server,
            link,
            frames: FrameBuffer::new(vec![0; 70_000]),
            opened: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
            ready: 0,
        })
    }
}

pub struct Socket<S: Suite> {
    board: usize,
    world: Shared<S>,
    server: ServerRef,
    link: Link<S::Dh>,
    frames: FrameBuffer<Vec<u8>>,
    opened: bool,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    /// When what is on its way down is here.
    ready: u64,
}

impl<S: Suite> Drop for Socket<S> {
    fn drop(&mut self) {
        *self.world.borrow_mut().sockets.get_mut(&self.board).expect("it was counted") -= 1;
    }
}

impl<S: Suite> ErrorType for Socket<S> {
    type Error = ErrorKind;
}

impl<S: Suite> Socket<S> {
    /// Mostly all, sometimes a byte, else any number.
    fn some(&self, len: usize) -> usize {
        let chance = self.world.borrow_mut().chance() as usize;
        match chance % 4 {
            0 => len.min(1),
            1 => (chance / 4 % (len + 1)).max(len.min(1)),
            _ => len,
        }
    }

    fn wait(&self, at: u64, cx: &Context<'_>) {
        schedule_wake(at, cx.waker());
    }

    fn is_pulled(&self) -> bool {
        self.world.borrow().pulled.contains(&self.board)
    }

    fn serve(&mut self) {
        let mut world = self.world.borrow_mut();
        while !self.up.is_empty() {
            let space = self.frames.space();
            let len = space.len().min(self.up.len());
            self.up.drain(..len).zip(space).for_each(|(byte, place)| *place = byte);
            self.frames.filled(len);
            while let Ok(Some(frame)) = self.frames.next_frame(self.link.lengths()) {
                if !self.link.is_open() {
                    self.link.read_handshake(frame).expect("clients keep to the protocol");
                    if !self.opened {
                        self.opened = true;
                        let mut out = [0; 64];
                        let len = self.link.write_handshake(&mut out).expect("the server's turn");
                        self.down.extend(&out[..len]);
                    }
                    continue;
                }
                let hash = *self.link.handshake_hash().expect("it is open");
                let request = self.link.open(frame).expect("clients keep to the protocol");
                for mut reply in world.handle(self.server, &hash, request) {
                    let trouble = world.trouble;
                    if world.happens(trouble.oversized) {
                        reply.resize(20_000, 0x5a);
                    }
                    let mut out = vec![0; reply.len() + 18];
                    let len = self.link.seal(&reply, &mut out).expect("replies fit");
                    self.down.extend(&out[..len]);
                }
            }
        }
        let delay = 1 + world.chance() % u64::from(world.trouble.delay_ms / 2 + 1);
        self.ready = clock::now() + delay * clock::MS;
    }
}

impl<S: Suite> Read for Socket<S> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| {
            if self.is_pulled() {
                self.wait(clock::now() + 5 * clock::MS, cx);
                return Poll::Pending;
            }
            if self.down.is_empty() {
                return Poll::Pending;
            }
            if clock::now() < self.ready {
                self.wait(self.ready, cx);
                return Poll::Pending;
            }
            let trouble = self.world.borrow().trouble;
            if self.world.borrow_mut().happens(trouble.breaks) {
                return Poll::Ready(Err(ErrorKind::ConnectionReset));
            }
            let len = self.some(self.down.len().min(buf.len()));
            self.down.drain(..len).zip(&mut *buf).for_each(|(byte, place)| *place = byte);
            if len > 0 && self.world.borrow_mut().happens(trouble.garbage) {
                buf[len / 2] ^= 0x10;
            }
            Poll::Ready(Ok(len))
        })
        .await
    }
}

impl<S: Suite> Write for Socket<S> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| {
            if self.is_pulled() {
                self.wait(clock::now() + 5 * clock::MS, cx);
                return Poll::Pending;
            }
            let len = self.some(buf.len());
            self.up.extend(&buf[..len]);
            self.serve();
            Poll::Ready(Ok(len))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
