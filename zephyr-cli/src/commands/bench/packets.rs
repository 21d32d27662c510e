//! Packets made ahead, as clients make their cover.

use std::num::NonZero;
use std::thread;

use getrandom::SysRng;
use rand_core::UnwrapErr;
use zephyr_core::{
    Cover, Directory, DirectoryHash, Geometry, Hedge, Hop, Mailbox, Manifest, MixerIndex, Suite,
    Wrap, wrap,
};
use zephyr_server::Native;

use crate::exit::{Failure, Outcome};
use crate::files;

type Pairing = <Native as Suite>::Pairing;

/// A packet, and which mixer takes it from clients.
pub struct Packet {
    pub entry: MixerIndex,
    pub bytes: Vec<u8>,
}

/// On how many cores this program runs.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does something on all cores at once; each is told its number and how many there are.
pub fn on_all_cores<T: Send>(work: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let (cores, work) = (cores(), &work);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..cores).map(|core| scope.spawn(move || work(core, cores))).collect();
        threads.into_iter().map(|t| t.join().expect("the work does not panic")).collect()
    })
}

/// `count` packets with cover to all mailboxes in turn, on routes of the round.
///
/// # Errors
/// If the directory has no routes, or a mixer's key is no key.
pub fn for_round(manifest: &Manifest<'_>, directory: &[u8], count: usize) -> Outcome<Vec<Packet>> {
    let unusable = || Failure::failed("the round's directory can't be used");
    let directory = Directory::parse(directory).map_err(|_| unusable())?;
    let (hash, parameters) = (directory.hash(), *manifest.parameters());
    let routes = directory.routes(manifest).ok_or_else(unusable)?;
    let secret = files::new_seed()?;
    let parts = on_all_cores(|core, cores| {
        let mut rng = UnwrapErr(SysRng);
        let mut hedge = Hedge::new(*secret, (core as u64) << 40);
        let mut packets = Vec::with_capacity(count / cores + 1);
        for number in (core..count).step_by(cores) {
            let route = routes.pick(&mut rng);
            let hops: Option<Vec<Hop>> = route.iter().map(|mixer| directory.hop(*mixer)).collect();
            let mailbox = Mailbox(number as u32 % parameters.mailboxes);
            let bytes = cover(parameters.geometry, (&hash, &hops?), mailbox, &mut rng, &mut hedge)?;
            packets.push(Packet { entry: *route.first()?, bytes });
        }
        Some(packets)
    });
    let parts: Option<Vec<_>> = parts.into_iter().collect();
    Ok(parts.ok_or_else(unusable)?.into_iter().flatten().collect())
}

/// A cover message in a packet over these hops.
pub fn cover(
    geometry: Geometry,
    (directory, route): (&DirectoryHash, &[Hop]),
    mailbox: Mailbox,
    rng: &mut UnwrapErr<SysRng>,
    hedge: &mut Hedge,
) -> Option<Vec<u8>> {
    let mut sealed = vec![0; geometry.sealed_len()];
    Cover::fill::<Pairing>(&mut sealed, rng);
    let mut packet = vec![0; geometry.packet_len()];
    wrap::<Native>(Wrap { geometry, directory, route, mailbox }, &sealed, &mut packet, rng, hedge)?;
    Some(packet)
}
