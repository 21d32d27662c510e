//! The metrics of a mailbox server's front.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use zephyr_core::ServerId;
use zephyr_machine::SharedManifest;

use super::about;
use super::page::Page;
use crate::node::Stats;

/// Where they come from.
pub(crate) struct Front {
    pub(crate) manifest: SharedManifest,
    /// The mailbox server.
    pub(crate) server: ServerId,
    pub(crate) stats: Arc<Stats>,
    /// How many clients are connected.
    pub(crate) connections: Box<dyn Fn() -> usize + Send + Sync>,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}

impl Collector for Front {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        about::server(&mut page, &self.manifest, &self.server, "mailbox-front")?;
        about::clients(&mut page, (self.connections)())?;
        about::counters(&mut page, &self.stats)
    }
}
