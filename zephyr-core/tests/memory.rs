//! How much memory a client takes: a microcontroller has no heap, and the session stands in its static memory.

#![allow(missing_docs)]

use zephyr_core::session::{Contact, Session, TagEntry};
use zephyr_core::{Portable, Standard};

/// A machine of 32 bits needs less.
#[test]
fn a_session_and_its_contacts_are_small() {
    let session = size_of::<Session<'_, Standard>>();
    let contact = size_of::<Option<Contact<Portable>>>();
    let tag = size_of::<TagEntry>();
    println!("session {session}, contact {contact}, tag {tag} bytes");
    assert!(session <= 13 * 1024, "a session has {session} bytes");
    assert!(contact <= 768, "a contact has {contact} bytes");
    assert!(tag <= 24, "a tag has {tag} bytes");
}
