//! Payloads: what is written is read, and nothing else is.

#![allow(missing_docs)]

mod common;

use common::{address, payload};
use proptest::prelude::*;
use zephyr_core::*;

const LEN: usize = 256;

fn any_header() -> impl Strategy<Value = PayloadHeader> {
    let sender = prop::option::of("[a-z]{1,10}@[a-z]{1,10}\\.org");
    let content = prop::sample::select(vec![Content::Text, Content::File]);
    let numbers = (any::<u64>(), any::<[u32; 4]>());
    (sender, content, any::<u16>(), numbers, any::<[u16; 2]>()).prop_map(
        |(sender, content, slot, (message, [stream, sequence, ack_stream, ack]), [a, b])| {
            PayloadHeader {
                sender: sender.map(|s| address(&s)),
                content,
                slot,
                message,
                stream,
                sequence,
                ack_stream,
                ack,
                fragment: a.min(b.saturating_sub(1)),
                fragments: b.max(1),
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        header in any_header(),
        // 35 bytes of header and up to 25 of address.
        body in prop::collection::vec(any::<u8>(), 0..=LEN - 60),
    ) {
        let written = Payload { header, body: &body };
        let mut bytes = [0xff; LEN];
        written.encode(&mut bytes).unwrap();
        prop_assert_eq!(Payload::parse(&bytes), Some(written));
    }

    #[test]
    fn parsing_survives_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Payload::parse(&bytes);
    }

    #[test]
    fn what_parses_is_canonical(
        header in any_header(),
        changes in prop::collection::vec((0..LEN, any::<u8>()), 0..4),
    ) {
        let mut bytes = [0; LEN];
        Payload { header, body: b"body" }.encode(&mut bytes).unwrap();
        changes.into_iter().for_each(|(i, b)| bytes[i] = b);
        if let Some(read) = Payload::parse(&bytes) {
            let mut again = [0; LEN];
            read.encode(&mut again).unwrap();
            prop_assert_eq!(again, bytes);
        }
    }
}

#[test]
fn a_body_that_fills_the_payload_fits_and_one_byte_more_does_not() {
    for sender in [None, Some(address("alice@example.org"))] {
        let capacity = Payload::capacity(LEN, sender.as_ref());
        let (body, mut out) = (vec![1; capacity + 1], [0; LEN]);
        let header = common::header(sender.as_ref(), 0);
        let full = Payload { header: header.clone(), body: &body[1..] };
        full.encode(&mut out).unwrap();
        assert_eq!(Payload::parse(&out).as_ref(), Some(&full));
        assert_eq!(Payload { header, body: &body }.encode(&mut out), Err(PayloadError::TooLong));
    }
    let header = common::header(None, 0);
    let empty = Payload { header, body: b"" };
    assert_eq!(empty.encode(&mut [0; 34]), Err(PayloadError::TooLong));
    assert_eq!(empty.encode(&mut [0; 35]), Ok(()));
    assert_eq!(Payload::capacity(10, None), 0);
}

#[test]
fn a_fragment_beyond_its_message_is_not_written() {
    for (fragment, fragments) in [(0, 0), (1, 1), (5, 2)] {
        let header = PayloadHeader { fragment, fragments, ..common::header(None, 0) };
        let result = Payload { header, body: b"" }.encode(&mut [0; LEN]);
        assert_eq!(result, Err(PayloadError::Fragment));
    }
}

/// Changes bytes of a good payload and says whether it is still one.
fn with(sender: &str, change: impl FnOnce(&mut [u8])) -> bool {
    let sender = (!sender.is_empty()).then(|| address(sender));
    let mut bytes = payload(sender.as_ref(), 1, b"text", LEN);
    assert!(Payload::parse(&bytes).is_some());
    change(&mut bytes);
    Payload::parse(&bytes).is_some()
}

const ALICE: &str = "alice@example.org";

#[test]
fn an_unknown_kind_is_refused() {
    for kind in 2..=255 {
        assert!(!with(ALICE, |b| b[0] = kind));
        assert!(!with("", |b| b[0] = kind));
    }
}

#[test]
fn an_anonymous_payload_names_no_sender() {
    assert!(!with(ALICE, |b| b[0] = 0));
}

#[test]
fn a_named_sender_is_a_canonical_address() {
    assert!(!with("", |b| b[0] = 1), "empty");
    assert!(!with(ALICE, |b| b[35] = b'A'), "upper case");
    assert!(!with(ALICE, |b| b[35] = b' '), "space");
    assert!(!with(ALICE, |b| b[35 + 5] = b'x'), "no @");
    assert!(!with(ALICE, |b| b[35] = 0xc3), "no UTF-8");
    assert!(!with(ALICE, |b| b[34] = 255), "longer than there is");
    assert!(with(ALICE, |b| b[35] = b'e'));
}

#[test]
fn an_unknown_content_is_refused() {
    for content in 3..=255 {
        assert!(!with(ALICE, |b| b[1] = content));
    }
    assert!(with(ALICE, |b| b[1] = 1));
}

#[test]
fn an_empty_payload_has_no_body() {
    assert!(!with("", |b| b[1] = 2));
    assert!(with("", |b| {
        b[1] = 2;
        b[33] = 0;
        b[35..39].fill(0);
    }));
}

#[test]
fn padding_is_zero() {
    for i in 39..LEN {
        assert!(!with("", |b| b[i] = 1), "byte {i}");
    }
    assert!(!with("", |b| b[33] = 3), "a shorter body leaves its last byte in the padding");
}

#[test]
fn a_body_ends_inside_of_the_payload() {
    assert!(!with("", |b| b[32..34].copy_from_slice(&222u16.to_be_bytes())));
    assert!(with("", |b| b[32..34].copy_from_slice(&221u16.to_be_bytes())));
    assert!(!with("", |b| b[32..34].fill(0xff)));
}

#[test]
fn a_fragment_beyond_its_message_is_refused() {
    assert!(!with("", |b| b[29] = 1), "index 1 of 1");
    assert!(!with("", |b| b[31] = 0), "0 of 0");
}

#[test]
fn a_payload_shorter_than_its_header_is_refused() {
    let bytes = payload(None, 1, b"", LEN);
    for len in 0..35 {
        assert!(Payload::parse(&bytes[..len]).is_none());
    }
    assert!(Payload::parse(&bytes[..35]).is_some());
}

#[test]
fn debug_shows_neither_body_nor_sender() {
    let bytes = payload(Some(&address(ALICE)), 1, b"secret text", LEN);
    let shown = format!("{:?}", Payload::parse(&bytes).unwrap());
    assert!(!shown.contains("secret") && !shown.contains("115") && !shown.contains("alice"));
}
