//! What single operations take on one core of this machine.

use std::hint::black_box;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use zephyr_core::{
    Address, DirectoryHash, FRAME_OVERHEAD, FRAME_PREFIX, Geometry, HANDSHAKE_SIZE, Hedge, Hop,
    LinkError, LinkKey, Mailbox, MasterSecret, Mixer, MixerIndex, MixerKey, NetworkId, Pairing,
    Point, Signature, Suite,
};
use zephyr_server::Native;

use crate::commands::bench::packets::cover;
use crate::exit::{Failure, Outcome};

type P = <Native as Suite>::Pairing;
type Link = zephyr_core::Link<<Native as Suite>::Dh>;

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([2; 32]);
const KIB: usize = 1_024;
/// An operation is repeated at least so long, and so often.
const LEAST: (Duration, usize) = (Duration::from_millis(40), 20);

/// Seconds on one core.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    /// A mixer peels a packet.
    pub peel: f64,
    /// A mixer makes a packet of noise and wraps it for all hops.
    pub noise: f64,
    /// A PKG makes a share.
    pub extract: f64,
    /// A PKG checks the signature under a request.
    pub verify: f64,
    /// A server's side of a link's handshake.
    pub handshake: f64,
    /// A frame of 1 KiB is sealed or opened.
    pub frame_kib: f64,
    /// A pairing with precomputed lines.
    pub pairing: f64,
}

impl Units {
    /// Measures all of them, in about a second.
    ///
    /// # Errors
    /// None that could happen: what is measured is made here.
    pub fn measure(geometry: Geometry) -> Outcome<Self> {
        let odd = || Failure::failed("the cryptography does not work on this machine");
        let address = Address::parse("somebody@example.org").map_err(|_| odd())?;
        Ok(Self {
            peel: peel(geometry).ok_or_else(odd)?,
            noise: noise(geometry).ok_or_else(odd)?,
            extract: {
                let master = MasterSecret::<P>::generate(&mut rng(), &mut hedge());
                time(|| drop(black_box(master.extract(&NETWORK, &address))))
            },
            verify: verify(),
            handshake: handshake().map_err(|_| odd())?,
            frame_kib: frame().map_err(|_| odd())?,
            pairing: {
                let generator = <P as Pairing>::G1::generator();
                let prepared = P::prepare(&<P as Pairing>::G2::hash(b"zephyr plan", b"a key"));
                time(|| drop(black_box(P::pair(&generator, &prepared))))
            },
        })
    }
}

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn hedge() -> Hedge {
    Hedge::new([3; 32], 0)
}

/// The lower quartile of many runs: what else runs on the machine only ever adds.
fn time(mut operation: impl FnMut()) -> f64 {
    let (mut times, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < LEAST.0 || times.len() < LEAST.1 {
        let start = Instant::now();
        operation();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 4].as_secs_f64()
}

/// Keys of as many mixers as a route has.
fn mixers(geometry: Geometry) -> (Vec<MixerKey>, Vec<Hop>) {
    let keys: Vec<_> =
        (0..geometry.hops()).map(|_| MixerKey::generate(&mut rng(), &mut hedge())).collect();
    let hops = keys
        .iter()
        .enumerate()
        .map(|(i, key)| Hop { mixer: MixerIndex(i as u16), key: key.public::<Native>() });
    let hops = hops.collect();
    (keys, hops)
}

fn peel(geometry: Geometry) -> Option<f64> {
    let (keys, hops) = mixers(geometry);
    let packet = cover(geometry, (&DIRECTORY, &hops), Mailbox(0), &mut rng(), &mut hedge())?;
    let mixer = Mixer::<Native>::new(geometry, DIRECTORY, keys.into_iter().next()?);
    let mut copy = packet.clone();
    Some(time(|| {
        copy.copy_from_slice(&packet);
        let _ = black_box(mixer.peel(0, &mut copy));
    }))
}

fn noise(geometry: Geometry) -> Option<f64> {
    let (hops, mut hedge) = (mixers(geometry).1, hedge());
    let mut make = || cover(geometry, (&DIRECTORY, &hops), Mailbox(0), &mut rng(), &mut hedge);
    make()?;
    Some(time(|| drop(black_box(make()))))
}

fn verify() -> f64 {
    let (seed, message) = ([5; 32], [6; 32]);
    let public = <Native as Suite>::Signature::public(&seed);
    let signature = <Native as Suite>::Signature::sign(&seed, &message);
    time(|| {
        black_box(<Native as Suite>::Signature::verify(&public, &message, &signature));
    })
}

fn link_key() -> LinkKey {
    LinkKey::new::<<Native as Suite>::Dh>(&[7; 32])
}

/// Both ends of a link to the server of `key`.
fn link(key: &LinkKey) -> Result<(Link, Link), LinkError> {
    let mut client = Link::initiator(&NETWORK, key.public(), [8; 32]);
    let mut server = Link::responder(&NETWORK, key, [9; 32]);
    let mut frame = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
    for turn in 0..3 {
        let (from, to) = match turn {
            1 => (&mut server, &mut client),
            _ => (&mut client, &mut server),
        };
        let len = from.write_handshake(&mut frame)?;
        to.read_handshake(&mut frame[FRAME_PREFIX..len])?;
    }
    Ok((client, server))
}

/// Both ends do the same multiplications.
fn handshake() -> Result<f64, LinkError> {
    let key = link_key();
    link(&key)?;
    Ok(time(|| drop(black_box(link(&key)))) / 2.0)
}

fn frame() -> Result<f64, LinkError> {
    let (mut client, _server) = link(&link_key())?;
    let (message, mut out) = ([0; KIB], [0; KIB + FRAME_OVERHEAD]);
    client.seal(&message, &mut out)?;
    Ok(time(|| {
        let _ = black_box(client.seal(&message, &mut out));
    }))
}
