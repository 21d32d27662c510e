//! The addresses of servers, as the manifest writes them.

/// Where and how a server is reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// `host:port`
    Tcp(&'a str),
    /// `ws://host:port/path`: where to dial, and the URL to ask for.
    WebSocket { authority: String, url: &'a str },
}

/// Why a text is not a server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Something like `http://`, or `wss://`, which would encrypt twice.
    #[error("the server's address has an unknown scheme: write host:port or ws://host:port/path")]
    Scheme,
    /// There is no port, or no host in front of it.
    #[error("the server's address has no host or no port: write host:port or ws://host:port/path")]
    Port,
}

impl<'a> Target<'a> {
    pub fn parse(address: &'a str) -> Result<Self, AddressError> {
        if let Some(rest) = address.strip_prefix("ws://") {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            let authority =
                if has_port(authority) { authority.to_owned() } else { format!("{authority}:80") };
            check(&authority)?;
            return Ok(Self::WebSocket { authority, url: address });
        }
        if address.contains("://") {
            return Err(AddressError::Scheme);
        }
        check(address)?;
        Ok(Self::Tcp(address))
    }
}

fn check(authority: &str) -> Result<(), AddressError> {
    let (host, port) = authority.rsplit_once(':').ok_or(AddressError::Port)?;
    let fine = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0);
    if fine { Ok(()) } else { Err(AddressError::Port) }
}

/// An IPv6 address in brackets has colons without having a port.
fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_tcp_or_websocket() {
        assert_eq!(Target::parse("a.example:7000"), Ok(Target::Tcp("a.example:7000")));
        assert_eq!(Target::parse("[::1]:7000"), Ok(Target::Tcp("[::1]:7000")));
        for (url, dial) in [
            ("ws://a.example:7000/zephyr", "a.example:7000"),
            ("ws://a.example", "a.example:80"),
            ("ws://[::1]/x", "[::1]:80"),
            ("ws://[::1]:7000?x", "[::1]:7000"),
        ] {
            let target = Target::WebSocket { authority: dial.to_owned(), url };
            assert_eq!(Target::parse(url), Ok(target));
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in ["", "a.example", ":7000", "a:0", "a:x", "a:70000", "ws://", "ws://:80/"] {
            assert_eq!(Target::parse(text), Err(AddressError::Port), "{text}");
        }
        assert_eq!(Target::parse("wss://a.example:7000"), Err(AddressError::Scheme));
        assert_eq!(Target::parse("http://a.example:7000"), Err(AddressError::Scheme));
    }
}
