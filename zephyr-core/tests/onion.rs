//! Packets through mixers, and what attackers do to them.

#![allow(missing_docs)]

mod common;

use common::*;
use proptest::prelude::*;
use rand_chacha::rand_core::Rng;
use zephyr_core::*;

const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([1; 32]);

fn geometry(hops: usize, payload: usize) -> Geometry {
    Geometry::new(hops, payload).unwrap()
}

/// Wraps random bytes for the whole of `route` and returns them with the packet.
fn packet(geometry: Geometry, route: &[Hop], seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut rng = rng(seed);
    let mut sealed = vec![0; geometry.sealed_len()];
    rng.fill_bytes(&mut sealed);
    let mut packet = vec![0; geometry.packet_len()];
    let to = Wrap { geometry, directory: &DIRECTORY, route, mailbox: Mailbox(seed as u32) };
    wrap::<S>(to, &sealed, &mut packet, &mut rng, &mut hedge()).unwrap();
    (sealed, packet)
}

/// Peels the packet by each of `mixers` from `first` on and checks where it comes out.
fn travel(mixers: &[Mixer<S>], first: usize, packet: &mut [u8], sealed: &[u8], mailbox: Mailbox) {
    let hops = first + mixers.len();
    for (i, mixer) in mixers.iter().enumerate() {
        let next = mixer.peel(first + i, packet).unwrap();
        if first + i + 1 < hops {
            assert_eq!(next, Next::Mixer(MixerIndex(i as u16 + 1)));
        } else {
            assert_eq!(next, Next::Mailbox(mailbox));
        }
    }
    assert_eq!(&packet[..sealed.len()], sealed);
}

#[test]
fn packets_travel_over_1_to_16_hops_at_any_payload_length() {
    for hops in 1..=MAX_HOPS {
        for payload in [MIN_PAYLOAD, 1000, 1024, 4097] {
            let geometry = geometry(hops, payload);
            let (mixers, route) = mixers(geometry, &DIRECTORY, hops, 1);
            let (sealed, mut packet) = packet(geometry, &route, 7);
            travel(&mixers, 0, &mut packet, &sealed, Mailbox(7));
        }
    }
}

#[test]
fn the_largest_packets_travel() {
    let geometry = geometry(MAX_HOPS, MAX_PAYLOAD);
    let (mixers, route) = mixers(geometry, &DIRECTORY, MAX_HOPS, 1);
    let (sealed, mut packet) = packet(geometry, &route, 7);
    travel(&mixers, 0, &mut packet, &sealed, Mailbox(7));
}

