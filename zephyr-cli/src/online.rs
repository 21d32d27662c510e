//! Running a client, and noticing what keeps it from its work.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use zephyr_client::{Client, Event, Network, Refused};
use zephyr_core::Role;
use zephyr_core::session::{self, Missed};
use zephyr_core::wire::PkgRefusal;

use crate::exit::{Exit, Failure, Outcome};
use crate::signals::asked_to_stop;

/// So many rounds without a directory, and the network does not work.
const ROUNDS_WITHOUT_DIRECTORY: u32 = 3;
/// So often each info-node is tried.
const TRIES: u32 = 2;

/// Runs the client until `work` is done. If the user has enough before, the result is what `stopped` says.
///
/// # Errors
/// The work's, the client's, or that of `stopped`.
pub async fn while_running<T>(
    client: &Client,
    work: impl Future<Output = Outcome<T>>,
    stopped: Outcome<T>,
) -> Outcome<T> {
    tokio::select! {
        result = client.run(pending()) => {
            result?;
            Err(Failure::failed("the client stopped: start it again"))
        }
        result = work => result,
        () = asked_to_stop() => stopped,
    }
}

/// Watches a client's events for what the user must know.
pub struct Watch {
    infos: usize,
    down: BTreeMap<usize, (u32, Arc<str>)>,
    without_directory: u32,
    degraded: bool,
}

impl Watch {
    /// Of a client of this network.
    pub fn new(network: &Network) -> Self {
        Self {
            infos: network.manifest().servers(Role::Info).count(),
            down: BTreeMap::new(),
            without_directory: 0,
            degraded: false,
        }
    }

    /// What the user should know about this event, if anything.
    ///
    /// # Errors
    /// If there is no use in waiting any longer.
    pub fn handle(&mut self, event: &Event) -> Outcome<Option<String>> {
        match event {
            Event::Round(event) => self.round(event),
            Event::NewVersion { version, from } => Ok(Some(format!(
                "the network has a version {version} with other servers or settings, from round {from} on: there is nothing to do"
            ))),
            Event::Unreachable { role: Role::Info, index, why } => {
                let (tries, last) = self.down.entry(*index).or_insert((0, why.clone()));
                *tries += 1;
                *last = why.clone();
                self.check_infos().map(|()| None)
            }
            // Blocking is for not hearing of somebody.
            Event::Dropped(Refused::Blocked) => Ok(None),
            Event::Dropped(why) => Ok(Some(format!("a message was dropped: {why}"))),
            Event::ContactsFull => Ok(Some(
                "too many contacts were added: start zephyr again to write with the newest".into(),
            )),
            _ => Ok(None),
        }
    }

    fn check_infos(&self) -> Outcome {
        let given_up = self.down.values().filter(|(tries, _)| *tries >= TRIES).count();
        if given_up < self.infos {
            return Ok(());
        }
        let why = self.down.values().next_back().map_or("", |(_, why)| why);
        Err(Failure::new(
            Exit::Unreachable,
            format!(
                "none of the network's {} info-nodes can be reached ({why}): check your connection and try again",
                self.infos
            ),
        ))
    }

    fn round(&mut self, event: &session::Event) -> Outcome<Option<String>> {
        use session::Event as E;
        Ok(match event {
            E::Clock { .. } => {
                self.down.clear();
                None
            }
            E::Opened { round, mixers, listed, .. } => {
                self.down.clear();
                self.without_directory = 0;
                let degraded = mixers < listed;
                let news = degraded && !std::mem::replace(&mut self.degraded, degraded);
                self.degraded = degraded;
                news.then(|| {
                    format!(
                        "round {round} has only {mixers} of {listed} mixers and protects you less"
                    )
                })
            }
            E::PkgRefused { why: why @ PkgRefusal::NotRegistered, .. } => {
                return Err(Failure::new(Exit::NotRegistered, why));
            }
            E::PkgRefused { why: why @ PkgRefusal::Waiting { .. }, .. } => {
                return Err(Failure::new(Exit::NotRegistered, why));
            }
            E::Equivocation(proof) => return Err(Failure::failed(proof)),
            E::DirectoryRefused { round, why } => {
                Some(format!("the directory of round {round} was refused: {why}"))
            }
            E::WrongShare { round } => {
                Some(format!("a PKG gave a wrong key in round {round}; nothing was sent in it"))
            }
            E::MailboxAltered { round } => Some(format!(
                "a mailbox server altered the mailbox of round {round}; another one is asked"
            )),
            E::Missed { round, why } => {
                if *why == Missed::NoDirectory {
                    self.without_directory += 1;
                }
                if self.without_directory >= ROUNDS_WITHOUT_DIRECTORY {
                    return Err(Failure::new(
                        Exit::Unreachable,
                        format!(
                            "there was no directory in {ROUNDS_WITHOUT_DIRECTORY} rounds, the network's mixers seem to be down: try again later"
                        ),
                    ));
                }
                Some(format!("round {round} brought nothing: {why}"))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::Round;

    use super::*;

    fn watch() -> Watch {
        Watch { infos: 2, down: BTreeMap::new(), without_directory: 0, degraded: false }
    }

    fn down(index: usize) -> Event {
        Event::Unreachable { role: Role::Info, index, why: "refused".into() }
    }

    #[test]
    fn an_info_node_that_is_down_is_no_failure_but_all_are() {
        let mut watch = watch();
        for _ in 0..5 {
            watch.handle(&down(0)).expect("another one may answer");
        }
        watch.handle(&down(1)).expect("it is tried again");
        let failure = watch.handle(&down(1)).expect_err("none is left");
        assert_eq!(failure.exit(), Exit::Unreachable);
        assert!(failure.to_string().contains("refused"));
    }

    #[test]
    fn a_network_without_rounds_is_given_up() {
        let mut watch = watch();
        let missed = |round| {
            let why = Missed::NoDirectory;
            Event::Round(session::Event::Missed { round: Round(round), why })
        };
        assert!(watch.handle(&missed(1)).expect("may happen").is_some());
        assert!(watch.handle(&missed(2)).is_ok());
        assert_eq!(watch.handle(&missed(3)).expect_err("enough").exit(), Exit::Unreachable);
    }

    #[test]
    fn a_home_that_a_pkg_does_not_know_is_told_so() {
        let event = session::Event::PkgRefused {
            round: Round(1),
            pkg: zephyr_core::PkgIndex(0),
            why: PkgRefusal::NotRegistered,
        };
        let failure = watch().handle(&Event::Round(event)).expect_err("no use in waiting");
        assert_eq!(failure.exit(), Exit::NotRegistered);
    }
}
