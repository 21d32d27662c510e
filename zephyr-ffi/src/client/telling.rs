//! From events to callbacks: one thread calls the program back, one call after the other.

use core::ffi::{c_char, c_void};
use core::ptr;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

use ::zephyr_client::{Event, InboxMessage, OutboxMessage};
use tokio::sync::{mpsc, watch};
use zephyr_core::session;
use zephyr_core::wire::PkgRefusal;

use super::failure::sentence;
use super::inbox::{Message, zephyr_inbox_message};
use super::outbox::zephyr_delivery;
use super::text::c_text;
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, zephyr_status};

/// How much may wait for the program.
pub(super) const QUEUE: usize = 64;

/// What the library calls, each with `userdata` first; functions may be NULL. They run on one thread of the client's
/// own, one after the other, in the order in which things happened, and may call every function of zephyr_client
/// but zephyr_client_close (ZEPHYR_ERROR_IN_CALLBACK). While one runs, the client goes on taking part in the rounds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_callbacks {
    /// sizeof(zephyr_callbacks): newer versions have more functions.
    pub size: usize,
    /// What each function is given first; may be NULL.
    pub userdata: *mut c_void,
    /// A message has arrived whole; it is in the inbox. If the program was very slow it may be told once more: see its
    /// number.
    pub on_message:
        Option<unsafe extern "C" fn(userdata: *mut c_void, message: *const zephyr_inbox_message)>,
    /// A message in the outbox has come further, or fell back because parts of it are to be sent again.
    pub on_delivery:
        Option<unsafe extern "C" fn(userdata: *mut c_void, delivery: *const zephyr_delivery)>,
    /// Something happened in a round.
    pub on_round:
        Option<unsafe extern "C" fn(userdata: *mut c_void, progress: *const zephyr_progress)>,
    /// The client takes part no more: ZEPHYR_OK after zephyr_client_stop, else what failed, and a sentence about it.
    /// The last call until the next start. Not called by zephyr_client_close.
    pub on_stopped: Option<
        unsafe extern "C" fn(userdata: *mut c_void, status: zephyr_status, detail: *const c_char),
    >,
}

/// What happened in a round.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_progress_kind {
    /// The round's directory was accepted: see `mixers` and `listed`. With fewer mixers than are listed it protects
    /// less.
    ZEPHYR_PROGRESS_OPENED = 1,
    /// The PKGs gave the user's key of the round.
    ZEPHYR_PROGRESS_KEYED = 2,
    /// A mixer took a packet: each round the same number, whether there is something to send or not.
    ZEPHYR_PROGRESS_SENT = 3,
    /// The mailbox was searched: see `messages` and `opened`.
    ZEPHYR_PROGRESS_SCANNED = 4,
    /// The round brought nothing: see `why`. Nothing is lost; what was sent in it is sent again.
    ZEPHYR_PROGRESS_MISSED = 5,
    /// Something is not as it should be: see `status` and `why`. The client goes on.
    ZEPHYR_PROGRESS_PROBLEM = 6,
}

use zephyr_progress_kind::*;

/// Something that happened in a round.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_progress {
    /// What.
    pub kind: zephyr_progress_kind,
    /// The round; 0 if it belongs to none.
    pub round: u64,
    /// How many mixers the round has.
    pub mixers: usize,
    /// How many mixers the network has.
    pub listed: usize,
    /// How many messages were in the mailbox.
    pub messages: u32,
    /// How many of them were the user's.
    pub opened: u32,
    /// Of a problem: ZEPHYR_ERROR_NOT_REGISTERED, ZEPHYR_ERROR_UNREACHABLE, or another one.
    pub status: zephyr_status,
    /// A sentence about it; empty if there is nothing to say. Never NULL.
    pub why: *const c_char,
}

/// A program's callbacks.
pub(super) struct Callbacks(zephyr_callbacks);

// SAFETY: one thread at a time uses them, and the program was told that this is another one than its own.
unsafe impl Send for Callbacks {}
// SAFETY: as above: only the thread that calls back looks at them.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    /// # Safety
    /// At `callbacks` there are as many bytes as its size says, or it is NULL.
    pub(super) unsafe fn read(callbacks: *const zephyr_callbacks) -> Result<Self, Failure> {
        let mut own = zephyr_callbacks {
            size: size_of::<zephyr_callbacks>(),
            userdata: ptr::null_mut(),
            on_message: None,
            on_delivery: None,
            on_round: None,
            on_stopped: None,
        };
        if callbacks.is_null() {
            return Ok(Self(own));
        }
        // SAFETY: the size is the first field in all versions.
        let size = unsafe { callbacks.cast::<usize>().read_unaligned() };
        if size < size_of::<usize>() || size > isize::MAX as usize {
            let why = "the size of the callbacks is wrong: set it to sizeof(zephyr_callbacks)";
            return Err(Failure::new(ZEPHYR_ERROR_ARGUMENT, why));
        }
        let len = size.min(own.size);
        // SAFETY: as the caller promises. A version with fewer functions leaves the others out; NULL is a function that
        // isn't there.
        unsafe {
            ptr::copy_nonoverlapping(callbacks.cast::<u8>(), ptr::from_mut(&mut own).cast(), len);
        }
        Ok(Self(own))
    }
}

/// Something to tell, and whom.
pub(super) struct Told {
    pub(super) callbacks: Arc<Callbacks>,
    pub(super) news: News,
}

pub(super) enum News {
    Event(Box<Event>),
    /// Events were missed: how everything stands now.
    Missed {
        inbox: Vec<InboxMessage>,
        outbox: Vec<OutboxMessage>,
    },
    Stopped(zephyr_status, String),
}