#[test]
fn noise_from_the_middle_has_the_same_length_and_arrives() {
    for hops in 1..=MAX_HOPS {
        let geometry = geometry(hops, 200);
        for len in 1..=hops {
            let (mixers, route) = mixers(geometry, &DIRECTORY, len, 3);
            let (sealed, mut packet) = packet(geometry, &route, 9);
            assert_eq!(packet.len(), geometry.packet_len());
            travel(&mixers, hops - len, &mut packet, &sealed, Mailbox(9));
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_at_every_hop() {
    let geometry = geometry(3, 300);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 3, 1);
    let (_, mut packet) = packet(geometry, &route, 1);
    let mut rng = rng(2);
    for (position, mixer) in mixers.iter().enumerate() {
        for byte in 0..packet.len() {
            let mut damaged = packet.clone();
            damaged[byte] ^= 1 << (rng.next_u32() % 8);
            let before = damaged.clone();
            let result = mixer.peel(position, &mut damaged);
            assert_eq!(result, Err(PeelError::NotAuthentic), "hop {position}, byte {byte}");
            assert_eq!(damaged, before, "left as it is");
        }
        for bit in 0..48 * 8 {
            let mut damaged = packet.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(mixer.peel(position, &mut damaged), Err(PeelError::NotAuthentic));
        }
        mixer.peel(position, &mut packet).unwrap();
    }
}

#[test]
fn a_packet_of_another_length_is_refused() {
    let geometry = geometry(3, 300);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 3, 1);
    let (_, packet) = packet(geometry, &route, 1);
    let mut longer = packet.clone();
    longer.push(0);
    assert_eq!(mixers[0].peel(0, &mut longer), Err(PeelError::Length));
    assert_eq!(mixers[0].peel(0, &mut longer[..packet.len() - 1]), Err(PeelError::Length));
    assert_eq!(mixers[0].peel(0, &mut []), Err(PeelError::Length));
    assert_eq!(mixers[0].peel(3, &mut packet.clone()), Err(PeelError::Length), "no such position");
}

#[test]
fn no_byte_of_a_packet_is_constant_at_any_hop() {
    const PACKETS: usize = 256;
    let geometry = geometry(4, 128);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 4, 1);
    let (mut values, mut ones) = (vec![], vec![]);
    for _ in 0..4 {
        values.push(vec![[false; 256]; geometry.packet_len()]);
        ones.push(vec![0usize; geometry.packet_len() * 8]);
    }
    for seed in 0..PACKETS {
        // The same message to the same mailbox: only the layers differ.
        let sealed = vec![0; geometry.sealed_len()];
        let mut packet = vec![0; geometry.packet_len()];
        let to = Wrap { geometry, directory: &DIRECTORY, route: &route, mailbox: Mailbox(0) };
        wrap::<S>(to, &sealed, &mut packet, &mut rng(seed as u64), &mut hedge()).unwrap();
        for (hop, mixer) in mixers.iter().enumerate() {
            for (i, &byte) in packet.iter().enumerate() {
                values[hop][i][usize::from(byte)] = true;
                (0..8).for_each(|b| ones[hop][i * 8 + b] += usize::from(byte >> b & 1));
            }
            mixer.peel(hop, &mut packet).unwrap();
        }
    }
    // 256 draws show 162 of 256 values on average, with a deviation of 5; a bit 128 ± 8 ones.
    for hop in 0..4 {
        for (i, values) in values[hop].iter().enumerate() {
            let distinct = values.iter().filter(|&&v| v).count();
            // The top bit of an X25519 key is always 0.
            let least = if i == 31 { 80 } else { 125 };
            assert!(distinct > least, "hop {hop}, byte {i}: {distinct} values");
        }
        for (bit, &ones) in ones[hop].iter().enumerate() {
            let ok = if bit == 255 { ones == 0 } else { (70..=186).contains(&ones) };
            assert!(ok, "hop {hop}, bit {bit}: {ones} ones of {PACKETS}");
        }
    }
}

#[test]
fn noise_looks_like_any_other_packet_at_its_hop() {
    // Every byte of noise that is wrapped for position 2 takes many values, junk and filler included.
    let geometry = geometry(4, 128);
    let (_, route) = mixers(geometry, &DIRECTORY, 2, 1);
    let mut values = vec![[false; 256]; geometry.packet_len()];
    for seed in 0..256 {
        let (_, packet) = packet(geometry, &route, seed);
        packet.iter().zip(&mut values).for_each(|(&b, v)| v[usize::from(b)] = true);
    }
    for (i, values) in values.iter().enumerate() {
        let distinct = values.iter().filter(|&&v| v).count();
        assert!(distinct > if i == 31 { 80 } else { 125 }, "byte {i}: {distinct} values");
    }
}

#[test]
fn a_packet_held_back_to_a_later_phase_is_refused() {
    let geometry = geometry(4, 300);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 4, 1);
    let (_, mut packet) = packet(geometry, &route, 1);
    for (position, mixer) in mixers.iter().enumerate() {
        for wrong in (0..4).filter(|&p| p != position) {
            let result = mixer.peel(wrong, &mut packet.clone());
            assert_eq!(result, Err(PeelError::NotAuthentic), "{position} as {wrong}");
        }
        mixer.peel(position, &mut packet).unwrap();
    }
}

#[test]
fn a_packet_of_another_round_is_refused_even_under_the_same_key() {
    let geometry = geometry(2, 300);
    let (_, route) = mixers(geometry, &DIRECTORY, 2, 1);
    let (_, mut packet) = packet(geometry, &route, 1);
    let (other, same_keys) = mixers(geometry, &DirectoryHash::from_bytes([2; 32]), 2, 1);
    assert_eq!(route, same_keys);
    assert_eq!(other[0].peel(0, &mut packet), Err(PeelError::NotAuthentic));
}

