//! What an info-node answers.

use zephyr_core::wire::{InfoReply, InfoRequest, NoDirectory};
use zephyr_core::{Round, UnixMs};

use super::SharedManifest;
use super::board::Board;

/// The rules of an info-node: it serves what is on its board.
#[derive(Clone, Debug)]
pub struct InfoRules {
    manifest: SharedManifest,
}

impl InfoRules {
    /// For the network of this manifest.
    pub fn new(manifest: SharedManifest) -> Self {
        Self { manifest }
    }

    /// The answer to a client.
    pub fn answer<'a>(
        &self,
        board: &'a Board,
        request: &InfoRequest,
        now: UnixMs,
    ) -> InfoReply<'a> {
        match *request {
            InfoRequest::Clock => InfoReply::Clock(now),
            InfoRequest::Manifest(version) => match self.manifest.signed(version) {
                Some(signed) => InfoReply::Manifest(signed),
                None => InfoReply::NoManifest,
            },
            InfoRequest::Directory(round) => match board.directory(round) {
                Some(directory) => InfoReply::Directory(directory),
                None => InfoReply::NoDirectory(self.why_not(round, now)),
            },
        }
    }

    fn why_not(&self, round: Round, now: UnixMs) -> NoDirectory {
        let schedule = self.manifest.at(round).parameters().schedule(round);
        if now < schedule.submit_until { NoDirectory::NotYet } else { NoDirectory::Gone }
    }
}
