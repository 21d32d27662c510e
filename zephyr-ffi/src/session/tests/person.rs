//! A program that uses a session as one in C would.

use core::ffi::{CStr, c_void};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::string::String;
use std::vec::Vec;
use std::{ptr, slice};

use super::wire::{Socket, World};
use crate::abi::zephyr_random;
use crate::abi::zephyr_status::*;
use crate::blocks::ZEPHYR_CONTENT_TEXT;
use crate::session::bytes::*;
use crate::session::contacts::*;
use crate::session::conversation::*;
use crate::session::event::zephyr_event;
use crate::session::event::zephyr_event_kind::*;
use crate::session::fragment::*;
use crate::session::handle::*;
use crate::session::step::zephyr_action_kind::*;
use crate::session::step::*;

/// Numbers that look random, and the same in each run.
unsafe extern "C" fn fill(_: *mut c_void, out: *mut u8, len: usize) -> i32 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    for i in 0..len {
        let x = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // SAFETY: there is room for `len` bytes.
        unsafe { out.add(i).write((x >> 56) as u8) };
    }
    0
}

pub(super) fn settings(world: &World, address: &CStr, seed: &[u8; 32]) -> zephyr_session_settings {
    let manifest = world.manifest.as_bytes();
    zephyr_session_settings {
        manifest: manifest.as_ptr(),
        manifest_len: manifest.len(),
        address: address.as_ptr(),
        seed: seed.as_ptr(),
        flags: 0,
        contacts: 2,
        connections: world.connections,
        frame_len: 4_096,
        last_round: 0,
        last_directory: ptr::null(),
        random: zephyr_random { fill: Some(fill), userdata: ptr::null_mut() },
    }
}

pub(super) fn no_action() -> zephyr_action {
    // SAFETY: numbers and pointers, for which 0 is a value.
    unsafe { core::mem::zeroed() }
}

/// A message of which not all has been acknowledged.
struct Message {
    first: u32,
    id: u64,
    pieces: Vec<Vec<u8>>,
}

struct Conversation {
    _memory: Vec<u8>,
    handle: *mut zephyr_conversation,
    saved: Vec<u8>,
    outbox: Vec<Message>,
    arrived: BTreeMap<u32, (u16, u16, Vec<u8>)>,
}

pub(super) struct Person {
    pub(super) address: String,
    pub(super) seed: [u8; 32],
    memory: Vec<u8>,
    pub(super) session: *mut zephyr_session,
    sockets: BTreeMap<u32, Socket>,
    conversations: BTreeMap<String, Conversation>,
    last: Option<(u64, [u8; 32])>,
    pub(super) inbox: Vec<(String, Vec<u8>)>,
    delivered: usize,
    pub(super) unexpected: Vec<String>,
    /// The version of the network that follows, and how long the manifest in it is.
    pub(super) next: Option<(Vec<u8>, usize)>,
    pub(super) over: bool,
}

impl Person {
    pub(super) fn new(world: &World, address: &str, seed: u8) -> Self {
        let mut person = Self {
            address: address.into(),
            seed: [seed; 32],
            memory: Vec::new(),
            session: ptr::null_mut(),
            sockets: BTreeMap::new(),
            conversations: BTreeMap::new(),
            last: None,
            inbox: Vec::new(),
            delivered: 0,
            unexpected: Vec::new(),
            next: None,
            over: false,
        };
        person.begin(world);
        person
    }

    fn begin(&mut self, world: &World) {
        let address = CString::new(self.address.as_str()).expect("no NUL");
        let mut settings = settings(world, &address, &self.seed);
        if let Some((round, directory)) = &self.last {
            settings.last_round = *round;
            settings.last_directory = directory.as_ptr();
        }
        let mut size = 0;
        // SAFETY: pointers to locals, and memory of the size that is needed.
        unsafe {
            assert_eq!(zephyr_session_size(&settings, &mut size), ZEPHYR_OK);
            self.memory = std::vec![0x55; size];
            let memory = self.memory.as_mut_ptr().cast();
            let status = zephyr_session_init(memory, size, &settings, world.now, &mut self.session);
            assert_eq!(status, ZEPHYR_OK);
        }
    }

