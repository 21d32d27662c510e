//! Registration with a PKG: the bytes that pass, and what they mean.

use std::time::Duration;

use zephyr_core::registration::{Answer, AnswerError, MAX_REPLY, MAX_REQUEST, Task};
use zephyr_core::session::client_key;
use zephyr_core::wire::{
    Bytes, Code, PkgBinding, PkgRefusal, PkgReply, PkgRequest, SecretShare, WireError, decode,
    encode,
};
use zephyr_core::*;

mod common;
use common::vectors::{Block, load};

/// Who asks whom, from the frozen vectors.
struct Case {
    block: Block,
    network: NetworkId,
    pkg: ServerId,
    handshake: [u8; 32],
    address: Address,
    seed: [u8; 32],
}

impl Case {
    fn frozen() -> Self {
        let block = load("wire/signed-for-pkgs.txt").remove(0);
        Self {
            network: NetworkId::from_bytes(block.array("network")),
            pkg: ServerId::from_bytes(block.array("pkg")),
            handshake: block.array("handshake"),
            address: Address::from_canonical(block.get("address")).unwrap(),
            seed: block.array("client_seed"),
            block,
        }
    }

    fn try_request<'b>(&self, task: &Task, out: &'b mut [u8]) -> Result<&'b mut [u8], WireError> {
        let binding =
            PkgBinding { network: &self.network, pkg: &self.pkg, handshake: &self.handshake };
        task.request::<Standard>(&self.address, &self.seed, &binding, out)
    }

    fn request(&self, task: &Task) -> Vec<u8> {
        self.try_request(task, &mut [0; MAX_REQUEST]).unwrap().to_vec()
    }

    fn key(&self) -> ClientKey {
        ClientKey::from_bytes(self.block.array("client_key"))
    }

    /// Whether the signature is the client's, over the digest that the vectors call `name`.
    fn signed(&self, signature: &Bytes<64>, name: &str) -> bool {
        let (key, digest) = (self.block.array("client_key"), self.block.hex(name));
        <Standard as Suite>::Signature::verify(&key, &digest, &signature.0)
    }
}

fn code() -> Code {
    Code::parse("04HM-ASW9").unwrap()
}

#[test]
fn requests_carry_the_clients_key_of_this_pkg_and_the_code() {
    let case = Case::frozen();
    let (address, key) = (case.address.as_str(), case.key());
    assert_eq!(key, client_key::<Standard>(&case.seed, &case.pkg));
    let expected = PkgRequest::Register { address, key };
    assert_eq!(decode(&case.request(&Task::Register)), Ok(expected));
    let expected = PkgRequest::Confirm { address, key, code: code() };
    assert_eq!(decode(&case.request(&Task::Confirm(code()))), Ok(expected));
}

#[test]
fn requests_of_the_registered_key_are_signed_as_frozen() {
    let case = Case::frozen();
    let round = Round(case.block.number("round"));
    for (task, name) in
        [(Task::Veto, "veto"), (Task::Unregister, "unregister"), (Task::Extract(round), "extract")]
    {
        let bytes = case.request(&task);
        let request: PkgRequest<'_> = decode(&bytes).unwrap();
        assert_eq!(request.address(), case.address.as_str());
        let (PkgRequest::Veto { signature, .. }
        | PkgRequest::Unregister { signature, .. }
        | PkgRequest::Extract { signature, .. }) = request
        else {
            panic!("{task:?}");
        };
        assert!(case.signed(&signature, name), "{name}");
        for other in ["veto", "unregister", "extract"].iter().filter(|other| **other != name) {
            assert!(!case.signed(&signature, other), "{name} is not {other}");
        }
    }
}

#[test]
fn a_signature_is_good_on_one_link_only() {
    let mut case = Case::frozen();
    let here = case.request(&Task::Veto);
    case.handshake[0] ^= 1;
    assert_ne!(case.request(&Task::Veto), here);
}

