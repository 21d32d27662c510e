//! Where a server listens.

use core::net::{IpAddr, SocketAddr};

use embedded_nal_async::{AddrType, Dns};

use crate::event::Failure;

/// `host:port` as a socket address; a name is looked up.
pub(crate) async fn resolve(address: &str, dns: &impl Dns) -> Result<SocketAddr, Failure> {
    if let Ok(address) = address.parse() {
        return Ok(address);
    }
    let (host, port) = split(address).ok_or(Failure::Address)?;
    let ip: IpAddr =
        dns.get_host_by_name(host, AddrType::Either).await.map_err(|_| Failure::Name)?;
    Ok(SocketAddr::new(ip, port))
}

/// A name and a port. WebSockets, `ws://host:port/path`, are for clients that can't dial directly.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let is_name = !host.is_empty() && !host.contains([':', '/']);
    port.parse().ok().filter(|_| is_name).map(|port| (host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ports_are_told_apart() {
        assert_eq!(split("pkg.example.org:7000"), Some(("pkg.example.org", 7000)));
        for bad in ["", ":", ":1", "a", "a:", "a:b", "a:70000", "a:b:1", "ws://a:1/z", "[::1:1"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