    /// The program ends without warning, and is started again.
    pub(super) fn restart(&mut self, world: &World) {
        self.sockets.clear();
        // SAFETY: the memory is still there; then it is given back.
        unsafe { assert_eq!(zephyr_session_wipe(self.session), ZEPHYR_OK) };
        self.begin(world);
        for (contact, conversation) in &mut self.conversations {
            let mut memory = std::vec![0; ZEPHYR_CONVERSATION_SIZE];
            let (at, saved) = (memory.as_mut_ptr().cast(), &conversation.saved);
            let handle = &mut conversation.handle;
            // SAFETY: memory of the size that is needed.
            let status = unsafe {
                zephyr_conversation_load(at, memory.len(), saved.as_ptr(), saved.len(), handle)
            };
            assert_eq!(status, ZEPHYR_OK);
            conversation._memory = memory;
            let contact = CString::new(contact.as_str()).expect("no NUL");
            // SAFETY: the session lives.
            let status = unsafe { zephyr_session_add_contact(self.session, contact.as_ptr()) };
            assert_eq!(status, ZEPHYR_OK);
        }
    }

    pub(super) fn befriend(&mut self, world: &World, contact: &str) {
        let mut memory = std::vec![0; ZEPHYR_CONVERSATION_SIZE];
        let mut handle = ptr::null_mut();
        let text = CString::new(contact).expect("no NUL");
        // SAFETY: memory of the size that is needed, pointers to locals.
        unsafe {
            let at = memory.as_mut_ptr().cast();
            let status = zephyr_conversation_init(at, memory.len(), world.now, &mut handle);
            assert_eq!(status, ZEPHYR_OK);
            assert_eq!(zephyr_session_add_contact(self.session, text.as_ptr()), ZEPHYR_OK);
        }
        let (outbox, arrived) = (Vec::new(), BTreeMap::new());
        let mut conversation =
            Conversation { _memory: memory, handle, saved: Vec::new(), outbox, arrived };
        conversation.save();
        self.conversations.insert(contact.into(), conversation);
    }

    pub(super) fn write(&mut self, world: &World, to: &str, body: &[u8]) {
        let (mut len, mut first) = (0, 0);
        let conversation = self.conversations.get_mut(to).expect("a contact");
        // SAFETY: the objects live, pointers to locals.
        unsafe {
            assert_eq!(zephyr_session_fragment_len(self.session, &mut len), ZEPHYR_OK);
            let pieces: Vec<_> = body.chunks(len).map(<[u8]>::to_vec).collect();
            let count = pieces.len() as u16;
            let status =
                zephyr_conversation_push(conversation.handle, count, world.now, &mut first);
            assert_eq!(status, ZEPHYR_OK);
            conversation.outbox.push(Message { first, id: first.into(), pieces });
        }
        conversation.save();
    }

    pub(super) fn delivered(&self) -> usize {
        self.delivered
    }

    /// Moves bytes, and does what the session asks for.
    pub(super) fn drive(&mut self, world: &mut World) {
        self.poll(world);
        let numbers: Vec<_> = self.sockets.keys().copied().collect();
        for number in numbers {
            self.send(world, number);
            self.receive(world, number);
            self.poll(world);
        }
    }

    fn send(&mut self, world: &mut World, number: u32) {
        let Some(socket) = self.sockets.get_mut(&number) else { return };
        let (mut data, mut len) = (ptr::null(), 0);
        // SAFETY: the session lives, and what it has to send until it is used again.
        unsafe {
            let status = zephyr_session_to_send(self.session, number, &mut data, &mut len);
            assert_eq!(status, ZEPHYR_OK);
            if len == 0 {
                return;
            }
            match world.send(socket, slice::from_raw_parts(data, len)) {
                Some(sent) => {
                    assert_eq!(zephyr_session_sent(self.session, number, sent), ZEPHYR_OK);
                }
                None => {
                    let failed = zephyr_session_failed(self.session, number, world.now);
                    assert_eq!(failed, ZEPHYR_OK);
                    self.sockets.remove(&number);
                }
            }
        }
    }

