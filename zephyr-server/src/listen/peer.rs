//! Who is at the other end, as far as a server may know.

use std::fmt;
use std::net::IpAddr;

/// The peer of a connection. Its address is not in `Debug`, so that it doesn't get into logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PeerInfo {
    /// Where it connects from.
    pub ip: IpAddr,
    /// What signatures on this connection are bound to: the same on both ends, and on no other connection.
    pub handshake_hash: [u8; 32],
}

/// What one subscriber of an internet provider can be taken to own: one IPv4 address, or 64 bits of IPv6 addresses.
/// A key for rate limits, without a way back to the text of an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(Bits);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Bits {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl PeerInfo {
    /// The key to count this peer's requests under.
    pub fn prefix(&self) -> Prefix {
        Prefix::of(self.ip)
    }
}

impl Prefix {
    /// The prefix of an address. An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V4(ip) => Bits::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Bits::V6([a, b, c, d, e, f, g, h])
            }
        })
    }
}

impl fmt::Debug for PeerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerInfo { .. }")
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prefix(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(ip: &str) -> Prefix {
        Prefix::of(ip.parse().unwrap())
    }

    #[test]
    fn a_prefix_is_an_ipv4_address_or_half_an_ipv6_address() {
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.2.2"));
        assert_eq!(prefix("192.0.2.1"), prefix("::ffff:192.0.2.1"));
        assert_eq!(prefix("2001:db8:0:1::1"), prefix("2001:db8:0:1:ffff::"));
        assert_ne!(prefix("2001:db8:0:1::1"), prefix("2001:db8:0:2::1"));
    }

    #[test]
    fn addresses_are_not_in_debug() {
        let peer = PeerInfo { ip: "192.0.2.1".parse().unwrap(), handshake_hash: [0; 32] };
        assert!(!format!("{peer:?} {:?}", peer.prefix()).contains("192"));
    }
}
