//! What goes wrong, and how often.

/// How often each thing goes wrong, in thousandths of the cases. The default is a network in which nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A connection is refused.
    pub refused: u32,
    /// A connection breaks after some of the answer's frames.
    pub lost: u32,
    /// A server takes the request and never answers, nor closes.
    pub stalled: u32,
    /// The longest delay of a connection or an answer in milliseconds, on top of the one millisecond that everything
    /// takes.
    pub delay_ms: u32,
    /// A request reaches the server twice.
    pub repeated: u32,
    /// A frame of the answer is garbage of the same length.
    pub garbage: u32,
    /// A frame of the answer is cut short.
    pub truncated: u32,
    /// A frame of the answer is as long as frames can be.
    pub oversized: u32,
    /// An info-node gets a round's directory only when half of the submit phase is over.
    pub directory_late: u32,
    /// An info-node gives a directory in which a bit is wrong.
    pub directory_false: u32,
    /// A PKG refuses a client's share in a round.
    pub share_refused: u32,
    /// A PKG gives somebody else's share in a round.
    pub share_wrong: u32,
    /// A mailbox server hides one of the messages of a mailbox in a round.
    pub mail_hidden: u32,
    /// A mailbox server shows a message twice.
    pub mail_added: u32,
    /// A mailbox server changes a bit of a message.
    pub mail_altered: u32,
    /// A mailbox server is down for a round.
    pub mailbox_down: u32,
    /// The first mixer drops a packet, of a client or of noise.
    pub packet_dropped: u32,
    /// The mixers give a round up after the clients have submitted.
    pub round_void: u32,
    /// How far clients' clocks are off at most, in milliseconds.
    pub skew_ms: u32,
}

impl Faults {
    /// Everything goes wrong now and then.
    pub fn everything() -> Self {
        Self {
            refused: 50,
            lost: 40,
            stalled: 20,
            delay_ms: 30,
            repeated: 50,
            garbage: 20,
            truncated: 20,
            oversized: 10,
            directory_late: 50,
            directory_false: 50,
            share_refused: 20,
            share_wrong: 20,
            mail_hidden: 50,
            mail_added: 50,
            mail_altered: 50,
            mailbox_down: 50,
            packet_dropped: 20,
            round_void: 50,
            skew_ms: 100_000,
        }
    }
}
