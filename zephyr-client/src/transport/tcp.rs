//! Dialling.

use std::io;

use tokio::net::TcpStream;

use super::meter::Meter;

/// Connects to `host:port`, trying each address that the name has.
pub(super) async fn dial(authority: &str) -> io::Result<Meter<TcpStream>> {
    let stream = TcpStream::connect(authority).await?;
    // Requests are small and waited for.
    stream.set_nodelay(true)?;
    Ok(Meter::new(stream))
}
