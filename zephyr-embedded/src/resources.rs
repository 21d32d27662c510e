//! The memory of a client, and how it begins.

use embedded_nal_async::{Dns, TcpConnect};
use heapless::Vec;
use rand_core::CryptoRng;
use zephyr_core::session::{self, ROUNDS_IN_FLIGHT, TagEntry};
use zephyr_core::{Hop, Manifest, SignedManifest, Standard, Suite};

use crate::account::Account;
use crate::apart;
use crate::client::Client;
use crate::error::Error;
use crate::home::{self, Home};
use crate::manifests::Manifests;
use crate::runner::{Lent, Runner, Settings, fits};
use crate::shared::Shared;
use crate::storage::Storage;

/// How many messages that arrive in a round can wait to be opened; more are sent again in later rounds. A packet is longer
/// than the message in it and what is noted with it.
const HELD: usize = 2;

/// The large memory of a client. Put it into a static, such as a `ConstStaticCell`, and lend it to [`new`].
///
/// | parameter | is | for three mixers and a `payload_len` of 256 |
/// | --- | --- | --- |
/// | `CONTACTS` | the most contacts | 8 |
/// | `CONNECTIONS` | the most connections at once, registrations not counted | 3 |
/// | `MIXERS` | the most mixers of the network | 3 |
/// | `SLOTS` | `packets_per_round` of the network, or more | 1 |
/// | `PACKET` | [`packet_len`](zephyr_core::Geometry::packet_len) of the network, or more | 598 |
/// | `FRAME` | the buffer of a connection: 18 bytes more than the longest message of a server, a round's directory or a signed manifest | 2,048 |
/// | `MANIFEST` | the longest signed manifest, of which two are kept; 0 for a network whose servers never change | 2,030 |
/// | `C` | the cryptography | [`Standard`] |
pub struct Resources<
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const MIXERS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite = Standard,
> {
    packets: [[u8; PACKET]; SLOTS],
    body: [u8; PACKET],
    // Vectors, since an empty one is all zeros, and a `None` need not be: a static of zeros takes no flash and no stack.
    contacts: Vec<Option<session::Contact<C::Pairing>>, CONTACTS>,
    conversations: Vec<Option<home::Contact>, CONTACTS>,
    exchanges: Vec<Option<session::Exchange>, CONNECTIONS>,
    tags: [[[TagEntry; CONTACTS]; SLOTS]; ROUNDS_IN_FLIGHT],
    held: [[u8; PACKET]; HELD],
    hops: [Hop; MIXERS],
    frames: [[u8; FRAME]; CONNECTIONS],
    manifests: [[u8; MANIFEST]; 2],
}

impl<
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const MIXERS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite,
> Resources<CONTACTS, CONNECTIONS, MIXERS, SLOTS, PACKET, FRAME, MANIFEST, C>
{
    /// Memory that nothing is in yet: zeros.
    pub const fn new() -> Self {
        Self {
            packets: [[0; PACKET]; SLOTS],
            body: [0; PACKET],
            contacts: Vec::new(),
            conversations: Vec::new(),
            exchanges: Vec::new(),
            tags: [[[TagEntry::EMPTY; CONTACTS]; SLOTS]; ROUNDS_IN_FLIGHT],
            held: [[0; PACKET]; HELD],
            hops: [Hop::EMPTY; MIXERS],
            frames: [[0; FRAME]; CONNECTIONS],
            manifests: [[0; MANIFEST]; 2],
        }
    }
}

impl<
    const CONTACTS: usize,
    const CONNECTIONS: usize,
    const MIXERS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite,
> Default for Resources<CONTACTS, CONNECTIONS, MIXERS, SLOTS, PACKET, FRAME, MANIFEST, C>
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

/// A client that is open: what its handle and its runner share.
pub struct Device<'a, N, S, R, const CONNECTIONS: usize, C: Suite> {
    shared: Shared<'a, N, S, R, C>,
    lent: Lent<'a, CONNECTIONS, C>,
    settings: Settings,
}

impl<'a, N, S, R, const CONNECTIONS: usize, C> Device<'a, N, S, R, CONNECTIONS, C>
where
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
    C: Suite,
{
    /// The handle and the runner. Nothing happens unless [`Runner::run`] is polled: spawn it.
    #[expect(clippy::type_complexity, reason = "two types, each with what the application brings")]
    pub fn split(&'a mut self) -> (Client<'a, N, S, R, C>, Runner<'a, N, S, R, CONNECTIONS, C>) {
        let Self { shared, lent, settings } = self;
        (Client::new(shared), Runner::new(shared, lent, *settings))
    }
}

/// Opens what `storage` holds.
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
    const MIXERS: usize,
    const SLOTS: usize,
    const PACKET: usize,
    const FRAME: usize,
    const MANIFEST: usize,
    C: Suite,
>(
    resources: &'a mut Resources<CONTACTS, CONNECTIONS, MIXERS, SLOTS, PACKET, FRAME, MANIFEST, C>,
    config: Config,
    network: N,
    storage: S,
    rng: R,
) -> Result<Device<'a, N, S, R, CONNECTIONS, C>, Error<S::Error>> {
    let Resources {
        packets,
        body,
        contacts,
        conversations,
        exchanges,
        tags,
        held,
        hops,
        frames,
        manifests,
    } = resources;
    let firmware = Manifest::parse(config.manifest).map_err(Error::Manifest)?;
    let lent = Lent {
        packets: packets.as_flattened_mut(),
        body,
        contacts: places(contacts),
        exchanges: places(exchanges),
        tags: tags.as_flattened_mut().as_flattened_mut(),
        held: held.as_flattened_mut(),
        hops,
        frames: frames.each_mut().map(|frame| &mut frame[..]),
    };
    let sizes = lent.sizes(SLOTS, PACKET);
    fits(&firmware, &sizes).map_err(|(what, needed, given)| Error::TooSmall {
        what,
        needed,
        given,
    })?;

    let Config { account, contacts_only, verify_proofs, .. } = config;
    let settings = Settings { sizes, contacts_only, verify_proofs };
    let payload_len = firmware.parameters().geometry.payload_len();
    let (conversations, network_id) = (places(conversations), firmware.network());
    let mut home =
        apart!(Home::open(storage, account, conversations, network_id, payload_len)).await?;
    let manifests = manifests.each_mut().map(|place| &mut place[..]);
    let manifests = load_versions(&mut home, &firmware, manifests).await?;
    Ok(Device { shared: Shared::new(home, network, rng, manifests), lent, settings })
}

/// As many free places as there is room for.
fn places<T, const N: usize>(room: &mut Vec<Option<T>, N>) -> &mut [Option<T>] {
    room.clear();
    while room.push(None).is_ok() {}
    room
}

/// Reads the versions that were learnt before. They were verified before they were written down.
async fn load_versions<'a, S: Storage>(
    home: &mut Home<'_, S>,
    firmware: &Manifest<'a>,
    places: [&'a mut [u8]; 2],
) -> Result<Manifests<'a>, Error<S::Error>> {
    let known = Manifests::new(firmware, places);
    for parity in [0, 1] {
        let mut place = known.place(parity).write().await;
        let Some(len) = home.version(parity as u32, &mut place).await? else { continue };
        let signed = place.get(..len).ok_or(Error::Damaged)?;
        let signed = SignedManifest::parse(signed).map_err(|_| Error::Damaged)?;
        if signed.manifest().network() != firmware.network() {
            return Err(Error::OtherNetwork);
        }
        known.remember(&signed);
    }
    Ok(known)
}