#[test]
fn the_longest_request_fits_and_a_short_buffer_is_refused() {
    let mut case = Case::frozen();
    let (label, end) = ("a".repeat(63), "b".repeat(MAX_ADDRESS - 2 - 3 * 64));
    case.address = Address::parse(&format!("x@{label}.{label}.{label}.{end}")).unwrap();
    assert_eq!(case.address.as_str().len(), MAX_ADDRESS);
    let longest = Task::Extract(Round(u64::MAX));
    assert_eq!(case.request(&longest).len(), MAX_REQUEST);
    let short = case.try_request(&longest, &mut [0; MAX_REQUEST - 1]).map(|bytes| bytes.len());
    assert_eq!(short, Err(WireError::TooLong));
    for task in &tasks()[..4] {
        assert!(case.request(task).len() < MAX_REQUEST, "{task:?}");
    }
}

fn tasks() -> [Task; 5] {
    let confirm = Task::Confirm(code());
    [Task::Register, confirm, Task::Veto, Task::Unregister, Task::Extract(Round(7))]
}

#[test]
fn replies_are_read_as_what_they_mean_for_the_task() {
    let until = UnixMs(1_700_000_000_000);
    let share = SecretShare::new([5; SHARE_SIZE].into());
    let refused = |why| (PkgReply::Refused(why), Err(AnswerError::Refused(why)));
    let valid_for = Duration::from_secs(600);
    let replies = [
        PkgReply::CodeSent { seconds: 600 },
        PkgReply::Registered,
        PkgReply::Waiting { until },
        PkgReply::Vetoed,
        PkgReply::Unregistered,
        PkgReply::Share(share),
    ];
    // What each task may be answered with: all other replies make no sense.
    let registered = |reply| (reply, Answer::Registered);
    let fitting = [
        (Task::Register, vec![(0, Answer::CodeSent { valid_for })]),
        (Task::Confirm(code()), vec![registered(1), (2, Answer::Waiting { until })]),
        (Task::Veto, vec![(3, Answer::Vetoed)]),
        (Task::Unregister, vec![(4, Answer::Unregistered)]),
        (Task::Extract(Round(7)), vec![registered(5)]),
    ];
    for (task, answers) in fitting {
        for (place, reply) in replies.iter().enumerate() {
            let mut buffer = [0; MAX_REPLY];
            let bytes = encode(reply, &mut buffer).expect("the longest reply fits");
            let expected = answers.iter().find(|(fitting, _)| *fitting == place);
            let expected = expected.map(|(_, answer)| *answer).ok_or(AnswerError::Unexpected);
            assert_eq!(task.answer(bytes), expected, "{task:?} {reply:?}");
        }
        for (reply, expected) in [
            refused(PkgRefusal::NotRegistered),
            refused(PkgRefusal::WrongCode { tries_left: 4 }),
            refused(PkgRefusal::Waiting { until: UnixMs(u64::MAX) }),
        ] {
            let mut buffer = [0; MAX_REPLY];
            let bytes = encode(&reply, &mut buffer).expect("the longest reply fits");
            assert_eq!(task.answer(bytes), expected, "{task:?} {reply:?}");
        }
    }
}

#[test]
fn the_frozen_replies_are_read_and_their_negatives_refused() {
    for block in load("wire/pkg-reply.txt") {
        let bytes = block.hex("bytes");
        let fits = |task: &Task| task.answer(&bytes) != Err(AnswerError::Unexpected);
        assert!(tasks().iter().any(fits), "{}", block.get("message"));
    }
    for name in common::vectors::files("wire") {
        for block in load(format!("wire/{name}")) {
            if block.find("type") == Some("PkgReply") && block.find("message").is_none() {
                let bytes = block.hex("bytes");
                for task in tasks() {
                    assert_eq!(task.answer(&bytes), Err(AnswerError::Unexpected), "{name}");
                }
            }
        }
    }
    assert_eq!(Task::Register.answer(&[]), Err(AnswerError::Unexpected));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        for task in tasks() {
            let _ = task.answer(&bytes);
        }
    }
}