#[test]
fn a_packet_for_another_mixer_is_refused() {
    let geometry = geometry(2, 300);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 2, 1);
    let (_, packet) = packet(geometry, &route, 1);
    assert_eq!(mixers[1].peel(0, &mut packet.clone()), Err(PeelError::NotAuthentic));
    assert_eq!(mixers[1].peel(1, &mut packet.clone()), Err(PeelError::NotAuthentic));
}

/// The points of order 1, 2, 4 and 8 and their other encodings, as libsodium lists them.
const LOW_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn low_order_keys_are_refused_though_their_packet_verifies() {
    let geometry = geometry(1, 128);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 1, 1);
    for text in LOW_ORDER {
        for top_bit in [0, 0x80] {
            let mut epk: [u8; 32] = hex::decode(text).unwrap().try_into().unwrap();
            epk[31] |= top_bit;
            // The attacker knows the shared secret: it is zero.
            let parts: [&[u8]; 4] = [&epk, &route[0].key, DIRECTORY.as_bytes(), &[0]];
            let okm: [u8; 64] = reference::kdf("ONION-HOP", &[0; 32], &parts);
            let mut body = vec![0; geometry.body_len()];
            reference::xsalsa20(okm[..32].try_into().unwrap(), &[0; 24], &mut body);
            let mac = reference::poly1305(okm[32..].try_into().unwrap(), &body);
            let mut packet = [&epk[..], &mac, &body].concat();
            assert_eq!(mixers[0].peel(0, &mut packet), Err(PeelError::NotAuthentic), "{text}");
        }
    }
}

#[test]
fn nothing_is_wrapped_for_a_mixer_with_a_low_order_key() {
    let geometry = geometry(2, 128);
    let (_, mut route) = mixers(geometry, &DIRECTORY, 2, 1);
    route[1].key = [0; 32];
    let to = Wrap { geometry, directory: &DIRECTORY, route: &route, mailbox: Mailbox(0) };
    let (sealed, mut packet) = (vec![0; geometry.sealed_len()], vec![0; geometry.packet_len()]);
    assert!(wrap::<S>(to, &sealed, &mut packet, &mut rng(1), &mut hedge()).is_none());
}

#[test]
fn what_does_not_fit_the_geometry_is_not_wrapped() {
    let geometry = geometry(2, 128);
    let (_, route) = mixers(geometry, &DIRECTORY, 3, 1);
    let try_wrap = |route: &[Hop], sealed: usize, packet: usize| {
        let to = Wrap { geometry, directory: &DIRECTORY, route, mailbox: Mailbox(0) };
        let (sealed, mut packet) = (vec![0; sealed], vec![0; packet]);
        wrap::<S>(to, &sealed, &mut packet, &mut rng(1), &mut hedge())
    };
    let (sealed, packet) = (geometry.sealed_len(), geometry.packet_len());
    assert!(try_wrap(&route[..2], sealed, packet).is_some());
    assert!(try_wrap(&route, sealed, packet).is_none(), "too many mixers");
    assert!(try_wrap(&[], sealed, packet).is_none(), "no mixer");
    assert!(try_wrap(&route[..2], sealed - 1, packet).is_none());
    assert!(try_wrap(&route[..2], sealed, packet + 1).is_none());
}

#[test]
fn a_replayed_packet_shows_the_same_ephemeral_key() {
    let geometry = geometry(2, 300);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 2, 1);
    let (_, first) = packet(geometry, &route, 1);
    let (_, other) = packet(geometry, &route, 2);
    let key = |p: &[u8]| Mixer::<S>::ephemeral_key(p).unwrap();
    assert_eq!(key(&first), key(&first.clone()));
    assert_ne!(key(&first), key(&other));
    let (mut a, mut b) = (first.clone(), first.clone());
    mixers[0].peel(0, &mut a).unwrap();
    mixers[0].peel(0, &mut b).unwrap();
    assert_eq!(a, b, "at every hop");
    assert!(Mixer::<S>::ephemeral_key(&[0; 31]).is_none());
}

