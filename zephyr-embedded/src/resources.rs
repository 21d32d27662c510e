//! The memory of a client, and how it begins.

use core::cell::RefCell;
use core::marker::PhantomData;
use core::pin::pin;

use embassy_sync::mutex::Mutex;
use embassy_sync::rwlock::RwLock;
use embassy_sync::signal::Signal;
use embedded_nal_async::{Dns, TcpConnect};
use rand_core::CryptoRng;
use zephyr_core::session::{Contact, ROUNDS_IN_FLIGHT, TagEntry};
use zephyr_core::{Manifest, SignedManifest, Standard, Suite};

use crate::account::Account;
use crate::apart::apart;
use crate::client::Client;
use crate::error::Error;
use crate::home::Home;
use crate::manifests::{Manifests, Place};
use crate::runner::{Lent, Runner, fits};
use crate::shared::{Clock, Events, Shared};
use crate::storage::Storage;

/// All memory of a client. Put it into a static, such as a `StaticCell`, and lend it to [`new`].
///
/// | parameter | is | for three mixers and a `payload_len` of 256 |
/// | --- | --- | --- |
/// | `N`, `S`, `R` | network, [`Storage`], random numbers | |
/// | `CONTACTS` | the most contacts | 8 |
/// | `CONNECTIONS` | the most connections at once, registrations not counted | 3 |
/// | `SLOTS` | `packets_per_round` of the network, or more | 1 |
/// | `PACKET` | [`packet_len`](zephyr_core::Geometry::packet_len) of the network, or more | 598 |
/// | `FRAME` | the buffer of a connection: 18 bytes more than the longest message of a server, a round's directory or a signed manifest | 2,048 |
/// | `MANIFEST` | the longest signed manifest, of which two are kept; 0 for a network whose servers never change | 2,030 |
/// | `C` | the cryptography | [`Standard`] |
pub struct Resources<
    'a,
    N,
    S,
    R,
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite = Standard,
> {
    packets: [[u8; PACKET]; SLOTS],
    body: [u8; PACKET],
    contacts: [Option<Contact<C::Pairing>>; CONTACTS],
    tags: [[[TagEntry; CONTACTS]; SLOTS]; ROUNDS_IN_FLIGHT],
    frames: [[u8; FRAME]; CONNECTIONS],
    manifests: [Place<[u8; MANIFEST]>; 2],
    shared: Option<Shared<'a, N, S, R, CONTACTS, C>>,
}

impl<
    N,
    S,
    R,
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite,
> Resources<'_, N, S, R, CONTACTS, CONNECTIONS, SLOTS, PACKET, FRAME, MANIFEST, C>
{
    /// Memory that nothing is in yet.
    pub const fn new() -> Self {
        Self {
            packets: [[0; PACKET]; SLOTS],
            body: [0; PACKET],
            contacts: [const { None }; CONTACTS],
            tags: [[[TagEntry::EMPTY; CONTACTS]; SLOTS]; ROUNDS_IN_FLIGHT],
            frames: [[0; FRAME]; CONNECTIONS],
            manifests: [const { RwLock::new([0; MANIFEST]) }; 2],
            shared: None,
        }
    }
}

impl<
    N,
    S,
    R,
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite,
> Default for Resources<'_, N, S, R, CONTACTS, CONNECTIONS, SLOTS, PACKET, FRAME, MANIFEST, C>
{
    fn default() -> Self {
        Self::new()
    }
}

/// What a client is to be.
pub struct Config {
    /// Whose client it is.
    pub account: Account,
    /// The network, as `zephyr network export` writes it.
    pub manifest: &'static [u8],
    /// Whether messages of people who are no contacts are left unopened: saves a pairing a message.
    pub contacts_only: bool,
    /// Whether the PKGs' proofs of knowledge are verified here too. The directory's mixers have all done so; a
    /// microcontroller may rely on one of them being honest.
    pub verify_proofs: bool,
}

