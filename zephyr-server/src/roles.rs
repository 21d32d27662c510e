//! The servers' roles: wiring of rules, network, clients and storage.

pub(crate) mod info;
pub(crate) mod mailbox;
pub(crate) mod mixer;
pub(crate) mod pkg;
