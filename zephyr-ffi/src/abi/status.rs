//! What functions answer.

use core::ffi::{CStr, c_char};

/// What a function answers. Numbers are never given another meaning; a newer library may answer with newer ones.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_status {
    /// It was done.
    ZEPHYR_OK = 0,

    /// A pointer is NULL that must not be.
    ZEPHYR_ERROR_NULL = 1,
    /// An argument has a value or a length that it can't have.
    ZEPHYR_ERROR_ARGUMENT = 2,
    /// The lent buffer is too short: nothing was written but the length that is needed.
    ZEPHYR_ERROR_BUFFER = 3,
    /// The object was wiped or freed already, or is another one than this function takes.
    ZEPHYR_ERROR_HANDLE = 4,
    /// A text is not UTF-8.
    ZEPHYR_ERROR_UTF8 = 5,
    /// The header and the library have different ABI versions: compile with the header of this library.
    ZEPHYR_ERROR_ABI = 6,
    /// The source of random numbers failed: nothing was done.
    ZEPHYR_ERROR_RANDOM = 7,
    /// A bug in the library: please report it. The object that was used may be unusable: wipe or close it.
    ZEPHYR_ERROR_PANIC = 8,

    /// This is not an e-mail address that Zephyr can use.
    ZEPHYR_ERROR_ADDRESS = 20,
    /// These bytes are no manifest.
    ZEPHYR_ERROR_MANIFEST = 21,
    /// This directory is not valid for its round.
    ZEPHYR_ERROR_DIRECTORY = 22,
    /// The key does not fit its owner or round, or is no key.
    ZEPHYR_ERROR_KEY = 23,
    /// The message is not for this key, or was changed on the way.
    ZEPHYR_ERROR_NOT_MINE = 24,
    /// The packet was changed on the way, or is none for this mixer and position.
    ZEPHYR_ERROR_PACKET = 25,
    /// A signature is wrong.
    ZEPHYR_ERROR_SIGNATURE = 26,

    /// The client was closed during the call.
    ZEPHYR_ERROR_CLOSED = 40,
    /// This can't be done on a thread that calls back: it would wait for itself.
    ZEPHYR_ERROR_IN_CALLBACK = 41,
    /// The client takes part in the rounds already.
    ZEPHYR_ERROR_RUNNING = 42,
    /// It did not happen in time.
    ZEPHYR_ERROR_TIMEOUT = 43,
    /// There is no home in this folder: create one.
    ZEPHYR_ERROR_NO_HOME = 44,
    /// Another program or client uses this home.
    ZEPHYR_ERROR_IN_USE = 45,
    /// The home in this folder belongs to another address or network.
    ZEPHYR_ERROR_OTHER_HOME = 46,
    /// The home can't be used: its disk is full, read-only or damaged, or a newer version wrote it.
    ZEPHYR_ERROR_HOME = 47,
    /// This is not the text of a network file.
    ZEPHYR_ERROR_NETWORK = 48,
    /// A server can't be reached: try again later.
    ZEPHYR_ERROR_UNREACHABLE = 49,
    /// The address is not registered to this home, or not yet.
    ZEPHYR_ERROR_NOT_REGISTERED = 50,
    /// This is no code, such as 7GK2-M0QX: copy it from the mail.
    ZEPHYR_ERROR_CODE = 51,
    /// The code is wrong: compare it with the mail.
    ZEPHYR_ERROR_WRONG_CODE = 52,
    /// The PKG waits for no code any more: register again.
    ZEPHYR_ERROR_NO_CODE = 53,
    /// The PKG can't do it now, or too many codes were asked for: try again later.
    ZEPHYR_ERROR_LATER = 54,
    /// It was refused: see the sentence that comes with it.
    ZEPHYR_ERROR_REFUSED = 55,
    /// This is the user's own address.
    ZEPHYR_ERROR_OWN_ADDRESS = 56,
    /// The message is longer than any may be: shorten or split it.
    ZEPHYR_ERROR_TOO_LONG = 57,
    /// The address is blocked: unblock it first.
    ZEPHYR_ERROR_BLOCKED = 58,
    /// The passphrase is wrong or has fewer than 8 characters, or the file is no backup.
    ZEPHYR_ERROR_PASSPHRASE = 59,

    /// There is no such connection, or not any more: forget it.
    ZEPHYR_ERROR_CONNECTION = 60,
    /// Not now: another call has to come first.
    ZEPHYR_ERROR_STATE = 61,
    /// The slot is not waiting for this (any more), or the fragment doesn't fit: it carries cover. Send the fragment in
    /// a later one.
    ZEPHYR_ERROR_SLOT = 62,
    /// There is no room for more.
    ZEPHYR_ERROR_FULL = 63,
    /// The network has no such server.
    ZEPHYR_ERROR_SERVER = 64,
    /// What was saved is damaged.
    ZEPHYR_ERROR_DAMAGED = 65,
    /// The server is not the one that it should be, or doesn't keep to the protocol: connect anew.
    ZEPHYR_ERROR_LINK = 67,

    /// No more contacts fit while the client takes part: stop and start it.
    ZEPHYR_ERROR_CONTACTS_FULL = 80,
    /// There is no message with this number.
    ZEPHYR_ERROR_NO_MESSAGE = 81,
    /// There is such a file or home already: nothing is overwritten.
    ZEPHYR_ERROR_EXISTS = 82,
    /// A file can't be read or written.
    ZEPHYR_ERROR_FILE = 83,
    /// The operating system gave no thread, no sockets or not enough memory.
    ZEPHYR_ERROR_SYSTEM = 84,
}

