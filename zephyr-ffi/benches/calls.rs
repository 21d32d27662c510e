//! What a call through the C ABI costs more than the same call in Rust: `cargo bench -p zephyr-ffi`.
//!
//! `bindings/c/programs/calls.c` measures the same from C.

#![allow(missing_docs)]

use std::ffi::CString;
use std::fs;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zephyr::*;
use zephyr_core::*;

type Blst = <zephyr_blst::Native as Suite>::Pairing;

const PAYLOAD: usize = 2048;
const SEALED: usize = PAYLOAD + SEAL_OVERHEAD;
const CALLS: usize = 2_000;

fn main() {
    let vector = Vector::load();
    let (rust, c) = (Rust::new(&vector), C::new(&vector));
    let mut message = vec![0; SEALED];
    let sealed = |message: &mut Vec<u8>| {
        rust.seal(message);
        message.clone()
    };
    let mine = sealed(&mut message);
    println!("payload of {PAYLOAD} bytes, median of {CALLS} calls each, by turns");
    compare("seal", &mut message, |m| rust.seal(m), |m| c.seal(m));
    let open = |m: &mut Vec<u8>, open: &dyn Fn(&mut [u8])| {
        m.copy_from_slice(&mine);
        open(m);
    };
    compare("open", &mut message, |m| open(m, &|m| rust.open(m)), |m| open(m, &|m| c.open(m)));
}

/// By turns, so that whatever else the machine does slows both.
fn compare(
    name: &str,
    message: &mut Vec<u8>,
    rust: impl Fn(&mut Vec<u8>),
    c: impl Fn(&mut Vec<u8>),
) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..CALLS {
        times[0].push(time(|| rust(black_box(message))));
        times[1].push(time(|| c(black_box(message))));
    }
    let [rust, c] = times.map(|mut times| {
        times.sort();
        times[CALLS / 2].as_nanos()
    });
    let more = 100.0 * (c as f64 / rust as f64 - 1.0);
    println!("{name}: Rust {rust} ns, C ABI {c} ns ({more:+.1} %)");
}

fn time(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// Alice and Bob of `docs/vectors/seal/named.txt`.
struct Vector(String);

impl Vector {
    fn load() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/vectors/seal/named.txt");
        Self(fs::read_to_string(path).expect("the vector is there"))
    }

    fn hex(&self, name: &str) -> Vec<u8> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        let digits = line.expect("a value").as_bytes();
        let byte = |pair: &[u8]| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")
        };
        digits.chunks(2).map(byte).collect()
    }

    fn array(&self, name: &str) -> [u8; 32] {
        self.hex(name).try_into().expect("32 bytes")
    }

    /// A PKG's key, without its proof.
    fn key(&self, name: &str) -> [u8; PKG_KEY_SIZE] {
        let mut key = self.hex(name);
        key.resize(PKG_KEY_SIZE, 0);
        key.try_into().expect("a key's length")
    }
}

const TEXT: &[u8] = b"Meet me at noon.";

struct Rust {
    context: RoundContext<Blst>,
    alice: Identity<Blst>,
    bob: Identity<Blst>,
    bob_key: PrivateKey<Blst>,
    to_bob: SenderKey,
}

impl Rust {
    fn new(vector: &Vector) -> Self {
        let network = NetworkId::from_bytes(vector.array("network"));
        let directory = DirectoryHash::from_bytes(vector.array("directory"));
        let keys = ["key_0", "key_1"].map(|name| PkgKey::decode(&vector.key(name)).expect("a key"));
        let key = RoundKey::sum(keys).expect("a sum");
        let person = |text| Identity::new(&network, Address::parse(text).expect("an address"));
        let (alice, bob) = (person("alice@example.org"), person("bob@example.org"));
        let private = |identity: &_, name: &str| {
            let sum = vector.hex(name).try_into().expect("a share's length");
            let sum = KeyShare::from_bytes(&sum).expect("a share");
            PrivateKey::from_sum(sum, identity, &key).expect("the right key")
        };
        let (alice_key, bob_key) = (private(&alice, "sender_key"), private(&bob, "recipient_key"));
        let to_bob = SenderKey::to(alice.address(), &alice_key, &bob);
        let context = RoundContext::new(network, Round(1_000_001), directory, key);
        Self { context, alice, bob, bob_key, to_bob }
    }

