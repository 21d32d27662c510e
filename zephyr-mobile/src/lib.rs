//! Zephyr for Swift and Kotlin: one object, [`ZephyrClient`], over `zephyr-client`, and a few building blocks.
//!
//! ```text
//! client      a home and its client: registration, contacts, messages, the rounds
//! listeners   what happens, told to the application
//! error       what the application can act on
//! blocks      addresses, manifests, directories, sealed messages and packets, without a client
//! ```
//!
//! 1. [`ZephyrClient::create`] a home in a network, or [`ZephyrClient::open`] one.
//! 2. [`ZephyrClient::register`], and [`ZephyrClient::confirm`] with the code that each PKG mailed.
//! 3. [`ZephyrClient::on_messages`], [`ZephyrClient::start`], [`ZephyrClient::send_text`].
//!
//! All methods may be called from any thread at any time. Those that wait are asynchronous; when the task that waits is
//! cancelled, so is the work, as far as it has not happened yet. Nothing is logged that names a user.

#![deny(missing_docs)]
#![deny(unsafe_code)] // but for what the macros of uniffi make

mod blocks;
mod client;
mod error;
mod events;
mod listeners;
mod runtime;
mod types;

pub use blocks::{
    DirectoryInfo, IdentityPoints, ManifestInfo, Peeled, ProtocolError, RoundKeys, address_mailbox,
    canonical_address, identity_points, incoming_tag, is_canonical_address, mixer_order,
    open_sealed, open_sealed_from, outgoing_tag, peel_packet, verify_delivery_list,
    verify_directory, verify_manifest, verify_mixer_announcement, verify_pkg_announcement,
    verify_signed_manifest,
};
pub use client::ZephyrClient;
pub use error::ZephyrError;
pub use events::{MissedReason, RoundEvent, ServerRole};
pub use listeners::{
    DeliveryListener, ListenerError, MessageListener, RoundListener, Subscription,
};
pub use types::{
    Contact, Content, Delivery, DeliveryUpdate, Message, NetworkInfo, OutboxEntry, PkgAnswer,
    PkgOutcome, PkgRegistration, PkgReply, RegistrationState, SentMessage,
};

/// The library's version, such as `0.1.0`.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

uniffi::setup_scaffolding!("zephyr");
