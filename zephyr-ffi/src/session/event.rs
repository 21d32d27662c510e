//! What happened.

use core::ffi::{CStr, c_char};

use zephyr_core::session::{Event, Missed};
use zephyr_core::wire::{PkgRefusal, SubmitRefusal};

/// What happened in a round.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_event_kind {
    /// Nothing that this version of the header knows.
    ZEPHYR_EVENT_NONE = 0,
    /// An info-node told the time: `offset_ms`.
    ZEPHYR_EVENT_CLOCK = 1,
    /// The round's directory was accepted: it has `count` mixers of the `of` that the manifest lists. With fewer a round
    /// protects less: show it.
    ZEPHYR_EVENT_OPENED = 2,
    /// An info-node gave a directory that is not valid.
    ZEPHYR_EVENT_DIRECTORY_REFUSED = 3,
    /// The round has two valid directories: somebody cheats. Only cover is sent in it.
    ZEPHYR_EVENT_EQUIVOCATION = 4,
    /// The PKG with the index `server` refused the round's key: `refusal`. With ZEPHYR_REFUSED_NOT_REGISTERED: register.
    ZEPHYR_EVENT_PKG_REFUSED = 5,
    /// One of the PKGs gave a wrong share of the round's key. Only cover is sent in the round.
    ZEPHYR_EVENT_WRONG_SHARE = 6,
    /// The user has the round's key: the user is registered with all PKGs.
    ZEPHYR_EVENT_KEYED = 7,
    /// A mixer took the packet in `slot`: tell the conversations with zephyr_conversation_sent.
    ZEPHYR_EVENT_SLOT_SENT = 8,
    /// No mixer took the packet in `slot`: tell the conversations with zephyr_conversation_failed.
    ZEPHYR_EVENT_SLOT_FAILED = 9,
    /// A mixer refused a packet.
    ZEPHYR_EVENT_SUBMIT_REFUSED = 10,
    /// The mailbox was searched: of its `of` messages `count` were the user's.
    ZEPHYR_EVENT_SCANNED = 11,
    /// Of the cover in this round `of` packets went to the user's own mailbox, and `count` of them came back.
    ZEPHYR_EVENT_LOOPS = 12,
    /// One of these did not: a mixer lost it.
    ZEPHYR_EVENT_LOOP_LOST = 13,
    /// A mailbox server showed another mailbox than the mixers signed. Another server is asked.
    ZEPHYR_EVENT_MAILBOX_ALTERED = 14,
    /// No info-node had the round's directory in time.
    ZEPHYR_EVENT_MISSED_DIRECTORY = 15,
    /// Not all PKGs gave their share of the round's key in time: cover was sent, and nothing can be opened.
    ZEPHYR_EVENT_MISSED_KEY = 16,
    /// The mixers gave the round up, and nothing of it arrived: tell the conversations with zephyr_conversation_void.
    ZEPHYR_EVENT_MISSED_VOID = 17,
    /// No mailbox server gave the whole mailbox. What was found in it all the same was handed out.
    ZEPHYR_EVENT_MISSED_MAILBOX = 18,
    /// More rounds are under way than the session has room for.
    ZEPHYR_EVENT_MISSED_ROOM = 19,
}

use zephyr_event_kind::*;

/// What happened. What a kind doesn't speak of is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_event {
    /// What it is.
    pub kind: zephyr_event_kind,
    /// The slot of the round.
    pub slot: u32,
    /// The PKG's index.
    pub server: u32,
    /// Why the PKG refused.
    pub refusal: zephyr_refusal,
    /// How many.
    pub count: u32,
    /// Of how many.
    pub of: u32,
    /// The round.
    pub round: u64,
    /// The network's time less the local one, in milliseconds.
    pub offset_ms: i64,
    /// With ZEPHYR_REFUSED_WAITING: when the key will be the registered one, in milliseconds since 1970.
    pub until_ms: u64,
}

