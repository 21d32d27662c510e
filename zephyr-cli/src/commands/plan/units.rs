//! What single operations take on one core of this machine.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use zephyr_core::{
    Address, ClientKey, DirectoryHash, FRAME_OVERHEAD, FRAME_PREFIX, Geometry, HANDSHAKE_SIZE,
    Hedge, Hop, LinkError, LinkKey, Mailbox, MasterSecret, Mixer, MixerIndex, MixerKey, NetworkId,
    Pairing, Point, Signature, Suite,
};
use zephyr_machine::pkg::Registration;
use zephyr_server::Native;
use zephyr_server::store::{Registrations, SqliteRegistrations};

use crate::clock;
use crate::commands::bench::packets::cover;
use crate::exit::{Failure, Outcome};
use crate::server_config::sqlite_url;

type P = <Native as Suite>::Pairing;
type Link = zephyr_core::Link<<Native as Suite>::Dh>;

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([2; 32]);
const KIB: usize = 1_024;
/// What goes each way in a connection: two for the handshake, and a request or its answer.
const MESSAGES: usize = 3;
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
    /// The operating system's part of a connection, at a server.
    pub connection: f64,
    /// A PKG looks an address up in its database.
    pub look_up: f64,
    /// A frame of 1 KiB is sealed or opened.
    pub frame_kib: f64,
    /// A pairing with precomputed lines.
    pub pairing: f64,
}

impl Units {
    /// Measures all of them, in about a second.
    ///
    /// # Errors
    /// When this machine has no loopback interface, or no room for a small file.
    pub async fn measure(geometry: Geometry) -> Outcome<Self> {
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
            connection: connection().map_err(Failure::failed)?,
            look_up: look_up(&address).await?,
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

/// What an operation took, time after time.
struct Times {
    begun: Instant,
    times: Vec<Duration>,
}

impl Times {
    fn begin() -> Self {
        Self { begun: Instant::now(), times: Vec::new() }
    }

    fn are_too_few(&self) -> bool {
        self.begun.elapsed() < LEAST.0 || self.times.len() < LEAST.1
    }

    fn add_since(&mut self, start: Instant) {
        self.times.push(start.elapsed());
    }

    /// The lower quartile: what else runs on the machine only ever adds.
    fn typical(mut self) -> f64 {
        self.times.sort_unstable();
        self.times[self.times.len() / 4].as_secs_f64()
    }
}

/// What an operation takes that can't fail.
fn time(mut operation: impl FnMut()) -> f64 {
    let mut times = Times::begin();
    while times.are_too_few() {
        let start = Instant::now();
        operation();
        times.add_since(start);
    }
    times.typical()
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

/// One thread is both ends, which do the same.
fn connection() -> std::io::Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (mut message, mut times) = ([0; 64], Times::begin());
    while times.are_too_few() {
        let start = Instant::now();
        let mut client = TcpStream::connect(address)?;
        let (mut server, _) = listener.accept()?;
        for _ in 0..MESSAGES {
            client.write_all(&message)?;
            server.read_exact(&mut message)?;
            server.write_all(&message)?;
            client.read_exact(&mut message)?;
        }
        drop((client, server));
        times.add_since(start);
    }
    Ok(times.typical() / 2.0)
}

async fn look_up(address: &Address) -> Outcome<f64> {
    let folder = tempfile::tempdir().map_err(Failure::failed)?;
    let file = folder.path().join("pkg.db");
    let store = SqliteRegistrations::open(&sqlite_url(&file)).await.map_err(Failure::failed)?;
    let registration = Registration::new(ClientKey::from_bytes([4; 32]), clock::now());
    store.put(address, &registration).await.map_err(Failure::failed)?;
    let mut times = Times::begin();
    while times.are_too_few() {
        let start = Instant::now();
        black_box(store.load(address).await.map_err(Failure::failed)?);
        times.add_since(start);
    }
    store.close().await;
    Ok(times.typical())
}

fn frame() -> Result<f64, LinkError> {
    let (mut client, _server) = link(&link_key())?;
    let (message, mut out) = ([0; KIB], [0; KIB + FRAME_OVERHEAD]);
    client.seal(&message, &mut out)?;
    Ok(time(|| {
        let _ = black_box(client.seal(&message, &mut out));
    }))
}
