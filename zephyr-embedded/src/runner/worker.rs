//! Makes connections, one after the other, and moves their bytes. Nothing here knows what they mean.

use core::convert::Infallible;

use embassy_futures::join::join_array;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embedded_io_async::{Read, Write};
use embedded_nal_async::{Dns, TcpConnect};
use rand_core::CryptoRng;
use zephyr_core::{Connection, Dh, FRAME_PREFIX, HANDSHAKE_SIZE, Manifest, Suite};

use super::place::{Job, Link, Place, Report};
use crate::endpoint::resolve;
use crate::event::Failure;
use crate::shared::Shared;

/// A worker for each place, side by side.
pub(super) fn all<'a, N, S, R, const CONNECTIONS: usize, C>(
    places: &'a [Place<'_, C::Dh>; CONNECTIONS],
    manifest: &'a Manifest<'_>,
    shared: &'a Shared<'_, N, S, R, C>,
    wake: &'a Signal<NoopRawMutex, ()>,
) -> impl Future<Output = [Infallible; CONNECTIONS]>
where
    N: TcpConnect + Dns,
    R: CryptoRng,
    C: Suite,
{
    join_array(places.each_ref().map(|place| work(place, manifest, shared, wake)))
}

/// Works for ever. Whatever hangs is dropped as soon as the driver orders something else.
async fn work<N, S, R, C>(
    place: &Place<'_, C::Dh>,
    manifest: &Manifest<'_>,
    shared: &Shared<'_, N, S, R, C>,
    wake: &Signal<NoopRawMutex, ()>,
) -> Infallible
where
    N: TcpConnect + Dns,
    R: CryptoRng,
    C: Suite,
{
    let mut order = None;
    loop {
        let Some(job) = order else {
            order = place.orders.wait().await;
            continue;
        };
        let exchange = exchange(place, job, manifest, shared, wake);
        order = match select(place.orders.wait(), exchange).await {
            Either::First(order) => order,
            Either::Second(Err(why)) => {
                place.report.set(Some(Report::Failed(why)));
                wake.signal(());
                None
            }
            Either::Second(Ok(never)) => match never {},
        };
    }
}

async fn exchange<N, S, R, C>(
    place: &Place<'_, C::Dh>,
    job: Job,
    manifest: &Manifest<'_>,
    shared: &Shared<'_, N, S, R, C>,
    wake: &Signal<NoopRawMutex, ()>,
) -> Result<Infallible, Failure>
where
    N: TcpConnect + Dns,
    R: CryptoRng,
    C: Suite,
{
    let mut socket = dial(job, manifest, &shared.network).await?;
    {
        let mut first = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
        begin(&mut *place.link.lock().await, job, manifest, shared.ephemeral(), &mut first)?;
        send(&mut socket, &first).await?;
    }
    let mut answer = None;
    loop {
        {
            let mut link = place.link.lock().await;
            let connection = link.connection.as_mut().ok_or(Failure::Broken)?;
            if let Some(len) = answer {
                send(&mut socket, connection.seal_free(len).map_err(Failure::Link)?).await?;
            }
            while !connection.has_received() {
                match socket.read(connection.space()).await {
                    Ok(0) | Err(_) => return Err(Failure::Broken),
                    Ok(n) => connection.filled(n),
                }
            }
        }
        place.report.set(Some(Report::Received));
        wake.signal(());
        answer = place.turn.wait().await;
    }
}

async fn dial<'n, N: TcpConnect + Dns>(
    job: Job,
    manifest: &Manifest<'_>,
    network: &'n N,
) -> Result<N::Connection<'n>, Failure> {
    let server = manifest.server(job.server.role, job.server.index).ok_or(Failure::Address)?;
    let endpoint = resolve(server.client_address, network).await?;
    network.connect(endpoint).await.map_err(|_| Failure::Connect)
}

/// A new connection in the link's buffer, and its first bytes.
fn begin<D: Dh>(
    link: &mut Link<'_, D>,
    job: Job,
    manifest: &Manifest<'_>,
    ephemeral: [u8; 32],
    first: &mut [u8],
) -> Result<(), Failure> {
    let server = manifest.server(job.server.role, job.server.index).ok_or(Failure::Address)?;
    let connection = link
        .begin(|buffer| Connection::new(manifest.network(), &server.link_key, ephemeral, buffer));
    connection.start(first).map(drop).map_err(Failure::Link)
}

async fn send(socket: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    socket.write_all(bytes).await.map_err(|_| Failure::Broken)?;
    socket.flush().await.map_err(|_| Failure::Broken)
}