/// Calls the program back until the client is closed.
pub(super) fn tell_all(mut queue: mpsc::Receiver<Told>, closing: &watch::Receiver<bool>) {
    while let Some(Told { callbacks, news }) = queue.blocking_recv() {
        let told = catch_unwind(AssertUnwindSafe(|| callbacks.0.tell(&news, closing)));
        // A bug in what makes C's structs of an event must not end all that follow.
        drop(told);
    }
}

impl zephyr_callbacks {
    fn tell(&self, news: &News, closing: &watch::Receiver<bool>) {
        // What waits when the client is closed is not told any more.
        let open = || !*closing.borrow();
        match news {
            News::Event(event) if open() => self.event(event),
            News::Missed { inbox, outbox } => {
                inbox.iter().take_while(|_| open()).for_each(|message| self.message(message));
                for message in outbox.iter().take_while(|_| open()) {
                    self.delivery(&zephyr_delivery::new(message.id, message.delivery));
                }
            }
            News::Stopped(status, why) if open() => self.stopped(*status, why),
            _ => {}
        }
    }

    fn event(&self, event: &Event) {
        match event {
            Event::Message(message) => self.message(message),
            Event::Delivery { id, delivery } => {
                self.delivery(&zephyr_delivery::new(*id, *delivery))
            }
            Event::Round(event) => self.round(event),
            Event::Unreachable { why, .. } => self.problem(0, ZEPHYR_ERROR_UNREACHABLE, why),
            Event::Dropped(::zephyr_client::Refused::Blocked) => {}
            Event::Dropped(why) => {
                self.problem(
                    0,
                    ZEPHYR_ERROR_REFUSED,
                    &std::format!("a message was dropped: {why}"),
                );
            }
            Event::ContactsFull => {
                let why = "too many contacts were added: stop and start to write with the newest";
                self.problem(0, ZEPHYR_ERROR_CONTACTS_FULL, why);
            }
            _ => {}
        }
    }

    fn round(&self, event: &session::Event) {
        use session::Event as E;
        let progress = |kind, round: zephyr_core::Round| zephyr_progress {
            round: round.0,
            ..zephyr_progress::new(kind)
        };
        match event {
            E::Opened { round, mixers, listed, .. } => {
                let (mixers, listed) = (*mixers, *listed);
                let opened = progress(ZEPHYR_PROGRESS_OPENED, *round);
                self.progress(&zephyr_progress { mixers, listed, ..opened }, "");
            }
            E::Keyed { round } => self.progress(&progress(ZEPHYR_PROGRESS_KEYED, *round), ""),
            E::SlotSent { round, .. } => self.progress(&progress(ZEPHYR_PROGRESS_SENT, *round), ""),
            E::Scanned { round, messages, opened } => {
                let (messages, opened) = (*messages, *opened);
                let scanned = progress(ZEPHYR_PROGRESS_SCANNED, *round);
                self.progress(&zephyr_progress { messages, opened, ..scanned }, "");
            }
            E::Missed { round, why } => {
                self.progress(&progress(ZEPHYR_PROGRESS_MISSED, *round), &why.to_string());
            }
            E::PkgRefused { round, why, .. } => {
                let status = match why {
                    PkgRefusal::NotRegistered | PkgRefusal::Waiting { .. } => {
                        ZEPHYR_ERROR_NOT_REGISTERED
                    }
                    _ => ZEPHYR_ERROR_REFUSED,
                };
                self.problem(round.0, status, &why.to_string());
            }
            E::DirectoryRefused { round, why } => {
                let why = std::format!("the round's directory was refused: {why}");
                self.problem(round.0, ZEPHYR_ERROR_DIRECTORY, &why);
            }
            E::Equivocation(proof) => {
                self.problem(0, ZEPHYR_ERROR_DIRECTORY, &proof.to_string());
            }
            E::WrongShare { round } => {
                let why = "a PKG gave a wrong key; nothing was sent in this round";
                self.problem(round.0, ZEPHYR_ERROR_KEY, why);
            }
            E::MailboxAltered { round } => {
                let why = "a mailbox server altered the mailbox; another one is asked";
                self.problem(round.0, ZEPHYR_ERROR_SIGNATURE, why);
            }
            _ => {}
        }
    }

    fn problem(&self, round: u64, status: zephyr_status, why: &str) {
        let problem = zephyr_progress::new(ZEPHYR_PROGRESS_PROBLEM);
        self.progress(&zephyr_progress { round, status, ..problem }, why);
    }

    fn message(&self, message: &InboxMessage) {
        let Some(on_message) = self.on_message else { return };
        let message = Message::new(message);
        // SAFETY: the program promised that it can be called so. The message lives until it returns.
        unsafe { on_message(self.userdata, &message.to_c()) }
    }

    fn delivery(&self, delivery: &zephyr_delivery) {
        let Some(on_delivery) = self.on_delivery else { return };
        // SAFETY: as above.
        unsafe { on_delivery(self.userdata, delivery) }
    }

    fn progress(&self, progress: &zephyr_progress, why: &str) {
        let Some(on_round) = self.on_round else { return };
        let why = c_text(&sentence(why));
        // SAFETY: as above.
        unsafe { on_round(self.userdata, &zephyr_progress { why: why.as_ptr(), ..*progress }) }
    }

    fn stopped(&self, status: zephyr_status, why: &str) {
        let Some(on_stopped) = self.on_stopped else { return };
        // SAFETY: as above.
        unsafe { on_stopped(self.userdata, status, c_text(why).as_ptr()) }
    }
}

impl zephyr_progress {
    fn new(kind: zephyr_progress_kind) -> Self {
        Self {
            kind,
            round: 0,
            mixers: 0,
            listed: 0,
            messages: 0,
            opened: 0,
            status: ZEPHYR_OK,
            why: c"".as_ptr(),
        }
    }
}
