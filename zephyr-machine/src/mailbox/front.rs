//! The rules of a front: a process beside a mailbox server that answers downloads from the server's store, as the
//! server itself would.

use std::collections::BTreeSet;

use zephyr_core::wire::DownloadRefusal;
use zephyr_core::{Directory, Mailbox, MixerIndex, Round, ServerId, UnixMs};

use super::{deadline, keeps};
use crate::SharedManifest;
use crate::board::under_way;

/// What to do about a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Give the mailbox out.
    Give,
    /// Look into the store for what it has of the round, and say [`found`](FrontMachine::found).
    Ask,
    /// Refuse.
    Refuse(DownloadRefusal),
}

/// The rules of a front. All that it remembers is which rounds are complete: they stay so.
#[derive(Debug)]
pub struct FrontMachine {
    manifest: SharedManifest,
    id: ServerId,
    complete: BTreeSet<Round>,
}

impl FrontMachine {
    /// The rules of a front of the mailbox server with this identity.
    pub fn new(manifest: SharedManifest, id: ServerId) -> Self {
        Self { manifest, id, complete: BTreeSet::new() }
    }

    /// A client asks for a mailbox of a round, `now`.
    pub fn download(&mut self, round: Round, mailbox: Mailbox, now: UnixMs) -> Look {
        let manifest = &self.manifest;
        self.complete.retain(|&round| under_way(&manifest.at(round), round, now));
        if !keeps(manifest, &self.id, round, mailbox) {
            Look::Refuse(DownloadRefusal::NotHere)
        } else if self.complete.contains(&round) {
            Look::Give
        } else if under_way(&manifest.at(round), round, now) {
            Look::Ask
        } else {
            Look::Refuse(self.missing(round, now))
        }
    }

    /// The store has this of the round: nothing; a void round, without a directory; or a directory and the mixers whose
    /// uploads are complete.
    ///
    /// # Errors
    /// What the client is told if it can't have the mailbox.
    pub fn found(
        &mut self,
        round: Round,
        stored: Option<(Option<&[u8]>, &[MixerIndex])>,
        now: UnixMs,
    ) -> Result<(), DownloadRefusal> {
        match stored {
            Some((None, _)) => Err(DownloadRefusal::Gone),
            Some((Some(directory), delivered)) if self.is_whole(round, directory, delivered) => {
                self.complete.insert(round);
                Ok(())
            }
            _ => Err(self.missing(round, now)),
        }
    }

    /// Whether every mixer at which a route ends has delivered.
    fn is_whole(&self, round: Round, directory: &[u8], delivered: &[MixerIndex]) -> bool {
        let Ok(directory) = Directory::parse(directory) else { return false };
        let routes = directory.routes(&self.manifest.at(round));
        routes.is_some_and(|routes| routes.exits().iter().all(|exit| delivered.contains(exit)))
    }

    fn missing(&self, round: Round, now: UnixMs) -> DownloadRefusal {
        match now < deadline(self.manifest.at(round).parameters(), round) {
            true => DownloadRefusal::NotYet,
            false => DownloadRefusal::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MailboxMachine;
    use super::*;
    use crate::board::MAX_SKEW_MS;
    use crate::testing::{Paper, id};
    use zephyr_core::{Role, RouteMode};

    const ROUND: Round = Round(10);
    const ALL: [MixerIndex; 3] = [MixerIndex(0), MixerIndex(1), MixerIndex(2)];

    fn bench() -> (Paper, Vec<u8>, FrontMachine) {
        let paper = Paper::new(RouteMode::Rotations);
        let directory = paper.directory(ROUND, &[0, 1, 2]);
        let front = FrontMachine::new(paper.manifest.clone(), id(Role::Mailbox, 0));
        (paper, directory, front)
    }

    #[test]
    fn a_front_gives_a_round_out_when_all_exits_have_delivered() {
        let (paper, directory, mut front) = bench();
        let now = paper.schedule(ROUND).submit_until;
        assert_eq!(front.download(ROUND, Mailbox(0), now), Look::Ask);
        assert_eq!(front.found(ROUND, None, now), Err(DownloadRefusal::NotYet));
        let two = Some((Some(&directory[..]), &ALL[..2]));
        assert_eq!(front.found(ROUND, two, now), Err(DownloadRefusal::NotYet));
        let whole = Some((Some(&directory[..]), &ALL[..]));
        assert_eq!(front.found(ROUND, whole, now), Ok(()));
        assert_eq!(front.download(ROUND, Mailbox(2), now), Look::Give);
        assert_eq!(front.found(ROUND, Some((None, &[])), now), Err(DownloadRefusal::Gone));
        let damaged = Some((Some(&[1, 2, 3][..]), &ALL[..]));
        assert_eq!(front.found(ROUND, damaged, now), Err(DownloadRefusal::NotYet));
    }

    /// At every moment of a round's life, whatever there is of it, a front refuses what the server itself refuses.
    #[test]
    fn a_front_answers_as_its_server_does() {
        let (paper, directory, _) = bench();
        let schedule = paper.schedule(ROUND);
        let deadline = schedule.deliver_until.plus(MAX_SKEW_MS);
        let last = schedule.closes.plus(2_000);
        let times = [
            UnixMs(schedule.opens.0 - 10_000),
            schedule.submit_from,
            UnixMs(deadline.0 - 1),
            deadline,
            schedule.closes,
            last,
            last.plus(1),
        ];
        for (delivered, void) in [(0, false), (2, false), (3, false), (0, true), (1, true)] {
            let mut server = MailboxMachine::new(
                paper.manifest.clone(),
                id(Role::Mailbox, 0),
                schedule.submit_from,
            );
            server.agree(ROUND, &directory);
            for mixer in &ALL[..delivered] {
                server.delivered(ROUND, *mixer, [0; 32]).unwrap();
            }
            if void {
                assert!(server.void(MixerIndex(2), ROUND));
            }
            for now in times {
                // A fresh one each time: it holds nothing that it needs.
                let mut front = FrontMachine::new(paper.manifest.clone(), id(Role::Mailbox, 0));
                if now > schedule.opens {
                    server.advance(now);
                }
                for mailbox in [0, 1, 2, 4].map(Mailbox) {
                    let stored = match void {
                        true => (None, &ALL[..0]),
                        false => (Some(&directory[..]), &ALL[..delivered]),
                    };
                    let answer = match front.download(ROUND, mailbox, now) {
                        Look::Give => Ok(()),
                        Look::Ask => front.found(ROUND, Some(stored), now),
                        Look::Refuse(why) => Err(why),
                    };
                    if now > schedule.opens {
                        assert_eq!(answer, server.download(ROUND, mailbox), "{delivered} {now:?}");
                    } else {
                        assert!(answer.is_err());
                    }
                }
            }
        }
    }
}
