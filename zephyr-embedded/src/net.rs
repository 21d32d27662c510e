//! The network through embassy-net.

use core::net::{IpAddr, SocketAddr};

use embassy_net::Stack;
use embassy_net::dns::DnsSocket;
use embassy_net::tcp::client::{TcpClient, TcpClientState, TcpConnection};
use embedded_nal_async::{AddrType, Dns, TcpConnect};

/// TCP over IPv4 and DNS of an embassy-net stack.
///
/// `N` sockets at once, with buffers of `TX` and `RX` bytes: one for each of the client's connections, and one for
/// registrations. The stack needs [`SOCKETS`](Self::SOCKETS) places for sockets.
pub struct Sockets<'d, const N: usize, const TX: usize = 1024, const RX: usize = 1024> {
    tcp: TcpClient<'d, N, TX, RX>,
    dns: DnsSocket<'d>,
}

impl<'d, const N: usize, const TX: usize, const RX: usize> Sockets<'d, N, TX, RX> {
    /// How many places [`StackResources`](embassy_net::StackResources) must have: for the connections, DNS and DHCP.
    pub const SOCKETS: usize = N + 2;

    /// Over `stack`, with the buffers in `state`.
    pub fn new(stack: Stack<'d>, state: &'d TcpClientState<N, TX, RX>) -> Self {
        Self { tcp: TcpClient::new(stack, state), dns: DnsSocket::new(stack) }
    }
}

impl<'d, const N: usize, const TX: usize, const RX: usize> TcpConnect for Sockets<'d, N, TX, RX> {
    type Error = embassy_net::tcp::Error;
    type Connection<'a>
        = TcpConnection<'a, N, TX, RX>
    where
        Self: 'a;

    async fn connect<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Result<Self::Connection<'a>, Self::Error> {
        // Without IPv6 in it embassy-net would panic.
        if remote.is_ipv6() {
            return Err(embassy_net::tcp::Error::ConnectionReset);
        }
        self.tcp.connect(remote).await
    }
}

impl<const N: usize, const TX: usize, const RX: usize> Dns for Sockets<'_, N, TX, RX> {
    type Error = embassy_net::dns::Error;

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, Self::Error> {
        self.dns.get_host_by_name(host, AddrType::IPv4).await
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, Self::Error> {
        Err(embassy_net::dns::Error::Failed)
    }
}
