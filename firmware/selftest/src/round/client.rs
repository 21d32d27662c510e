//! A client in its round.

use rand_core::Rng;
use zephyr_core::{
    Address, Connection, Content, FRAME_PREFIX, Hop, Link, LinkKey, ListPart, Received, Role,
    Suite, UnixMs,
    session::{
        Action, Contact, Draft, Event, ExchangeId, Reaction, ServerRef, Session, Settings, Storage,
        TagEntry,
    },
    wire::{MailboxReply, encode},
};
use zeroize::Zeroizing;

use crate::{
    network::{GEOMETRY, MIXERS, Network, ROUND, Real, seeds},
    people::People,
    rng::TestRng,
    timer,
};

use super::cost::{Cost, Part};
use super::mailbox::Contents;
use super::servers;

/// How many contacts the client has.
pub const CONTACTS: usize = 8;
/// What the client sends, and gets.
pub const TEXT: &[u8] = b"Meet me where the west wind ends.";
/// As long as a packet, or a directory of three mixers, with all that is around it.
const ROOM: usize = 2048;
/// The frame with the wire version in front of a link's first message.
const VERSION_FRAME: usize = FRAME_PREFIX + 17;

type Buffer = [u8; ROOM];

/// When the client begins: when the round's packets may be submitted. In the network's time and its own.
pub fn start(network: &Network<'_>) -> UnixMs {
    network.manifest.parameters().schedule(ROUND).submit_from
}

/// Lets Alice take part in the round, and says what that costs her.
#[inline(never)]
pub fn round(
    rng: &mut TestRng,
    network: &Network<'_>,
    people: &People<'_>,
    contents: &Contents,
    contacts_only: bool,
) -> Cost {
    let mut packets = [0; GEOMETRY.packet_len()];
    let mut contacts: [Option<Contact<_>>; CONTACTS] = [const { None }; CONTACTS];
    let mut tags = [TagEntry::default(); 4 * CONTACTS];
    let mut held = [0; 2 * GEOMETRY.packet_len()];
    let mut hops = [Hop::EMPTY; MIXERS];
    let storage = Storage {
        packets: &mut packets,
        contacts: &mut contacts,
        tags: &mut tags,
        held: &mut held,
        hops: &mut hops,
        exchanges: &mut [None],
    };
    let now = start(network);
    let settings = Settings {
        address: people.alice.identity.address().clone(),
        seed: Zeroizing::new([8; 32]),
        contacts_only,
        verify_proofs: false,
        last_round: None,
    };
    let mut session = Session::<Real>::new(network.manifest.clone(), settings, storage, now);
    for i in 0..CONTACTS as u8 {
        session.add_contact(contact(people, i));
    }
    let client =
        Client { session, rng, now, network, contents, cost: Cost::new(), request: [0; ROOM] };
    client.run()
}

/// Bob, and seven others.
fn contact(people: &People<'_>, number: u8) -> Address {
    if number == 0 {
        return people.bob.identity.address().clone();
    }
    let mut text = *b"contact-0@example.org";
    text[8] += number;
    let text = core::str::from_utf8(&text).expect("it is ASCII");
    Address::parse(text).expect("it is an address")
}

struct Client<'c> {
    session: Session<'c, Real>,
    rng: &'c mut TestRng,
    now: UnixMs,
    network: &'c Network<'c>,
    contents: &'c Contents,
    cost: Cost,
    request: Buffer,
}

/// What to do after a frame.
#[derive(PartialEq)]
enum Then {
    Wait,
    Send(usize),
    Close,
}