use zephyr_status::*;

/// The sentence that belongs to a status.
fn sentence(status: i32) -> &'static CStr {
    const ALL: &[(zephyr_status, &CStr)] = &[
        (ZEPHYR_OK, c"It was done."),
        (ZEPHYR_ERROR_NULL, c"A pointer is NULL that must not be."),
        (ZEPHYR_ERROR_ARGUMENT, c"An argument has a value or a length that it can't have."),
        (ZEPHYR_ERROR_BUFFER, c"The buffer is too short: see how much is needed."),
        (ZEPHYR_ERROR_HANDLE, c"The object was wiped or freed already, or is of another kind."),
        (ZEPHYR_ERROR_UTF8, c"A text is not UTF-8."),
        (ZEPHYR_ERROR_ABI, c"The header is of another version: compile with this library's."),
        (ZEPHYR_ERROR_RANDOM, c"The source of random numbers failed."),
        (ZEPHYR_ERROR_PANIC, c"A bug in the library: please report it, and close what was used."),
        (ZEPHYR_ERROR_ADDRESS, c"This is not an e-mail address that Zephyr can use."),
        (ZEPHYR_ERROR_MANIFEST, c"These bytes are no manifest of a network."),
        (ZEPHYR_ERROR_DIRECTORY, c"This directory is not valid for its round."),
        (ZEPHYR_ERROR_KEY, c"The key does not fit its owner or round, or is no key."),
        (ZEPHYR_ERROR_NOT_MINE, c"The message is not for this key, or was changed on the way."),
        (ZEPHYR_ERROR_PACKET, c"The packet was changed, or is none for this mixer and position."),
        (ZEPHYR_ERROR_SIGNATURE, c"A signature is wrong."),
        (ZEPHYR_ERROR_CLOSED, c"The client was closed during the call."),
        (ZEPHYR_ERROR_IN_CALLBACK, c"This can't be done on a thread that calls back."),
        (ZEPHYR_ERROR_RUNNING, c"The client takes part in the rounds already."),
        (ZEPHYR_ERROR_TIMEOUT, c"It did not happen in time."),
        (ZEPHYR_ERROR_NO_HOME, c"There is no home in this folder: create one."),
        (ZEPHYR_ERROR_IN_USE, c"Another program or client uses this home."),
        (
            ZEPHYR_ERROR_OTHER_HOME,
            c"The home in this folder belongs to another address or network.",
        ),
        (ZEPHYR_ERROR_HOME, c"The home can't be used."),
        (ZEPHYR_ERROR_NETWORK, c"This is not the text of a network file."),
        (ZEPHYR_ERROR_UNREACHABLE, c"A server can't be reached: try again later."),
        (ZEPHYR_ERROR_NOT_REGISTERED, c"The address is not registered to this home, or not yet."),
        (ZEPHYR_ERROR_CODE, c"This is no code, such as 7GK2-M0QX: copy it from the mail."),
        (ZEPHYR_ERROR_WRONG_CODE, c"The code is wrong: compare it with the mail."),
        (ZEPHYR_ERROR_NO_CODE, c"The PKG waits for no code any more: register again."),
        (ZEPHYR_ERROR_LATER, c"The PKG can't do it now: try again later."),
        (ZEPHYR_ERROR_REFUSED, c"It was refused."),
        (ZEPHYR_ERROR_OWN_ADDRESS, c"This is the user's own address."),
        (ZEPHYR_ERROR_TOO_LONG, c"The message is longer than any may be: shorten or split it."),
        (ZEPHYR_ERROR_BLOCKED, c"The address is blocked: unblock it first."),
        (
            ZEPHYR_ERROR_PASSPHRASE,
            c"The passphrase is wrong or has fewer than 8 characters, or the file is no backup.",
        ),
        (ZEPHYR_ERROR_CONTACTS_FULL, c"No more contacts fit: stop the client and start it again."),
        (ZEPHYR_ERROR_NO_MESSAGE, c"There is no message with this number."),
        (ZEPHYR_ERROR_EXISTS, c"There is such a file or home already: nothing is overwritten."),
        (ZEPHYR_ERROR_FILE, c"A file can't be read or written."),
        (
            ZEPHYR_ERROR_SYSTEM,
            c"The operating system gave no thread, no sockets or not enough memory.",
        ),
        (ZEPHYR_ERROR_CONNECTION, c"There is no such connection, or not any more."),
        (ZEPHYR_ERROR_STATE, c"Not now: another call has to come first."),
        (ZEPHYR_ERROR_SLOT, c"The slot carries cover: send the fragment in a later one."),
        (ZEPHYR_ERROR_FULL, c"There is no room for more."),
        (ZEPHYR_ERROR_SERVER, c"The network has no such server."),
        (ZEPHYR_ERROR_DAMAGED, c"What was saved is damaged."),
        (ZEPHYR_ERROR_LINK, c"The server doesn't keep to the protocol: connect anew."),
    ];
    let found = ALL.iter().find(|(known, _)| *known as i32 == status);
    found.map_or(c"A status that this version of the library doesn't know.", |(_, text)| text)
}

/// A sentence in English for a status. Lives for ever; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_status_text(status: i32) -> *const c_char {
    sentence(status).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_sentence_or_says_that_it_has_none() {
        assert_eq!(sentence(0), c"It was done.");
        for status in -10..200 {
            assert!(sentence(status).to_bytes().ends_with(b"."), "{status}");
        }
    }
}