/// Opens what `storage` holds, and gives the handle and the runner of a client. Nothing happens unless
/// [`Runner::run`] is polled: spawn it.
///
/// # Errors
/// If the storage can't be used or belongs to another network, the manifest is none, or there is too little room for it.
pub async fn new<
    'a,
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite,
>(
    resources: &'a mut Resources<
        'a,
        N,
        S,
        R,
        CONTACTS,
        CONNECTIONS,
        SLOTS,
        PACKET,
        FRAME,
        MANIFEST,
        C,
    >,
    config: Config,
    network: N,
    storage: S,
    rng: R,
) -> Result<
    (Client<'a, N, S, R, CONTACTS, C>, Runner<'a, N, S, R, CONTACTS, CONNECTIONS, C>),
    Error<S::Error>,
> {
    let Resources { packets, body, contacts, tags, frames, manifests, shared } = resources;
    let firmware = Manifest::parse(config.manifest).map_err(Error::Manifest)?;
    let lent = Lent {
        packets: packets.as_flattened_mut(),
        body,
        contacts,
        tags: tags.as_flattened_mut().as_flattened_mut(),
        frames: frames.each_mut().map(|frame| &mut frame[..]),
    };
    let sizes = lent.sizes(SLOTS, PACKET);
    fits(&firmware, &sizes).map_err(|(what, needed, given)| Error::TooSmall {
        what,
        needed,
        given,
    })?;

    let manifests: &'a [Place<[u8; MANIFEST]>; 2] = manifests;
    let Config { account, contacts_only, verify_proofs, .. } = config;
    let parts = (network, storage, rng);
    let shared = apart(pin!(open(shared, account, &firmware, manifests, parts))).await?;
    let runner = Runner::new(shared, lent, sizes, contacts_only, verify_proofs);
    Ok((Client::new(shared), runner))
}

/// Opens the home and puts it where handle and runner share it.
async fn open<'a, 's, N, S: Storage, R, const CONTACTS: usize, const MANIFEST: usize, C: Suite>(
    shared: &'s mut Option<Shared<'a, N, S, R, CONTACTS, C>>,
    account: Account,
    firmware: &Manifest<'static>,
    manifests: &'a [Place<[u8; MANIFEST]>; 2],
    (network, storage, rng): (N, S, R),
) -> Result<&'s Shared<'a, N, S, R, CONTACTS, C>, Error<S::Error>> {
    let mut home = apart(pin!(Home::open(storage, account, firmware))).await?;
    let known = Manifests::new(firmware, [&manifests[0], &manifests[1]]);
    load_versions(&mut home, &known, firmware, manifests).await?;
    Ok(shared.insert(Shared {
        clock: Clock::new(home.clock()),
        home: Mutex::new(home),
        network,
        rng: RefCell::new(rng),
        manifests: known,
        events: Events::new(),
        contacts: Signal::new(),
        arrived: Signal::new(),
        suite: PhantomData,
    }))
}

/// Reads the versions that were learnt before. They were verified before they were written down.
async fn load_versions<S: Storage, const CONTACTS: usize, const MANIFEST: usize>(
    home: &mut Home<S, CONTACTS>,
    known: &Manifests<'_>,
    firmware: &Manifest<'_>,
    places: &[Place<[u8; MANIFEST]>; 2],
) -> Result<(), Error<S::Error>> {
    for (parity, place) in places.iter().enumerate() {
        let mut buffer = place.write().await;
        let Some(len) = home.version(parity as u32, &mut buffer[..]).await? else { continue };
        let signed = buffer.get(..len).ok_or(Error::Damaged)?;
        let signed = SignedManifest::parse(signed).map_err(|_| Error::Damaged)?;
        if signed.manifest().network() != firmware.network() {
            return Err(Error::OtherNetwork);
        }
        known.remember(&signed);
    }
    Ok(())
}
