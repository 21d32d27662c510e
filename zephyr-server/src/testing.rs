//! A network on paper, for unit tests: a manifest, directories, deliveries.

#[path = "../../zephyr-machine/src/testing.rs"]
mod paper;
pub(crate) mod postgres;

use std::collections::BTreeMap;

use zephyr_core::{Mailbox, MixerIndex, Role};
use zephyr_machine::batch::Batch;
use zephyr_machine::delivery::Delivery;

use crate::node::Native;

pub(crate) use paper::{Paper, hash, id};

impl Paper {
    /// What `mixer` delivers to the mailbox server 0, whose mailboxes are 0 and 2: `counts` messages to them.
    pub(crate) fn delivery(&self, directory: &[u8], mixer: u16, counts: [usize; 2]) -> Batch {
        let geometry = self.manifest.get().parameters().geometry;
        let mailboxes = [Mailbox(0), Mailbox(2)];
        let mut messages = BTreeMap::new();
        for (mailbox, count) in mailboxes.into_iter().zip(counts) {
            let mut batch = Batch::new(geometry.sealed_len());
            for i in 0..count {
                let message = batch.push_zeros();
                message[..2].copy_from_slice(&mixer.to_be_bytes());
                message[2..6].copy_from_slice(&mailbox.0.to_be_bytes());
                message[6..14].copy_from_slice(&(i as u64).to_be_bytes());
            }
            messages.insert(mailbox, batch.into());
        }
        let seed = paper::seed(Role::Mixer, mixer.into());
        let hash = hash(directory);
        let mixer = MixerIndex(mixer);
        Delivery::new::<Native>(geometry, mailboxes, &messages, &seed, &hash, mixer).to_batch()
    }
}