impl zephyr_event {
    pub(super) const NONE: Self = Self {
        kind: ZEPHYR_EVENT_NONE,
        slot: 0,
        server: 0,
        refusal: zephyr_refusal::ZEPHYR_REFUSED_NOT,
        count: 0,
        of: 0,
        round: 0,
        offset_ms: 0,
        until_ms: 0,
    };

    pub(super) fn new(event: &Event) -> Self {
        let of = |kind, round: &zephyr_core::Round| Self { kind, round: round.0, ..Self::NONE };
        match event {
            Event::Clock { offset_ms } => {
                Self { kind: ZEPHYR_EVENT_CLOCK, offset_ms: *offset_ms, ..Self::NONE }
            }
            Event::Opened { round, mixers, listed, .. } => {
                Self { count: *mixers as u32, of: *listed as u32, ..of(ZEPHYR_EVENT_OPENED, round) }
            }
            Event::DirectoryRefused { round, .. } => of(ZEPHYR_EVENT_DIRECTORY_REFUSED, round),
            Event::Equivocation(equivocation) => of(ZEPHYR_EVENT_EQUIVOCATION, &equivocation.round),
            Event::PkgRefused { round, pkg, why } => Self {
                server: pkg.0.into(),
                refusal: zephyr_refusal::new(why),
                until_ms: match why {
                    PkgRefusal::Waiting { until } => until.0,
                    _ => 0,
                },
                ..of(ZEPHYR_EVENT_PKG_REFUSED, round)
            },
            Event::WrongShare { round } => of(ZEPHYR_EVENT_WRONG_SHARE, round),
            Event::Keyed { round } => of(ZEPHYR_EVENT_KEYED, round),
            Event::SlotSent { round, slot } => {
                Self { slot: (*slot).into(), ..of(ZEPHYR_EVENT_SLOT_SENT, round) }
            }
            Event::SlotFailed { round, slot } => {
                Self { slot: (*slot).into(), ..of(ZEPHYR_EVENT_SLOT_FAILED, round) }
            }
            Event::SubmitRefused { round, why } => {
                let _: &SubmitRefusal = why;
                of(ZEPHYR_EVENT_SUBMIT_REFUSED, round)
            }
            Event::Scanned { round, messages, opened } => {
                Self { count: *opened, of: *messages, ..of(ZEPHYR_EVENT_SCANNED, round) }
            }
            Event::Loops { round, sent, returned } => Self {
                count: (*returned).into(),
                of: (*sent).into(),
                ..of(ZEPHYR_EVENT_LOOPS, round)
            },
            Event::LoopLost { round, .. } => of(ZEPHYR_EVENT_LOOP_LOST, round),
            Event::MailboxAltered { round } => of(ZEPHYR_EVENT_MAILBOX_ALTERED, round),
            Event::Missed { round, why } => of(missed(*why), round),
            _ => Self::NONE,
        }
    }
}

fn missed(why: Missed) -> zephyr_event_kind {
    match why {
        Missed::NoDirectory => ZEPHYR_EVENT_MISSED_DIRECTORY,
        Missed::NoKey => ZEPHYR_EVENT_MISSED_KEY,
        Missed::Void => ZEPHYR_EVENT_MISSED_VOID,
        Missed::NoMailbox => ZEPHYR_EVENT_MISSED_MAILBOX,
        Missed::TooManyRounds => ZEPHYR_EVENT_MISSED_ROOM,
        _ => ZEPHYR_EVENT_NONE,
    }
}