    fn receive(&mut self, world: &mut World, number: u32) {
        let Some(socket) = self.sockets.get_mut(&number) else { return };
        let bytes = world.receive(socket);
        let mut rest = &bytes[..];
        while !rest.is_empty() && self.sockets.contains_key(&number) {
            let mut taken = 0;
            // SAFETY: the session lives, pointers to locals.
            let status = unsafe {
                zephyr_session_received(self.session, number, rest.as_ptr(), rest.len(), &mut taken)
            };
            assert_eq!(status, ZEPHYR_OK);
            rest = &rest[taken..];
            if !rest.is_empty() {
                self.poll(world);
            }
        }
    }

    fn poll(&mut self, world: &mut World) {
        let mut action = no_action();
        loop {
            // SAFETY: the session lives, pointers to locals.
            let status = unsafe { zephyr_session_poll(self.session, world.now, &mut action) };
            assert_eq!(status, ZEPHYR_OK);
            match action.kind {
                ZEPHYR_ACTION_NONE => break,
                ZEPHYR_ACTION_CONNECT => {
                    let socket = world.open(action.server_role, action.server_index);
                    // SAFETY: text that ends with NUL, until the session is used again.
                    let server = unsafe { CStr::from_ptr(action.server) };
                    assert_eq!(server, c"client.invalid:1");
                    let before = self.sockets.insert(action.connection, socket);
                    assert!(before.is_none(), "a number is used once at a time");
                    // SAFETY: the session lives.
                    let status =
                        unsafe { zephyr_session_connected(self.session, action.connection) };
                    assert_eq!(status, ZEPHYR_OK);
                }
                ZEPHYR_ACTION_CLOSE => {
                    assert!(self.sockets.remove(&action.connection).is_some());
                }
                ZEPHYR_ACTION_FILL => self.fill(&action),
                ZEPHYR_ACTION_FRAGMENT => self.arrive(&action.fragment),
                ZEPHYR_ACTION_EVENT => self.note(&action.event),
                ZEPHYR_ACTION_CONTINUE => {}
                ZEPHYR_ACTION_VERSION => {
                    let (data, len) = (action.signed_manifest, action.signed_manifest_len);
                    // SAFETY: what an action points to lives until the session is used again.
                    let signed = unsafe { slice::from_raw_parts(data, len) };
                    self.next = Some((signed.to_vec(), action.manifest_len));
                }
                ZEPHYR_ACTION_OVER => self.over = true,
            }
        }
        let mut wake_up = 0;
        // SAFETY: the session lives.
        let status = unsafe { zephyr_session_wake_up(self.session, &mut wake_up) };
        assert_eq!(status, ZEPHYR_OK);
        assert!(wake_up > world.now, "nothing to do, and yet to be polled at once");
    }

    fn fill(&mut self, action: &zephyr_action) {
        // SAFETY: what an action points to lives until the session is used again.
        let (contact, directory) =
            unsafe { (CStr::from_ptr(action.contact), *action.directory.cast::<[u8; 32]>()) };
        self.last = Some((action.round, directory));
        let contact = contact.to_str().expect("ASCII");
        let conversation = self.conversations.get_mut(contact).expect("slots are contacts'");
        let mut resend_after = 0;
        // SAFETY: the objects live, pointers to locals.
        unsafe {
            let status = zephyr_session_resend_after(self.session, &mut resend_after);
            assert_eq!(status, ZEPHYR_OK);
            let mut draft = core::mem::zeroed();
            let (round, slot) = (action.round, action.slot);
            let status = zephyr_conversation_fill(
                conversation.handle,
                round,
                slot,
                resend_after,
                &mut draft,
            );
            if status == ZEPHYR_ERROR_SLOT {
                assert_eq!(zephyr_session_fill(self.session, round, slot, ptr::null()), ZEPHYR_OK);
                return;
            }
            assert_eq!(status, ZEPHYR_OK);
            if draft.sequence > 0 {
                let covers = |m: &&Message| m.first <= draft.sequence;
                let message = conversation.outbox.iter().rfind(covers).expect("it is kept");
                let index = (draft.sequence - message.first) as usize;
                let piece = &message.pieces[index];
                draft.content = ZEPHYR_CONTENT_TEXT;
                draft.message = message.id;
                draft.fragment = index as u16;
                draft.fragments = message.pieces.len() as u16;
                (draft.body, draft.body_len) = (piece.as_ptr(), piece.len());
            }
            conversation.save();
            assert_eq!(zephyr_session_fill(self.session, round, slot, &draft), ZEPHYR_OK);
        }
    }

