//! The versions of the manifest that a client keeps: the one in effect and the one behind it.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::rwlock::{RwLock, RwLockReadGuard};
use zephyr_core::{Manifest, Round, SignedManifest};

/// Room for a signed manifest.
type Place<'a> = RwLock<NoopRawMutex, &'a mut [u8]>;

/// Where a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// With the firmware.
    Firmware,
    /// In RAM, by the version's parity.
    Kept(usize),
}

/// A version of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    source: Source,
    pub(crate) number: u32,
    pub(crate) from: Round,
}

/// The versions that are known. A later one is written to the place that the one in effect is not in, so two are enough.
pub(crate) struct Manifests<'a> {
    firmware: &'a [u8],
    of_firmware: Version,
    places: [Place<'a>; 2],
    kept: [Cell<Option<Kept>>; 2],
    current: Cell<Version>,
}

#[derive(Clone, Copy)]
struct Kept {
    len: usize,
    version: Version,
}

impl<'a> Manifests<'a> {
    /// The firmware's manifest alone.
    pub(crate) fn new(firmware: &Manifest<'a>, places: [&'a mut [u8]; 2]) -> Self {
        let (number, from) = (firmware.version(), firmware.from_round());
        let of_firmware = Version { source: Source::Firmware, number, from };
        Self {
            firmware: firmware.as_bytes(),
            of_firmware,
            places: places.map(RwLock::new),
            kept: [Cell::new(None), Cell::new(None)],
            current: Cell::new(of_firmware),
        }
    }

    /// Where signed manifests with this parity are kept.
    pub(crate) fn place(&self, parity: usize) -> &Place<'a> {
        &self.places[parity]
    }

    /// Of how many bytes a signed manifest can be kept.
    pub(crate) fn room(&self) -> usize {
        self.places[0].try_read().map_or(0, |place| place.len())
    }

    /// Keeps a signed manifest that was verified.
    pub(crate) async fn keep(&self, signed: &SignedManifest<'_>) {
        let place = parity(signed.manifest().version());
        let len = signed.as_bytes().len();
        self.places[place].write().await[..len].copy_from_slice(signed.as_bytes());
        self.remember(signed);
    }

    /// The signed manifest stands in its place.
    pub(crate) fn remember(&self, signed: &SignedManifest<'_>) {
        let (number, from) = (signed.manifest().version(), signed.manifest().from_round());
        let place = parity(number);
        let version = Version { source: Source::Kept(place), number, from };
        self.kept[place].set(Some(Kept { len: signed.as_bytes().len(), version }));
    }

    /// The newest version, and the one in effect before it if that is still known.
    pub(crate) fn newest(&self) -> Version {
        self.known().max_by_key(|version| version.number).unwrap_or(self.current.get())
    }

    /// The version to take part in `round` with.
    pub(crate) fn at(&self, round: Round) -> Version {
        let newest = self.newest();
        let before = self.known().find(|version| version.number + 1 == newest.number);
        before.filter(|_| round < newest.from).unwrap_or(newest)
    }

    fn known(&self) -> impl Iterator<Item = Version> {
        let kept = self.kept.iter().filter_map(|kept| kept.get().map(|kept| kept.version));
        kept.chain([self.of_firmware])
    }

    /// From now on `version` is in effect.
    pub(crate) async fn enter(&self, version: Version) -> Bytes<'_, 'a> {
        self.current.set(version);
        self.bytes(version).await
    }

    /// The version's bytes; while they are held it stays.
    async fn bytes(&self, version: Version) -> Bytes<'_, 'a> {
        match version.source {
            Source::Firmware => Bytes::Firmware(self.firmware),
            Source::Kept(place) => {
                let len = self.kept[place].get().map_or(0, |kept| kept.len);
                Bytes::Kept(self.places[place].read().await, len)
            }
        }
    }

    /// The bytes of the version in effect.
    pub(crate) async fn current(&self) -> Bytes<'_, 'a> {
        self.bytes(self.current.get()).await
    }
}

/// A version's bytes.
pub(crate) enum Bytes<'b, 'a> {
    Firmware(&'b [u8]),
    Kept(RwLockReadGuard<'b, NoopRawMutex, &'a mut [u8]>, usize),
}

impl Bytes<'_, '_> {
    pub(crate) fn manifest(&self) -> Manifest<'_> {
        const CHECKED: &str = "the bytes were checked when they came in";
        match self {
            Self::Firmware(bytes) => Manifest::parse(bytes).expect(CHECKED),
            Self::Kept(bytes, len) => {
                SignedManifest::parse(&bytes[..*len]).expect(CHECKED).manifest().clone()
            }
        }
    }
}

/// Which of the two places a version is kept in.
pub(crate) fn parity(version: u32) -> usize {
    version as usize % 2
}