impl Client<'_> {
    fn run(mut self) -> Cost {
        loop {
            while let Some(action) = self.cost.count(|| self.session.poll(self.now, self.rng)) {
                match action {
                    Action::Connect { exchange, server } => self.exchange(exchange, server),
                    Action::Fill { round, slot, .. } => {
                        let draft = Some(draft());
                        let filled =
                            self.cost.count(|| self.session.fill(round, slot, draft, self.rng));
                        assert!(filled, "the message was not packed");
                    }
                    Action::Open => {
                        let (_, payload) =
                            self.cost.count(|| self.session.open()).expect("it is Bob's");
                        assert_eq!(payload.body, TEXT, "another message came out");
                    }
                    Action::Continue => {}
                    Action::Event(Event::Scanned { messages, opened, .. }) => {
                        assert_eq!((messages, opened), (self.contents.count, 1));
                        return self.cost;
                    }
                    Action::Event(event) => self.note(&event),
                }
            }
            self.now = self.session.poll_timeout();
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Opened { .. } => self.cost.part = Part::Keys,
            Event::Keyed { .. } => self.cost.part = Part::Send,
            Event::SlotSent { .. } => self.cost.part = Part::Tags,
            Event::Clock { .. } => {}
            event => panic!("{event:?}"),
        }
    }

    /// A link to the server, a request, and what it answers; all over again while the session wants to send.
    #[inline(never)]
    fn exchange(&mut self, id: ExchangeId, server: ServerRef) {
        let Client { network, now, .. } = *self;
        let entry = network.manifest.server(server.role, server.index).expect("it is listed");
        let (id_of_network, mut bytes) = (network.manifest.network(), [0; ROOM]);
        let ephemerals = [self.random(), self.random()];
        let key = LinkKey::new::<<Real as Suite>::Dh>(&seeds(server.role, server.index).1);
        let mut ends = Ends {
            client: Connection::new(id_of_network, &entry.link_key, ephemerals[0], [0; ROOM]),
            server: Link::responder(id_of_network, &key, ephemerals[1]),
        };
        let hash = ends.handshake(&mut self.cost, &mut bytes);
        let reaction =
            self.cost.count(|| self.session.handle_connected(id, &hash, now, &mut self.request));
        let mut then = Then::from(reaction);
        let mut first = true;
        while let Then::Send(len) = then {
            let request = &self.request[..len];
            let opened = ends.request(&mut self.cost, request, first, &mut bytes);
            first = false;
            if server.role == Role::Mailbox {
                return self.download(id, &mut ends);
            }
            let mut answer = [0; ROOM];
            let len = servers::answer(network, server, opened, &mut answer);
            then = self.frame(id, &mut ends, &answer[..len]);
        }
        assert!(then == Then::Close, "the session waits for more");
    }

    /// The mailbox, frame by frame.
    #[inline(never)]
    fn download(&mut self, id: ExchangeId, ends: &mut Ends) {
        self.cost.part = Part::Mailbox;
        let (contents, mut bytes) = (self.contents, [0; 160]);
        let (mixer, messages) = (contents.mixer, contents.count);
        let signature = zephyr_core::wire::Bytes(contents.signature);
        let mut reply = |client: &mut Self, ends: &mut Ends, reply: MailboxReply| {
            let reply = encode(&reply, &mut bytes).expect("there is room");
            client.frame(id, ends, reply)
        };
        let _ = reply(self, ends, MailboxReply::Start { lists: 1, messages });
        let _ = reply(self, ends, MailboxReply::List { mixer, messages, signature });
        let mut list = ListPart::heads();
        for message in contents.messages() {
            let (check, ()) = timer::count(|| list.push(&message));
            let (before, links) = (self.cost[Part::Mailbox], self.cost[Part::Links]);
            let then = self.frame(id, ends, &message);
            assert!(then == Then::Wait, "the download was given up");
            self.cost.scanned(before, links, check);
        }
        let then = reply(self, ends, MailboxReply::End);
        assert!(then == Then::Close, "the mailbox was not taken");
    }

    /// Takes a message of the server's through the link into the session.
    fn frame(&mut self, id: ExchangeId, ends: &mut Ends, message: &[u8]) -> Then {
        let Client { session, now, cost, request, .. } = self;
        let frame = ends.reply(cost, message);
        loop {
            let reaction = cost.count(|| session.handle_frame(id, frame, *now, request));
            if !matches!(reaction, Reaction::Again) {
                return Then::from(reaction);
            }
        }
    }

    fn random(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}

fn draft() -> Draft<'static> {
    Draft {
        content: Content::Text,
        message: 1,
        stream: 1,
        sequence: 1,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
        body: TEXT,
    }
}

impl From<Reaction<'_>> for Then {
    fn from(reaction: Reaction<'_>) -> Self {
        match reaction {
            Reaction::Wait => Self::Wait,
            Reaction::Send(len) => Self::Send(len),
            Reaction::Again => unreachable!("`frame` goes on"),
            Reaction::Version { .. } => panic!("there is no other version"),
            Reaction::Close => Self::Close,
        }
    }
}

/// Both ends of a link; only the client's is counted.
struct Ends {
    client: Connection<Buffer>,
    server: Link,
}

impl Ends {
    /// Opens the link, and returns its handshake hash.
    #[inline(never)]
    fn handshake(&mut self, cost: &mut Cost, bytes: &mut Buffer) -> [u8; 32] {
        let Self { client, server } = self;
        let len = cost.link(|| client.start(bytes).expect("there is room"));
        server.read_handshake(&mut bytes[FRAME_PREFIX..len]).expect("the keys are right");
        let len = server.write_handshake(bytes).expect("it is the server's turn");
        match cost.link(|| feed(client, &bytes[..len])) {
            Received::Opened { handshake_hash } => handshake_hash,
            Received::Message(_) => panic!("a message in a handshake"),
        }
    }

    /// Takes a request to the server, and returns it as that opens it.
    #[inline(never)]
    fn request<'b>(
        &mut self,
        cost: &mut Cost,
        request: &[u8],
        first: bool,
        bytes: &'b mut Buffer,
    ) -> &'b [u8] {
        let len = cost.link(|| self.client.seal(request, bytes).expect("there is room"));
        let (version, frame) = bytes[..len].split_at_mut(if first { VERSION_FRAME } else { 0 });
        if first {
            let version = &mut version[FRAME_PREFIX..];
            self.server.read_handshake(version).expect("the version is right");
        }
        self.server.open(&mut frame[FRAME_PREFIX..]).expect("the frame is right")
    }

    /// Takes a message to the client, and returns it as that opens it.
    fn reply<'c>(&'c mut self, cost: &mut Cost, message: &[u8]) -> &'c mut [u8] {
        let mut frame = [0; ROOM];
        let len = self.server.seal(message, &mut frame).expect("there is room");
        match cost.link(|| feed(&mut self.client, &frame[..len])) {
            Received::Message(message) => message,
            Received::Opened { .. } => panic!("the link was open"),
        }
    }
}

/// Hands bytes to the connection as a socket would, and takes what they were.
fn feed<'c>(connection: &'c mut Connection<Buffer>, bytes: &[u8]) -> Received<'c> {
    connection.space()[..bytes.len()].copy_from_slice(bytes);
    connection.filled(bytes.len());
    connection.receive().expect("the bytes are right").expect("a whole frame came")
}