    fn arrive(&mut self, fragment: &zephyr_fragment) {
        // SAFETY: what an action points to lives until the session is used again.
        let (sender, body) = unsafe {
            (
                CStr::from_ptr(fragment.sender).to_str().expect("ASCII"),
                match fragment.body_len {
                    0 => &[],
                    len => slice::from_raw_parts(fragment.body, len),
                },
            )
        };
        let conversation = self.conversations.get_mut(sender).expect("only contacts write");
        // SAFETY: the conversation lives; an arrival is numbers, for which 0 is a value.
        let arrival = unsafe {
            let mut arrival: zephyr_arrival = core::mem::zeroed();
            let status = zephyr_conversation_receive(conversation.handle, fragment, &mut arrival);
            assert_eq!(status, ZEPHYR_OK);
            arrival
        };
        assert_eq!(arrival.restart, 0, "nobody loses anything here");
        let before = conversation.outbox.len();
        let last = |m: &Message| m.first + m.pieces.len() as u32 - 1;
        conversation.outbox.retain(|m| last(m) > arrival.acknowledged);
        self.delivered += before - conversation.outbox.len();
        if arrival.started_over != 0 {
            conversation.arrived.clear();
        }
        if arrival.kind == zephyr_arrival_kind::ZEPHYR_ARRIVAL_NEW {
            let kept = (fragment.fragment, fragment.fragments, body.to_vec());
            conversation.arrived.insert(fragment.sequence, kept);
        }
        while let Some((&first, &(0, fragments, _))) = conversation.arrived.first_key_value() {
            let last = first + u32::from(fragments) - 1;
            if last > arrival.arrived {
                break;
            }
            let later = conversation.arrived.split_off(&(last + 1));
            let whole = std::mem::replace(&mut conversation.arrived, later);
            let body = whole.into_values().flat_map(|(_, _, body)| body).collect();
            self.inbox.push((sender.into(), body));
        }
        conversation.save();
    }

    fn note(&mut self, event: &zephyr_event) {
        for conversation in self.conversations.values_mut() {
            let (handle, round) = (conversation.handle, event.round);
            // SAFETY: the conversation lives.
            let status = unsafe {
                match event.kind {
                    ZEPHYR_EVENT_SLOT_SENT => zephyr_conversation_sent(handle, round, event.slot),
                    ZEPHYR_EVENT_SLOT_FAILED => {
                        zephyr_conversation_failed(handle, round, event.slot)
                    }
                    ZEPHYR_EVENT_MISSED_VOID => zephyr_conversation_void(handle, round),
                    _ => continue,
                }
            };
            assert_eq!(status, ZEPHYR_OK);
            conversation.save();
        }
        let unexpected = [
            ZEPHYR_EVENT_NONE,
            ZEPHYR_EVENT_DIRECTORY_REFUSED,
            ZEPHYR_EVENT_EQUIVOCATION,
            ZEPHYR_EVENT_WRONG_SHARE,
            ZEPHYR_EVENT_PKG_REFUSED,
        ];
        if unexpected.contains(&event.kind) {
            self.unexpected.push(std::format!("{:?} in {}", event.kind, event.round));
        }
    }
}

impl Conversation {
    fn save(&mut self) {
        let mut saved = std::vec![0; ZEPHYR_CONVERSATION_SAVED_LEN];
        let (out, len, mut needed) = (saved.as_mut_ptr(), saved.len(), 0);
        // SAFETY: the conversation lives, and there is room.
        let status = unsafe { zephyr_conversation_save(self.handle, out, len, &mut needed) };
        assert_eq!((status, needed), (ZEPHYR_OK, len));
        self.saved = saved;
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // SAFETY: the memory is still there.
        unsafe {
            for conversation in self.conversations.values() {
                assert_eq!(zephyr_conversation_wipe(conversation.handle), ZEPHYR_OK);
            }
            assert_eq!(zephyr_session_wipe(self.session), ZEPHYR_OK);
        }
    }
}
