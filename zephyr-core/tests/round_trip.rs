//! A message from one person to another through sealing, wrapping, peeling and opening.

#![allow(missing_docs)]

mod common;

use common::*;
use zephyr_core::*;

#[test]
fn a_message_reaches_its_recipient_through_the_mixers() {
    let geometry = Geometry::new(3, 256).unwrap();
    let world = World::new(1, 2, 5, 1);
    let (alice, bob) = (world.person("alice@example.org"), world.person("bob@example.org"));
    let mut sealed = seal(&world, Some(&alice), 1, &bob.identity, b"hello", geometry, 1);

    let keys: Vec<_> = (0..3).map(|i| MixerKey::generate(&mut rng(i), &mut hedge())).collect();
    let route: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| Hop { mixer: MixerIndex(i as u16), key: key.public::<S>() })
        .collect();
    let to =
        Wrap { geometry, directory: world.context.directory(), route: &route, mailbox: Mailbox(4) };
    let mut packet = vec![0; geometry.packet_len()];
    wrap::<S>(to, &sealed, &mut packet, &mut rng(2), &mut hedge()).unwrap();
    for (i, key) in keys.into_iter().enumerate() {
        let mixer = Mixer::<S>::new(geometry, *world.context.directory(), key);
        let next = mixer.peel(i, &mut packet).unwrap();
        if i < 2 {
            assert_eq!(next, Next::Mixer(MixerIndex(i as u16 + 1)));
        } else {
            assert_eq!(next, Next::Mailbox(Mailbox(4)));
        }
    }
    assert_eq!(sealed, packet[..geometry.sealed_len()]);

    let opener = Opener::new(&world.context, bob.identity.address(), &bob.key);
    let key = SenderKey::from(&alice.identity, bob.identity.address(), &bob.key);
    assert_eq!(Sealed::new(&sealed).unwrap().tag(), key.tag(world.context.directory(), 1));
    let mut copy = sealed.clone();
    let opened = opener.open_from(alice.identity.address(), &key, 1, &mut copy).unwrap();
    assert_eq!(opened.payload.body, b"hello");
    let opened = opener.open(&mut sealed).unwrap();
    assert_eq!(opened.payload.header.sender.as_ref(), Some(alice.identity.address()));
    assert_eq!(opened.payload.body, b"hello");
}