#[test]
fn a_routing_block_with_more_than_a_mailbox_is_refused_by_the_last_mixer() {
    let geometry = geometry(2, 128);
    let (mixers, route) = mixers(geometry, &DIRECTORY, 2, 1);
    let sealed = vec![5; geometry.sealed_len()];
    for byte in 4..50 {
        let mut last = vec![0; 50];
        last[byte] = 1;
        let mut packet = reference::wrap(&layers(&route, last), &[1; 32], &sealed, &[]);
        assert_eq!(mixers[0].peel(0, &mut packet), Ok(Next::Mixer(MixerIndex(1))));
        assert_eq!(mixers[1].peel(1, &mut packet), Err(PeelError::Routing), "byte {byte}");
    }
}

fn layers(route: &[Hop], last: Vec<u8>) -> Vec<reference::Layer> {
    let mut layers: Vec<_> = route
        .iter()
        .enumerate()
        .map(|(i, hop)| reference::Layer {
            secret: [i as u8 + 1; 32],
            mixer_key: hop.key,
            position: i as u8,
            routing: (i as u16 + 1).to_be_bytes().to_vec(),
        })
        .collect();
    layers.last_mut().unwrap().routing = last;
    layers
}

#[test]
fn a_packet_made_by_the_book_peels_like_ours() {
    for hops in 1..=MAX_HOPS {
        let geometry = geometry(hops, 150);
        let (mixers, route) = mixers(geometry, &DIRECTORY, hops, 4);
        let sealed = vec![5; geometry.sealed_len()];
        let mut last = vec![0; 50];
        last[3] = 8;
        for skipped in 0..hops {
            let mut layers = layers(&route[..hops - skipped], last.clone());
            layers.iter_mut().for_each(|l| l.position += skipped as u8);
            let mut packet = reference::wrap(&layers, &[1; 32], &sealed, &vec![3; skipped * 50]);
            travel(&mixers[..hops - skipped], skipped, &mut packet, &sealed, Mailbox(8));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn peeling_survives_arbitrary_bytes(
        hops in 1..=MAX_HOPS,
        position in 0usize..20,
        mut bytes in prop::collection::vec(any::<u8>(), 0..2000),
        right_length: bool,
    ) {
        let geometry = geometry(hops, 128);
        if right_length {
            bytes.resize(geometry.packet_len(), 0xa5);
        }
        let (mixers, _) = mixers(geometry, &DIRECTORY, 1, 1);
        prop_assert!(mixers[0].peel(position, &mut bytes).is_err());
    }

    #[test]
    fn peeling_survives_what_a_malicious_sender_authenticates(
        hops in 1..=MAX_HOPS,
        last in any::<bool>(),
        block in prop::collection::vec(any::<u8>(), 50),
    ) {
        // A valid layer around arbitrary bytes: the mixer must take any routing block.
        let geometry = geometry(hops, 128);
        let position = if last { hops - 1 } else { 0 };
        let (mixers, route) = mixers(geometry, &DIRECTORY, 1, 1);
        let layer = reference::Layer {
            secret: [9; 32], mixer_key: route[0].key, position: position as u8, routing: vec![],
        };
        let (encryption, mac) = layer.keys(DIRECTORY.as_bytes());
        let mut body = vec![0x3c; geometry.body_len()];
        body[..50].copy_from_slice(&block);
        reference::xsalsa20(&encryption, &[0; 24], &mut body);
        let tag = reference::poly1305(&mac, &body);
        let mut packet = [&layer.epk()[..], &tag, &body].concat();
        let result = mixers[0].peel(position, &mut packet);
        if position + 1 < hops {
            prop_assert!(matches!(result, Ok(Next::Mixer(_))));
            prop_assert_eq!(&packet[..48], &block[2..]);
        } else {
            let zeros = block[4..].iter().all(|&b| b == 0);
            prop_assert_eq!(result.is_ok(), zeros);
        }
    }
}
