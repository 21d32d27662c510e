//! What is not a message is refused, and nothing panics.

use proptest::prelude::*;
use zephyr_core::wire::*;
use zephyr_core::*;

use super::samples::{self, KINDS, again};

#[test]
fn every_message_is_read_as_it_was_written() {
    for (kind, name, bytes) in samples::all() {
        assert_eq!(again(kind, &bytes), Ok(bytes), "{kind} {name}");
    }
    let request = MixerRequest::Submit { round: Round(300), token: &[8, 9], packet: &[5; 200] };
    let mut buffer = [0; 256];
    let bytes = encode(&request, &mut buffer).unwrap();
    assert_eq!(decode::<MixerRequest<'_>>(bytes), Ok(request));
}

#[test]
fn every_cut_and_every_byte_left_over_is_refused() {
    for (kind, name, bytes) in samples::all() {
        for len in 0..bytes.len() {
            let cut = again(kind, &bytes[..len]);
            assert_eq!(cut, Err(WireError::Malformed), "{kind} {name} cut to {len}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(again(kind, &longer), Err(WireError::Malformed), "{kind} {name}");
    }
}

#[test]
fn overlong_variants_are_refused() {
    for (kind, name, bytes) in samples::all() {
        let overlong = [&[bytes[0] | 0x80, 0], &bytes[1..]].concat();
        assert_eq!(again(kind, &overlong), Err(WireError::Malformed), "{kind} {name}");
    }
}

#[test]
fn unknown_variants_are_refused() {
    for kind in KINDS {
        for variant in 0..=255 {
            let mut bytes = vec![0; 400];
            bytes[0] = variant;
            // Only those that end after the variant could be whole; what follows is left over.
            let known = samples::all().iter().any(|(k, _, b)| *k == kind && b[0] == variant);
            let short = again(kind, &[variant]);
            assert!(known || short == Err(WireError::Malformed), "{kind} {variant}");
        }
    }
}

#[test]
fn a_buffer_too_short_for_a_message_is_told() {
    let mut buffer = [0; 4];
    let result = encode(&InfoReply::Directory(&[1; 10]), &mut buffer);
    assert_eq!(result, Err(WireError::TooLong));
}

#[test]
fn a_length_beyond_the_frame_is_refused_without_memory_for_it() {
    // A directory of 2^32 - 1 bytes, and one of 2^64 - 1.
    let huge = [&[1][..], &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
    assert_eq!(again("InfoReply", &huge), Err(WireError::Malformed));
    let huge = [&[1][..], &[0xff; 9], &[1]].concat();
    assert_eq!(again("InfoReply", &huge), Err(WireError::Malformed));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_trouble_and_what_is_read_is_canonical(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        variant in 0u8..8,
    ) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = variant;
        }
        for kind in KINDS {
            if let Ok(written) = again(kind, &bytes) {
                prop_assert_eq!(&written, &bytes);
            }
        }
    }

    #[test]
    fn changed_messages_are_no_trouble(
        sample in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let samples = samples::all();
        let (kind, _, mut bytes) = samples[sample.index(samples.len())].clone();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(written) = again(kind, &bytes) {
            prop_assert_eq!(&written, &bytes);
        }
    }
}
