//! Against the published vector, and against another implementation.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use zephyr_aead::{open, seal};

/// RFC 8439, section 2.8.2.
#[test]
fn the_published_vector() {
    let mut message = *b"Ladies and Gentlemen of the class of '99: If I could offer you \
        only one tip for the future, sunscreen would be it.";
    let key = core::array::from_fn(|i| 0x80 + i as u8);
    let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
    let ad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
    let tag = seal(&key, &nonce, &ad, &mut message);
    assert_eq!(message[..8], [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb]);
    assert_eq!(
        tag,
        [
            0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60,
            0x06, 0x91
        ]
    );
    assert!(open(&key, &nonce, &ad, &mut message, &tag));
    assert!(message.starts_with(b"Ladies and Gentlemen"));
}

#[test]
fn every_length_is_sealed_as_another_implementation_does() {
    let (key, nonce) = ([7; 32], [9; 12]);
    let other = ChaCha20Poly1305::new(&key.into());
    for len in (0..600).chain([1_024, 4_000]) {
        let plain: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        let ad = &plain[..len.min(len % 40)];
        let (mut ours, mut theirs) = (plain.clone(), plain.clone());
        let tag = seal(&key, &nonce, ad, &mut ours);
        let expected = other
            .encrypt_inout_detached(&Nonce::from(nonce), ad, theirs.as_mut_slice().into())
            .expect("it is short");
        assert_eq!((ours.as_slice(), tag.as_slice()), (theirs.as_slice(), expected.as_slice()));
        assert!(open(&key, &nonce, ad, &mut ours, &tag));
        assert_eq!(ours, plain);
    }
}

#[test]
fn what_was_changed_is_refused_and_left_alone() {
    let (key, nonce, ad) = ([1; 32], [2; 12], *b"head");
    let mut sealed = *b"a message of some length, more than a block of Poly1305";
    let tag = seal(&key, &nonce, &ad, &mut sealed);
    for bit in 0..8 * (sealed.len() + tag.len() + ad.len()) {
        let (mut sealed, mut tag, mut ad) = (sealed, tag, ad);
        let (at, flip) = (bit / 8, 1 << (bit % 8));
        match at.checked_sub(sealed.len()) {
            None => sealed[at] ^= flip,
            Some(at) if at < tag.len() => tag[at] ^= flip,
            Some(at) => ad[at - tag.len()] ^= flip,
        }
        let before = sealed;
        assert!(!open(&key, &nonce, &ad, &mut sealed, &tag), "bit {bit}");
        assert_eq!(sealed, before);
    }
}
