//! The network through embassy-net.

use core::cell::Cell;
use core::net::{IpAddr, SocketAddr};

use embassy_net::Stack;
use embassy_net::dns::DnsSocket;
use embassy_net::tcp::{Error, State, TcpSocket};
use embedded_io_async::{ErrorType, Read, Write};
use embedded_nal_async::{AddrType, Dns, TcpConnect};

/// The buffers of `N` sockets, `TX` bytes to send and `RX` received in each.
pub struct SocketBuffers<const N: usize, const TX: usize = 1024, const RX: usize = 1024>(
    [([u8; TX], [u8; RX]); N],
);

impl<const N: usize, const TX: usize, const RX: usize> SocketBuffers<N, TX, RX> {
    /// Buffers that nothing is in.
    pub const fn new() -> Self {
        Self([([0; TX], [0; RX]); N])
    }
}

impl<const N: usize, const TX: usize, const RX: usize> Default for SocketBuffers<N, TX, RX> {
    fn default() -> Self {
        Self::new()
    }
}

/// TCP over IPv4 and DNS of an embassy-net stack.
///
/// `N` sockets: one for each of the client's connections, and one for registrations. They stay in the stack, so that a
/// connection that is dropped is closed in good order, and its server doesn't wait for it. The stack needs
/// [`PLACES`](Self::PLACES) for sockets.
pub struct Sockets<'d, const N: usize> {
    sockets: [Cell<Option<TcpSocket<'d>>>; N],
    dns: DnsSocket<'d>,
}

impl<'d, const N: usize> Sockets<'d, N> {
    /// How many places [`StackResources`](embassy_net::StackResources) must have: for the connections, DNS and DHCP.
    pub const PLACES: usize = N + 2;

    /// Over `stack`, with these buffers.
    pub fn new<const TX: usize, const RX: usize>(
        stack: Stack<'d>,
        buffers: &'d mut SocketBuffers<N, TX, RX>,
    ) -> Self {
        let sockets = buffers.0.each_mut();
        let sockets = sockets.map(|(tx, rx)| Cell::new(Some(TcpSocket::new(stack, rx, tx))));
        Self { sockets, dns: DnsSocket::new(stack) }
    }

    /// A socket that nobody uses: one that is closed; or one that has said goodbye and heard it, and only waits for
    /// packets that are late; or else any.
    fn take(&self) -> Option<Socket<'_, 'd>> {
        let done = |socket: &TcpSocket<'_>| socket.state() == State::Closed;
        let heard = |socket: &TcpSocket<'_>| socket.state() == State::TimeWait;
        self.take_if(done).or_else(|| self.take_if(heard)).or_else(|| self.take_if(|_| true))
    }

    fn take_if(&self, fits: impl Fn(&TcpSocket<'_>) -> bool) -> Option<Socket<'_, 'd>> {
        self.sockets.iter().find_map(|place| {
            let socket = place.take()?;
            if fits(&socket) {
                return Some(Socket { place, socket: Some(socket) });
            }
            place.set(Some(socket));
            None
        })
    }
}

impl<'d, const N: usize> TcpConnect for Sockets<'d, N> {
    type Error = Error;
    type Connection<'a>
        = Socket<'a, 'd>
    where
        Self: 'a;

    async fn connect<'a>(&'a self, remote: SocketAddr) -> Result<Socket<'a, 'd>, Error> {
        let SocketAddr::V4(remote) = remote else { return Err(Error::ConnectionReset) };
        let mut connection = self.take().ok_or(Error::ConnectionReset)?;
        let socket = connection.socket()?;
        socket.abort();
        socket.connect(remote).await.map_err(|_| Error::ConnectionReset)?;
        Ok(connection)
    }
}

impl<const N: usize> Dns for Sockets<'_, N> {
    type Error = embassy_net::dns::Error;

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, Self::Error> {
        self.dns.get_host_by_name(host, AddrType::IPv4).await
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, Self::Error> {
        Err(embassy_net::dns::Error::Failed)
    }
}

/// A connection of [`Sockets`]. Dropping it closes it.
pub struct Socket<'a, 'd> {
    place: &'a Cell<Option<TcpSocket<'d>>>,
    socket: Option<TcpSocket<'d>>,
}

impl<'d> Socket<'_, 'd> {
    fn socket(&mut self) -> Result<&mut TcpSocket<'d>, Error> {
        self.socket.as_mut().ok_or(Error::ConnectionReset)
    }
}

impl Drop for Socket<'_, '_> {
    fn drop(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            socket.close();
            self.place.set(Some(socket));
        }
    }
}

impl ErrorType for Socket<'_, '_> {
    type Error = Error;
}

impl Read for Socket<'_, '_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.socket()?.read(buf).await
    }
}

impl Write for Socket<'_, '_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Error> {
        self.socket()?.write(buf).await
    }

    async fn flush(&mut self) -> Result<(), Error> {
        self.socket()?.flush().await
    }
}
