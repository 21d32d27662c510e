//! The way to servers on the host.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_nal_async::{AddrType, Dns, TcpConnect};

/// Where QEMU's user network shows the host's loopback.
const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2));

/// A network in which 127.0.0.0/8 is the host's loopback and not the machine's own, so that a manifest whose servers
/// listen there holds inside QEMU too.
pub struct HostLoopback<N>(pub N);

fn seen_from_inside(address: IpAddr) -> IpAddr {
    if address.is_loopback() { GATEWAY } else { address }
}

impl<N: TcpConnect> TcpConnect for HostLoopback<N> {
    type Error = N::Error;
    type Connection<'a>
        = N::Connection<'a>
    where
        Self: 'a;

    async fn connect<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Result<Self::Connection<'a>, Self::Error> {
        self.0.connect(SocketAddr::new(seen_from_inside(remote.ip()), remote.port())).await
    }
}

impl<N: Dns> Dns for HostLoopback<N> {
    type Error = N::Error;

    async fn get_host_by_name(
        &self,
        host: &str,
        addr_type: AddrType,
    ) -> Result<IpAddr, Self::Error> {
        self.0.get_host_by_name(host, addr_type).await
    }

    async fn get_host_by_address(
        &self,
        addr: IpAddr,
        result: &mut [u8],
    ) -> Result<usize, Self::Error> {
        self.0.get_host_by_address(addr, result).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_loopback_is_the_gateway() {
        assert_eq!(seen_from_inside("127.0.0.1".parse().unwrap()), GATEWAY);
        assert_eq!(seen_from_inside("127.9.9.9".parse().unwrap()), GATEWAY);
        let elsewhere = "192.0.2.7".parse().unwrap();
        assert_eq!(seen_from_inside(elsewhere), elsewhere);
    }
}