/// Why a PKG did not do what it was asked to.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_refusal {
    /// It did.
    ZEPHYR_REFUSED_NOT = 0,
    /// It doesn't take this e-mail address.
    ZEPHYR_REFUSED_ADDRESS = 1,
    /// The address is not registered to this key.
    ZEPHYR_REFUSED_NOT_REGISTERED = 2,
    /// It has no key for this round, or not any more.
    ZEPHYR_REFUSED_ROUND = 3,
    /// The code is wrong; so many tries are left.
    ZEPHYR_REFUSED_WRONG_CODE = 4,
    /// It waits for no code: it was used, is too old, or was tried too often. Ask for a new one.
    ZEPHYR_REFUSED_NO_CODE = 5,
    /// Too many codes were asked for: try again in so many seconds.
    ZEPHYR_REFUSED_TOO_MANY = 6,
    /// The address has another key, which this one replaces later.
    ZEPHYR_REFUSED_WAITING = 7,
    /// It can't send mail now.
    ZEPHYR_REFUSED_MAIL_FAILED = 8,
    /// No mail can be sent to this address.
    ZEPHYR_REFUSED_MAIL_REFUSED = 9,
    /// It has too much to do: try again.
    ZEPHYR_REFUSED_BUSY = 10,
    /// It can't use its database: try again later.
    ZEPHYR_REFUSED_UNAVAILABLE = 11,
    /// It did not understand the request: another version.
    ZEPHYR_REFUSED_MALFORMED = 12,
    /// Another reason, which this version of the header doesn't know.
    ZEPHYR_REFUSED_OTHER = 13,
}

impl zephyr_refusal {
    pub(super) fn new(why: &PkgRefusal) -> Self {
        use zephyr_refusal::*;
        match why {
            PkgRefusal::BadAddress => ZEPHYR_REFUSED_ADDRESS,
            PkgRefusal::NotRegistered => ZEPHYR_REFUSED_NOT_REGISTERED,
            PkgRefusal::RoundNotOpen => ZEPHYR_REFUSED_ROUND,
            PkgRefusal::WrongCode { .. } => ZEPHYR_REFUSED_WRONG_CODE,
            PkgRefusal::NoCode => ZEPHYR_REFUSED_NO_CODE,
            PkgRefusal::RateLimited { .. } => ZEPHYR_REFUSED_TOO_MANY,
            PkgRefusal::Waiting { .. } => ZEPHYR_REFUSED_WAITING,
            PkgRefusal::MailFailed => ZEPHYR_REFUSED_MAIL_FAILED,
            PkgRefusal::MailRefused => ZEPHYR_REFUSED_MAIL_REFUSED,
            PkgRefusal::Busy => ZEPHYR_REFUSED_BUSY,
            PkgRefusal::Unavailable => ZEPHYR_REFUSED_UNAVAILABLE,
            PkgRefusal::Malformed => ZEPHYR_REFUSED_MALFORMED,
            _ => ZEPHYR_REFUSED_OTHER,
        }
    }
}

/// A sentence in English for a kind of event. Lives for ever; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_event_text(kind: u32) -> *const c_char {
    let text: &CStr = match kind {
        1 => c"An info-node told the time.",
        2 => c"The round's directory was accepted.",
        3 => c"An info-node gave a directory that is not valid.",
        4 => c"The round has two directories: somebody cheats.",
        5 => c"A PKG refused the round's key.",
        6 => c"A PKG gave a wrong share of the round's key.",
        7 => c"The round's key is here.",
        8 => c"A mixer took a packet.",
        9 => c"No mixer took a packet: it is sent again.",
        10 => c"A mixer refused a packet.",
        11 => c"The mailbox was searched.",
        12 => c"Cover came back.",
        13 => c"Cover did not come back: a mixer lost it.",
        14 => c"A mailbox server showed another mailbox than the mixers signed.",
        15 => c"No info-node had the round's directory in time.",
        16 => c"Not all PKGs gave their share of the round's key in time.",
        17 => c"The mixers gave the round up: what was sent in it is sent again.",
        18 => c"No mailbox server gave the whole mailbox.",
        19 => c"Too many rounds are under way at once.",
        _ => c"Something that this version of the library doesn't know.",
    };
    text.as_ptr()
}
