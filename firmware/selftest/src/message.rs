//! One message: sealed, wrapped, peeled at each hop, found by its tag, and opened.

use zephyr_core::{
    Content, Hedge, Hop, Mailbox, Mixer, MixerIndex, MixerKey, Next, Opener, Payload,
    PayloadHeader, SEAL_OVERHEAD, Sealed, Sealer, SenderKey, SenderTag, Wrap, wrap,
};

use crate::{
    network::{GEOMETRY, MIXERS as HOPS, Real},
    people::People,
    report::Report,
    rng::TestRng,
};

const MAILBOX: Mailbox = Mailbox(5);
const SLOT: u16 = 1;
const TEXT: &[u8] = b"Meet me where the west wind ends.";

type SealedBytes = [u8; GEOMETRY.sealed_len()];
type PacketBytes = [u8; GEOMETRY.packet_len()];

/// Takes a message from Alice to Bob through three mixers.
#[inline(never)]
pub fn deliver(report: &mut Report, rng: &mut TestRng, people: &People<'_>) {
    let keys = sender_keys(report, people);
    let sealed = seal(report, rng, people, &keys[0]);
    let delivered = through_mixers(report, rng, people, &sealed);
    assert_eq!(delivered, sealed, "the onion changed the message");
    open(report, people, &keys[1], &delivered);
}

/// The key from Alice to Bob as each of them computes it.
fn sender_keys(report: &mut Report, people: &People<'_>) -> [SenderKey; 2] {
    let People { round, alice, bob } = people;
    let (from, to) = (alice.identity.address(), bob.identity.address());
    let alices =
        report.step("sender key, to a contact", || SenderKey::to(from, &alice.key, &bob.identity));
    let bobs = report
        .step("sender key, from a contact", || SenderKey::from(&alice.identity, to, &bob.key));
    let tags = [&alices, &bobs].map(|key| key.tag(round.directory(), SLOT));
    assert_eq!(tags[0], tags[1], "the two sender keys differ");
    [alices, bobs]
}

#[inline(never)]
fn seal(
    report: &mut Report,
    rng: &mut TestRng,
    people: &People<'_>,
    sender_key: &SenderKey,
) -> SealedBytes {
    let mut hedge = Hedge::new([5; 32], 0);
    let header = PayloadHeader {
        sender: Some(people.alice.identity.address().clone()),
        content: Content::Text,
        slot: SLOT,
        message: 1,
        stream: 2,
        sequence: 1,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
    };
    let mut message = [0; GEOMETRY.sealed_len()];
    let payload = Payload { header, body: TEXT };
    payload.encode(&mut message[SEAL_OVERHEAD..]).expect("the text is short");
    report.step("seal 256 bytes", || {
        let sender = SenderTag::Slot(sender_key, SLOT);
        let recipient = &people.bob.identity;
        Sealer::new(people.round).seal(recipient, sender, &mut message, rng, &mut hedge);
    });
    message
}

#[inline(never)]
fn through_mixers(
    report: &mut Report,
    rng: &mut TestRng,
    people: &People<'_>,
    sealed: &SealedBytes,
) -> SealedBytes {
    let mut hedge = Hedge::new([6; 32], 0);
    let directory = *people.round.directory();
    let keys: [MixerKey; HOPS] = core::array::from_fn(|_| MixerKey::generate(rng, &mut hedge));
    let route: [Hop; HOPS] = core::array::from_fn(|i| Hop {
        mixer: MixerIndex(i as u16),
        key: keys[i].public::<Real>(),
    });
    let mixers = keys.map(|key| Mixer::<Real>::new(GEOMETRY, directory, key));
    let to = Wrap { geometry: GEOMETRY, directory: &directory, route: &route, mailbox: MAILBOX };
    let mut packet: PacketBytes = [0; GEOMETRY.packet_len()];
    report.step("wrap for 3 hops", || {
        wrap::<Real>(to, sealed, &mut packet, rng, &mut hedge).expect("the sizes are right")
    });
    for (position, mixer) in mixers.iter().enumerate() {
        let mut damaged = packet;
        damaged[GEOMETRY.packet_len() - 1] ^= 1;
        assert!(mixer.peel(position, &mut damaged).is_err(), "a damaged packet was taken");
        let next = report.step("peel", || mixer.peel(position, &mut packet));
        let expected = match position + 1 {
            HOPS => Next::Mailbox(MAILBOX),
            next => Next::Mixer(MixerIndex(next as u16)),
        };
        assert_eq!(next, Ok(expected), "peeled at position {position}");
    }
    *packet.first_chunk().expect("a packet is longer than its message")
}

#[inline(never)]
fn open(report: &mut Report, people: &People<'_>, sender_key: &SenderKey, sealed: &SealedBytes) {
    let People { round, alice, bob } = people;
    let sender = alice.identity.address();
    let tag = Sealed::new(sealed).expect("it has its length").tag();
    assert_eq!(tag, sender_key.tag(round.directory(), SLOT), "the tag is another one");

    let bobs = Opener::new(round, bob.identity.address(), &bob.key);
    let mut message = *sealed;
    let opened = report.step("open by a contact's tag", || {
        bobs.open_from(sender, sender_key, SLOT, &mut message)
            .map(|opened| opened.payload.body.len())
    });
    assert_eq!(opened, Some(TEXT.len()), "the message did not open");
    assert_eq!(Payload::parse(&message[SEAL_OVERHEAD..]).map(|p| p.body), Some(TEXT));

    let mut message = *sealed;
    let opened = report.step("trial decryption of one's own message", || {
        bobs.open(&mut message).map(|opened| opened.payload.body.len())
    });
    assert_eq!(opened, Some(TEXT.len()), "the message did not open without its tag");

    let alices = Opener::new(round, sender, &alice.key);
    let mut message = *sealed;
    let foreign = report
        .step("trial decryption of a foreign message", || alices.open(&mut message).is_some());
    assert!(!foreign, "somebody else's message opened");
    let mut message = *sealed;
    message[GEOMETRY.sealed_len() - 1] ^= 1;
    let damaged = bobs.open_from(sender, sender_key, SLOT, &mut message).is_some();
    assert!(!damaged, "a damaged message opened");
}
