//! What was sent against what arrived.

use std::collections::HashMap;
use std::time::Instant;

use zephyr_client::{InboxMessage, Message};
use zephyr_core::{Address, Round};

use super::people::Person;
use crate::output::line;

/// So many deliveries are listed.
const SHOWN: usize = 12;

/// A message that was written.
pub struct Letter {
    pub from: Address,
    pub to: Address,
    pub text: String,
    pub written: Instant,
}

impl Letter {
    /// To leave in the round `round`.
    pub fn new(round: Round, from: &Person, to: &Person) -> Self {
        let text = format!("Hello {}, {} wrote this for round {round}.", to.name(), from.name());
        let (from, to) = (from.address.clone(), to.address.clone());
        Self { from, to, text, written: Instant::now() }
    }

    pub fn message(&self) -> Message {
        Message::Text(self.text.clone())
    }
}

/// The comparison.
#[derive(Debug, Default)]
pub struct Tally {
    pub sent: usize,
    /// Sent messages that arrived from their sender, each counted once.
    pub delivered: usize,
    pub duplicated: usize,
    /// What arrived and was not sent so, or whose sender is not proven.
    pub forged: usize,
    /// Sender, recipient, text and round of what was delivered.
    list: Vec<(Address, Address, String, u64)>,
}

impl Tally {
    /// Compares.
    pub fn new(sent: &[Letter], inboxes: &[(Address, Vec<InboxMessage>)]) -> Self {
        let mut tally = Self { sent: sent.len(), ..Self::default() };
        let mut open: HashMap<_, u32> = HashMap::new();
        for letter in sent {
            open.insert((&letter.from, &letter.to, letter.text.as_str()), 0);
        }
        for (to, messages) in inboxes {
            for message in messages {
                tally.compare(to, message, &mut open);
            }
        }
        tally.list.sort_by_key(|(_, _, _, round)| *round);
        tally
    }

    fn compare<'a>(
        &mut self,
        to: &'a Address,
        message: &'a InboxMessage,
        open: &mut HashMap<(&'a Address, &'a Address, &'a str), u32>,
    ) {
        let sender = message.from.as_ref().filter(|_| message.authenticated);
        let (Some(from), Some(text)) = (sender, message.text()) else {
            self.forged += 1;
            return;
        };
        match open.get_mut(&(from, to, text)) {
            None => self.forged += 1,
            Some(times @ 0) => {
                *times = 1;
                self.delivered += 1;
                self.list.push((from.clone(), to.clone(), text.to_owned(), message.round.0));
            }
            Some(times) => {
                *times += 1;
                self.duplicated += 1;
            }
        }
    }

    /// How many did not arrive.
    pub fn lost(&self) -> usize {
        self.sent - self.delivered
    }

    /// Whether every message arrived, once, from the right sender.
    pub fn all_delivered(&self) -> bool {
        self.sent > 0 && self.lost() == 0 && self.duplicated == 0 && self.forged == 0
    }

    /// Who got what.
    pub fn show(&self) {
        line("Who got what (the senders are proven by their keys):");
        for (from, to, text, round) in self.list.iter().take(SHOWN) {
            line(format_args!("  in round {round:<3} {from} → {to}: {text}"));
        }
        if self.list.len() > SHOWN {
            line(format_args!("  … and {} more", self.list.len() - SHOWN));
        }
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::{Content, UnixMs};

    use super::*;

    fn address(name: &str) -> Address {
        Address::parse(&format!("{name}@example.org")).unwrap()
    }

    fn letter(text: &str) -> Letter {
        let (from, to) = (address("alice"), address("bob"));
        Letter { from, to, text: text.into(), written: Instant::now() }
    }

    fn got(from: Option<&str>, text: &str) -> InboxMessage {
        InboxMessage {
            id: 1,
            from: from.map(address),
            authenticated: from.is_some(),
            content: Content::Text,
            body: text.into(),
            round: Round(1),
            received_at: UnixMs(0),
            seen: false,
        }
    }

    #[test]
    fn only_what_was_sent_counts_as_delivered_and_once() {
        let sent = [letter("one"), letter("two"), letter("three")];
        let bob = vec![
            got(Some("alice"), "one"),
            got(Some("alice"), "one"),
            got(Some("carol"), "two"),
            got(None, "three"),
        ];
        let tally = Tally::new(&sent, &[(address("bob"), bob)]);
        assert_eq!((tally.sent, tally.delivered, tally.lost()), (3, 1, 2));
        assert_eq!((tally.duplicated, tally.forged), (1, 2));
        assert!(!tally.all_delivered());
    }

    #[test]
    fn what_reaches_somebody_else_is_not_delivered() {
        let carol = vec![got(Some("alice"), "one")];
        let tally = Tally::new(&[letter("one")], &[(address("carol"), carol)]);
        assert_eq!((tally.delivered, tally.forged), (0, 1));
    }

    #[test]
    fn everything_once_from_the_right_sender_is_a_success() {
        let bob = vec![got(Some("alice"), "one")];
        assert!(Tally::new(&[letter("one")], &[(address("bob"), bob)]).all_delivered());
        assert!(!Tally::new(&[], &[]).all_delivered(), "nothing is no success");
    }
}
