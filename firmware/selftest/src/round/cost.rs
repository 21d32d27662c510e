//! Instructions, by what they are for.

use core::ops::{Index, IndexMut};

use crate::{report::Report, timer};

/// What the client is about.
#[derive(Clone, Copy)]
pub enum Part {
    /// The time, and the directory.
    Directory,
    /// Shares of all PKGs, and the check of their sum.
    Keys,
    /// One packet.
    Send,
    /// The tags of all contacts.
    Tags,
    /// The mailbox.
    Mailbox,
    /// All links: handshakes, sealing and opening.
    Links,
}

const PARTS: usize = 6;

/// The instructions of a client's round.
pub struct Cost {
    /// What the session is about.
    pub part: Part,
    parts: [u64; PARTS],
    longest: u64,
    scan: u64,
    scan_links: u64,
    check: u64,
    scanned: u64,
}

impl Cost {
    pub fn new() -> Self {
        Self {
            part: Part::Directory,
            parts: [0; PARTS],
            longest: 0,
            scan: 0,
            scan_links: 0,
            check: 0,
            scanned: 0,
        }
    }

    /// Counts a call into the session.
    pub fn count<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let part = self.part;
        self.count_for(part, f)
    }

    /// Counts a call into a link.
    pub fn link<T>(&mut self, f: impl FnOnce() -> T) -> T {
        self.count_for(Part::Links, f)
    }

    fn count_for<T>(&mut self, part: Part, f: impl FnOnce() -> T) -> T {
        let (instructions, result) = timer::count(f);
        self[part] += instructions;
        self.longest = self.longest.max(instructions);
        result
    }

    /// A message was somebody else's: what was counted since these figures is its share of the search. `check` is what
    /// it takes of that to check it against the mixers' list.
    pub fn scanned(&mut self, mailbox: u64, links: u64, check: u64) {
        self.check += check;
        self.scan += self[Part::Mailbox] - mailbox;
        self.scan_links += self[Part::Links] - links;
        self.scanned += 1;
    }

    /// The instructions that all messages of others took.
    pub fn scan(&self) -> u64 {
        self.scan
    }

    /// Prints what a round took.
    pub fn print(&self, report: &mut Report) {
        let received = self[Part::Mailbox] - self.scan;
        report.figure("a round: time and directory", self[Part::Directory]);
        report.figure("a round: 3 shares and their check", self[Part::Keys]);
        report.figure("a round: send one packet", self[Part::Send]);
        report.figure("a round: tags of 8 contacts", self[Part::Tags]);
        report.figure("a round: receive one message", received);
        report.figure("a round: links", self[Part::Links] - self.scan_links);
        report.figure("a round, with 1,000 messages in the mailbox", self.parts.iter().sum());
        report.figure("longest step between two yields", self.longest);
        report.figure("scan 1,000 messages", self.scan);
        report.figure("scan 1,000 messages, with Noise", self.scan + self.scan_links);
        let check = self.check / self.scanned;
        report.figure("scan a message: check the mixers' list", check);
        report.figure("scan a message: find it by its tag", self.scan / self.scanned - check);
    }
}

impl Index<Part> for Cost {
    type Output = u64;

    fn index(&self, part: Part) -> &u64 {
        &self.parts[part as usize]
    }
}

impl IndexMut<Part> for Cost {
    fn index_mut(&mut self, part: Part) -> &mut u64 {
        &mut self.parts[part as usize]
    }
}
