//! Names for the things that are numbered or hashed.

use core::fmt;

macro_rules! hash_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub struct $name([u8; 32]);

        impl $name {
            /// From its 32 bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}

hash_id! {
    /// The network: hash of its manifest's version 0.
    NetworkId;
    /// A manifest, whichever its version.
    ManifestHash;
    /// A round's directory: all that belongs to a round is bound to it.
    DirectoryHash;
    /// A server's public Ed25519 key, which the manifest lists.
    ServerId;
    /// A client's public Ed25519 key at one PKG.
    ClientKey;
}

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident: $repr:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number! {
    /// A round's number: how many round lengths lie between the network's genesis and its submit phase.
    Round: u64;
    /// A mixer's place among the manifest's mixers.
    MixerIndex: u16;
    /// A PKG's place among the manifest's PKGs.
    PkgIndex: u16;
    /// A mailbox's number.
    Mailbox: u32;
    /// A point in time: milliseconds since the Unix epoch.
    UnixMs: u64;
}

impl UnixMs {
    /// This time and `ms` milliseconds.
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time, 0 if it is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
