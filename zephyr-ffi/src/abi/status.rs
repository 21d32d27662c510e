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
