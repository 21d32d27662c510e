//! What is in the mailbox: noise, and in the midst of it one message of a contact.

use rand_core::Rng;
use zephyr_core::{
    Content, DeliveryList, Hedge, LIST_SIGNATURE_SIZE, Mailbox, MixerIndex, Payload, PayloadHeader,
    Role, SEAL_OVERHEAD, Sealer, SenderKey, SenderTag,
};

use crate::{
    network::{GEOMETRY, Network, Real, seeds},
    people::People,
    rng::TestRng,
};

/// A sealed message.
pub type Message = [u8; GEOMETRY.sealed_len()];

/// The messages, made anew each time that they are read: there is no memory for all of them.
pub struct Contents {
    /// How many there are.
    pub count: u32,
    /// The mixer that delivered them.
    pub mixer: MixerIndex,
    /// Its signature under their list.
    pub signature: [u8; LIST_SIGNATURE_SIZE],
    from_bob: Message,
    /// The valid U of a message: what is no point costs less to try.
    point: [u8; 48],
}

const U: core::ops::Range<usize> = 32..80;

impl Contents {
    /// `count` messages of which Bob sent one to Alice, signed by the round's last mixer.
    #[inline(never)]
    pub fn new(network: &Network<'_>, people: &People<'_>, rng: &mut TestRng, count: u32) -> Self {
        let from_bob = from_bob(people, rng);
        let point = from_bob[U].try_into().expect("a point's length");
        let mixer = network.exit();
        let mut contents =
            Self { count, mixer, signature: [0; LIST_SIGNATURE_SIZE], from_bob, point };
        let mut list = DeliveryList::new();
        contents.messages().for_each(|message| list.push(&message));
        let seed = seeds(Role::Mixer, mixer.0.into()).0;
        let directory = network.context.directory();
        contents.signature = list.sign::<Real>(&seed, directory, mixer, Mailbox(0));
        contents
    }

    /// The messages in their order.
    pub fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        let mut rng = TestRng::new();
        (0..self.count).map(move |i| {
            if i == self.count / 2 {
                return self.from_bob;
            }
            let mut message = [0; GEOMETRY.sealed_len()];
            rng.fill_bytes(&mut message);
            message[U].copy_from_slice(&self.point);
            message
        })
    }
}

/// Bob's message to Alice.
#[inline(never)]
fn from_bob(people: &People<'_>, rng: &mut TestRng) -> Message {
    let People { round, alice, bob } = people;
    let mut message = [0; GEOMETRY.sealed_len()];
    let header = PayloadHeader {
        sender: Some(bob.identity.address().clone()),
        content: Content::Text,
        slot: 0,
        message: 1,
        stream: 2,
        sequence: 1,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
    };
    let payload = Payload { header, body: super::client::TEXT };
    payload.encode(&mut message[SEAL_OVERHEAD..]).expect("the text is short");
    let key = SenderKey::to(bob.identity.address(), &bob.key, &alice.identity);
    let (recipient, sender) = (&alice.identity, SenderTag::Slot(&key, 0));
    let mut hedge = Hedge::new([7; 32], 0);
    Sealer::new(round).seal(recipient, sender, &mut message, rng, &mut hedge);
    message
}