    fn seal(&self, message: &mut [u8]) {
        let header = PayloadHeader {
            sender: Some(self.alice.address().clone()),
            content: Content::Text,
            slot: 0,
            message: 1,
            stream: 1,
            sequence: 1,
            ack_stream: 0,
            ack: 0,
            fragment: 0,
            fragments: 1,
        };
        let payload = Payload { header, body: TEXT };
        payload.encode(&mut message[SEAL_OVERHEAD..]).expect("it fits");
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let tag = SenderTag::Slot(&self.to_bob, 0);
        let mut hedge = Hedge::new([0; 32], 0);
        Sealer::new(&self.context).seal(&self.bob, tag, message, &mut rng, &mut hedge);
    }

    fn open(&self, message: &mut [u8]) {
        let opener = Opener::new(&self.context, self.bob.address(), &self.bob_key);
        assert_eq!(opener.open(message).expect("it is Bob's").payload.body, TEXT);
    }
}

/// The same with the functions that C calls. What they stand in lives until the program ends.
struct C {
    round: *const zephyr_round,
    bob: *const zephyr_identity,
    bob_key: *const zephyr_private_key,
    to_bob: *const zephyr_sender_key,
}

fn lend() -> *mut core::ffi::c_void {
    Box::leak(Box::new([MaybeUninit::<u64>::uninit(); 1024])).as_mut_ptr().cast()
}

const LENT: usize = 8 * 1024;

unsafe extern "C" fn fill(_: *mut core::ffi::c_void, out: *mut u8, len: usize) -> i32 {
    // SAFETY: there is room.
    unsafe { out.write_bytes(1, len) };
    0
}

const RANDOM: zephyr_random = zephyr_random { fill: Some(fill), userdata: ptr::null_mut() };

impl C {
    fn new(vector: &Vector) -> Self {
        let (network, directory) = (vector.array("network"), vector.array("directory"));
        let keys = [vector.key("key_0"), vector.key("key_1")].concat();
        let mut round = ptr::null_mut();
        let mut people = [ptr::null_mut(); 2];
        let mut private = [ptr::null_mut(); 2];
        let mut to_bob = ptr::null_mut();
        let done = |status| assert_eq!(status, zephyr_status::ZEPHYR_OK);
        // SAFETY: all memory is lent for good, and all lengths are those of what is passed.
        unsafe {
            let (network, directory) = (network.as_ptr(), directory.as_ptr());
            let (keys, len) = (keys.as_ptr(), keys.len());
            let round_number = 1_000_001;
            let out = &mut round;
            done(zephyr_round_init_from_keys(
                lend(),
                LENT,
                network,
                round_number,
                directory,
                keys,
                len,
                out,
            ));
            for (person, name) in people.iter_mut().zip(["alice@example.org", "bob@example.org"]) {
                let name = CString::new(name).expect("no NUL");
                done(zephyr_identity_init(lend(), LENT, network, name.as_ptr(), person));
            }
            for (i, name) in ["sender_key", "recipient_key"].into_iter().enumerate() {
                let (share, out) = (vector.hex(name), &mut private[i]);
                let (share, len) = (share.as_ptr(), share.len());
                done(zephyr_private_key_init(lend(), LENT, round, people[i], share, len, out));
            }
            done(zephyr_sender_key_init_to(lend(), LENT, private[0], people[1], &mut to_bob));
        }
        Self { round, bob: people[1], bob_key: private[1], to_bob }
    }

    fn seal(&self, message: &mut [u8]) {
        let payload = zephyr_payload {
            content: ZEPHYR_CONTENT_TEXT,
            slot: 0,
            fragment: 0,
            fragments: 1,
            stream: 1,
            sequence: 1,
            ack_stream: 0,
            ack: 0,
            message: 1,
            body: TEXT.as_ptr(),
            body_len: TEXT.len(),
        };
        let (out, len) = (message.as_mut_ptr(), message.len());
        // SAFETY: the objects live, and the lengths are those of what is passed.
        let status = unsafe {
            zephyr_seal(
                self.round,
                self.bob,
                self.to_bob,
                &payload,
                PAYLOAD,
                &RANDOM,
                ptr::null(),
                out,
                len,
                ptr::null_mut(),
            )
        };
        assert_eq!(status, zephyr_status::ZEPHYR_OK);
    }

    fn open(&self, message: &mut [u8]) {
        let mut opened = MaybeUninit::<zephyr_opened>::uninit();
        let (data, len) = (message.as_mut_ptr(), message.len());
        // SAFETY: the objects live, and the lengths are those of what is passed.
        let status =
            unsafe { zephyr_open(self.round, self.bob_key, data, len, opened.as_mut_ptr()) };
        assert_eq!(status, zephyr_status::ZEPHYR_OK);
    }
}
