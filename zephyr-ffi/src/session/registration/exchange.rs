//! The exchange itself.

use zephyr_core::registration::{Answer, AnswerError};
use zephyr_core::wire::{PkgBinding, PkgRefusal};
use zephyr_core::{CONNECTION_HEADROOM, CONNECTION_OVERHEAD, Received};

use super::zephyr_answer_kind::*;
use super::{Request, State, zephyr_answer, zephyr_registration};
use crate::Suite;
use crate::session::event::zephyr_refusal;

impl zephyr_registration {
    /// `None` when the connection is of no more use.
    pub(super) fn received(&mut self, mut data: &[u8]) -> Option<()> {
        match self.state {
            State::Failed => return None,
            State::Answered(_) => return Some(()),
            State::Open => {}
        }
        let done = loop {
            match self.next() {
                Some(true) => break Some(()),
                Some(false) if data.is_empty() => break Some(()),
                Some(false) => {
                    let space = self.connection.space();
                    let len = space.len().min(data.len());
                    let (first, rest) = data.split_at(len);
                    space[..len].copy_from_slice(first);
                    self.connection.filled(len);
                    data = rest;
                }
                None => break None,
            }
        };
        if done.is_none() {
            self.state = State::Failed;
        }
        done
    }

    /// Handles what has come whole; `true` when that was the answer.
    fn next(&mut self) -> Option<bool> {
        while self.connection.has_received() {
            match self.connection.receive().ok()? {
                None => break,
                Some(Received::Opened { handshake_hash }) => self.ask(&handshake_hash)?,
                Some(Received::Message(reply)) => {
                    self.state = State::Answered(match self.request.task.answer(reply) {
                        Ok(answer) => Ok(answer),
                        Err(AnswerError::Refused(why)) => Err(why),
                        Err(AnswerError::Unexpected) => return None,
                    });
                    return Some(true);
                }
            }
        }
        Some(false)
    }

    fn ask(&mut self, handshake: &[u8; 32]) -> Option<()> {
        // An honest server has read all of the handshake.
        if !self.unsent.is_empty() {
            return None;
        }
        let Request { task, address, seed, network, pkg } = &self.request;
        let binding = PkgBinding { network, pkg, handshake };
        let request = &mut self.out[CONNECTION_HEADROOM..];
        let len = task.request::<Suite>(address, seed, &binding, request).ok()?.len();
        let sealed = self.connection.seal_in_place(&mut *self.out, len).ok()?.len();
        let end = CONNECTION_OVERHEAD + len;
        self.unsent = end - sealed..end;
        Some(())
    }

    pub(super) fn answer(&self) -> zephyr_answer {
        let none = zephyr_answer {
            kind: ZEPHYR_ANSWER_NONE,
            refusal: zephyr_refusal::ZEPHYR_REFUSED_NOT,
            seconds: 0,
            tries_left: 0,
            until_ms: 0,
        };
        let State::Answered(answer) = &self.state else { return none };
        let seconds =
            |duration: &core::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        match answer {
            Ok(Answer::CodeSent { valid_for }) => {
                zephyr_answer { kind: ZEPHYR_ANSWER_CODE_SENT, seconds: seconds(valid_for), ..none }
            }
            Ok(Answer::Registered) => zephyr_answer { kind: ZEPHYR_ANSWER_REGISTERED, ..none },
            Ok(Answer::Waiting { until }) => {
                zephyr_answer { kind: ZEPHYR_ANSWER_WAITING, until_ms: until.0, ..none }
            }
            Ok(Answer::Vetoed) => zephyr_answer { kind: ZEPHYR_ANSWER_VETOED, ..none },
            Ok(Answer::Unregistered) => zephyr_answer { kind: ZEPHYR_ANSWER_UNREGISTERED, ..none },
            Ok(_) => none,
            Err(why) => {
                let refused = zephyr_answer {
                    kind: ZEPHYR_ANSWER_REFUSED,
                    refusal: zephyr_refusal::new(why),
                    ..none
                };
                match why {
                    PkgRefusal::WrongCode { tries_left } => {
                        zephyr_answer { tries_left: (*tries_left).into(), ..refused }
                    }
                    PkgRefusal::RateLimited { seconds } => {
                        zephyr_answer { seconds: *seconds, ..refused }
                    }
                    PkgRefusal::Waiting { until } => zephyr_answer { until_ms: until.0, ..refused },
                    _ => refused,
                }
            }
        }
    }
}
