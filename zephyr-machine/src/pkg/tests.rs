//! Attacks on registrations, and that honest people get through them.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::wire::{Bytes, Code, PkgBinding, PkgRefusal, PkgReply, PkgRequest};
use zephyr_core::{
    Address, ClientKey, Ed25519, NetworkId, Round, ServerId, Signature, Standard, UnixMs,
};

use super::*;

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const PKG: ServerId = ServerId::from_bytes([2; 32]);
const HANDSHAKE: [u8; 32] = [3; 32];
const HOME: PeerKey = PeerKey::from_bytes([4; 16]);
const BOB: &str = "bob@example.org";
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// Seeds of keys.
const OLD: [u8; 32] = [10; 32];
const NEW: [u8; 32] = [11; 32];
const MALLORY: [u8; 32] = [12; 32];

/// A machine with a store of one address, Bob's, driven as a shell does it.
struct Desk {
    machine: PkgMachine<Standard>,
    rng: ChaCha20Rng,
    now: UnixMs,
    stored: Option<Registration>,
    /// Bob's mails.
    mails: Vec<Letter>,
}

fn desk() -> Desk {
    desk_with(PkgRules::default())
}

fn desk_with(rules: PkgRules) -> Desk {
    let name = PkgName::new("pkg-1").unwrap();
    let identity = PkgIdentity { network: NETWORK, id: PKG, name };
    Desk {
        machine: PkgMachine::new(identity, rules),
        rng: ChaCha20Rng::seed_from_u64(1),
        now: UnixMs(1_700_000_000_000),
        stored: None,
        mails: Vec::new(),
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn key(seed: &[u8; 32]) -> ClientKey {
    ClientKey::from_bytes(Ed25519::public(seed))
}

fn sign(seed: &[u8; 32], message: [u8; 32]) -> Bytes<64> {
    Bytes(Ed25519::sign(seed, &message))
}

fn binding() -> PkgBinding<'static> {
    PkgBinding { network: &NETWORK, pkg: &PKG, handshake: &HANDSHAKE }
}

fn refused(why: PkgRefusal) -> Answer {
    Answer::Reply(PkgReply::Refused(why))
}

const NOT_REGISTERED: Answer = Answer::Reply(PkgReply::Refused(PkgRefusal::NotRegistered));
const REGISTERED: Answer = Answer::Reply(PkgReply::Registered);
const CODE_SENT: Answer = Answer::Reply(PkgReply::CodeSent { seconds: 600 });

impl Desk {
    fn decide(&mut self, peer: PeerKey, request: &PkgRequest<'_>) -> Decision {
        let link = Link { peer, handshake: &HANDSHAKE };
        let (address, stored) = (address(request.address()), self.stored);
        self.machine.handle(link, &address, request, stored.as_ref(), self.now, &mut self.rng)
    }

    fn ask(&mut self, request: &PkgRequest<'_>) -> Answer {
        self.ask_from(HOME, request)
    }

    fn ask_from(&mut self, peer: PeerKey, request: &PkgRequest<'_>) -> Answer {
        let decision = self.decide(peer, request);
        if request.address() == BOB {
            self.mails.extend(decision.mail);
            match decision.write {
                Some(Write::Put(registration)) => self.stored = Some(registration),
                Some(Write::Delete) => self.stored = None,
                None => {}
            }
        }
        decision.answer
    }

    /// Asks for a code for Bob's address, and returns it.
    fn code(&mut self, seed: &[u8; 32]) -> Code {
        let answer = self.ask(&PkgRequest::Register { address: BOB, key: key(seed) });
        assert_eq!(answer, CODE_SENT);
        Code::find(&self.mails.last().expect("a mail was sent").body).expect("it names a code")
    }

    fn confirm(&mut self, seed: &[u8; 32], code: &Code) -> Answer {
        self.ask(&PkgRequest::Confirm { address: BOB, key: key(seed), code: code.clone() })
    }

    /// Registers Bob's address to the key `OLD`.
    fn registered(mut self) -> Self {
        let code = self.code(&OLD);
        assert_eq!(self.confirm(&OLD, &code), REGISTERED);
        self
    }

    /// Has Bob's address registered to `OLD`, and `NEW` waiting; returns until when.
    fn waiting(self) -> (Self, UnixMs) {
        let mut desk = self.registered();
        let code = desk.code(&NEW);
        let until = desk.now.plus(DAY);
        assert_eq!(desk.confirm(&NEW, &code), Answer::Reply(PkgReply::Waiting { until }));
        (desk, until)
    }

    fn extract(&mut self, seed: &[u8; 32]) -> Answer {
        let signature = sign(seed, binding().extract(Round(7), &address(BOB)));
        self.ask(&PkgRequest::Extract { round: Round(7), address: BOB, signature })
    }

    fn veto(&mut self, seed: &[u8; 32]) -> Answer {
        let signature = sign(seed, binding().veto(&address(BOB)));
        self.ask(&PkgRequest::Veto { address: BOB, signature })
    }

    fn unregister(&mut self, seed: &[u8; 32]) -> Answer {
        let signature = sign(seed, binding().unregister(&address(BOB)));
        self.ask(&PkgRequest::Unregister { address: BOB, signature })
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus(ms);
    }
}

fn other_than(code: &Code, i: u8) -> Code {
    let mut rng = ChaCha20Rng::seed_from_u64(1_000 + u64::from(i));
    Some(Code::generate(&mut rng)).filter(|other| other != code).expect("40 bits differ")
}

#[test]
fn a_mailed_code_registers_and_the_key_gets_shares_for_good() {
    let mut desk = desk().registered();
    assert_eq!(desk.stored, Some(Registration::new(key(&OLD), desk.now)));
    desk.pass(400 * DAY);
    assert_eq!(desk.extract(&OLD), Answer::Share(Round(7)));
}

#[test]
fn the_fifth_wrong_code_ends_it_even_for_the_right_one() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    for tries_left in (0..5).rev() {
        let wrong = other_than(&code, tries_left);
        assert_eq!(desk.confirm(&OLD, &wrong), refused(PkgRefusal::WrongCode { tries_left }));
    }
    assert_eq!(desk.confirm(&OLD, &code), refused(PkgRefusal::NoCode));
    assert_eq!(desk.stored, None);
    let code = desk.code(&OLD);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED, "a new code starts anew");
}

#[test]
fn a_code_works_within_its_ten_minutes_and_not_after() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    desk.pass(10 * MINUTE);
    assert_eq!(desk.confirm(&OLD, &code), refused(PkgRefusal::NoCode));
    let code = desk.code(&OLD);
    desk.pass(10 * MINUTE - 1);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED);
}

#[test]
fn a_code_is_of_no_use_with_another_key_or_address() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    assert_eq!(desk.confirm(&MALLORY, &code), refused(PkgRefusal::NoCode));
    desk.code(&MALLORY);
    let wrong = refused(PkgRefusal::WrongCode { tries_left: 4 });
    assert_eq!(desk.confirm(&MALLORY, &code), wrong, "a code of Bob's for Mallory's key");
    let key = key(&OLD);
    let alice = "alice@example.org";
    assert_eq!(desk.ask(&PkgRequest::Register { address: alice, key }), CODE_SENT);
    let request = PkgRequest::Confirm { address: alice, key, code: code.clone() };
    assert_eq!(desk.ask(&request), wrong, "a code of Bob's for Alice's address");
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED, "and nothing of this harmed it");
}

#[test]
fn a_used_code_confirms_again_but_revives_nothing() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED, "the reply was lost");
    assert_eq!(desk.unregister(&OLD), Answer::Reply(PkgReply::Unregistered));
    assert_eq!(desk.confirm(&OLD, &code), refused(PkgRefusal::NoCode));
    assert_eq!(desk.stored, None);
}

#[test]
fn a_used_code_does_not_revive_a_vetoed_replacement() {
    let mut desk = desk().registered();
    let code = desk.code(&NEW);
    desk.confirm(&NEW, &code);
    assert_eq!(desk.veto(&OLD), Answer::Reply(PkgReply::Vetoed));
    assert_eq!(desk.confirm(&NEW, &code), refused(PkgRefusal::NoCode));
    assert_eq!(desk.stored.unwrap().replacement, None);
}

#[test]
fn strangers_who_start_registrations_do_not_disturb_the_owners() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    for i in 0..2 {
        let mallory = [100 + i; 32];
        desk.code(&mallory);
        for i in 0..6 {
            desk.confirm(&mallory, &other_than(&code, i));
        }
    }
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED);
}

#[test]
fn the_newest_code_of_a_key_counts() {
    let mut desk = desk();
    let first = desk.code(&OLD);
    let second = desk.code(&OLD);
    let wrong = refused(PkgRefusal::WrongCode { tries_left: 4 });
    assert_eq!(desk.confirm(&OLD, &first), wrong);
    assert_eq!(desk.confirm(&OLD, &second), REGISTERED);
}

#[test]
fn one_peer_cannot_use_up_an_address_and_many_cannot_flood_it() {
    let mut desk = desk();
    let request = PkgRequest::Register { address: BOB, key: key(&MALLORY) };
    let limited = |seconds| refused(PkgRefusal::RateLimited { seconds });
    let peer = |i| PeerKey::from_bytes([i; 16]);
    for _ in 0..3 {
        assert_eq!(desk.ask_from(peer(1), &request), CODE_SENT);
    }
    assert_eq!(desk.ask_from(peer(1), &request), limited(200), "of this peer");
    for _ in 0..3 {
        assert_eq!(desk.ask_from(peer(2), &request), CODE_SENT, "not of another");
    }
    assert_eq!(desk.ask_from(peer(3), &request), limited(100), "of this address");
    assert_eq!(desk.mails.len(), 6);
    desk.pass(100_000);
    assert_eq!(desk.ask_from(peer(3), &request), CODE_SENT);
}

#[test]
fn an_address_gets_a_bounded_number_of_mails_a_day() {
    let mut desk = desk();
    for i in 0..24 * 60 / 2 {
        let peer = PeerKey::from_bytes([i as u8; 16]);
        desk.ask_from(peer, &PkgRequest::Register { address: BOB, key: key(&MALLORY) });
        desk.pass(2 * MINUTE);
    }
    // Twenty at once, and the twenty that come back over the day.
    assert!((20..=40).contains(&desk.mails.len()), "{}", desk.mails.len());
}

#[test]
fn a_peer_is_limited_over_all_addresses() {
    let mut desk = desk();
    let mut ask = |i: u32, peer| {
        let text = format!("user{i}@example.org");
        desk.ask_from(peer, &PkgRequest::Register { address: &text, key: key(&MALLORY) })
    };
    for i in 0..10 {
        assert_eq!(ask(i, HOME), CODE_SENT);
    }
    assert_eq!(ask(10, HOME), refused(PkgRefusal::RateLimited { seconds: 60 }));
    assert_eq!(ask(10, PeerKey::from_bytes([9; 16])), CODE_SENT);
}

#[test]
fn a_mail_that_was_not_sent_is_not_counted_and_leaves_the_code_before_it() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    let request = PkgRequest::Register { address: BOB, key: key(&OLD) };
    for _ in 0..20 {
        let decision = desk.decide(HOME, &request);
        assert_eq!(decision.answer, CODE_SENT);
        desk.machine.undo(decision.undo.unwrap(), Failure::Mail);
    }
    assert_eq!(desk.machine.pending(), 1);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED);
}

#[test]
fn mails_that_are_refused_for_good_count_for_the_peer() {
    let mut desk = desk();
    let mut sent = 0;
    for i in 0..20 {
        let text = format!("nobody{i}@example.org");
        let request = PkgRequest::Register { address: &text, key: key(&MALLORY) };
        let decision = desk.decide(HOME, &request);
        if let Some(undo) = decision.undo {
            desk.machine.undo(undo, Failure::Recipient);
            sent += 1;
        }
    }
    assert_eq!((sent, desk.machine.pending()), (10, 0));
}

#[test]
fn a_write_that_failed_leaves_the_code_usable() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    let request = PkgRequest::Confirm { address: BOB, key: key(&OLD), code: code.clone() };
    let decision = desk.decide(HOME, &request);
    assert!(decision.write.is_some());
    desk.machine.undo(decision.undo.unwrap(), Failure::Store);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED);
}

#[test]
fn a_request_made_for_another_pkg_link_network_round_or_address_gets_no_share() {
    let mut desk = desk().registered();
    let (pkg, network) = (ServerId::from_bytes([9; 32]), NetworkId::from_bytes([9; 32]));
    let bob = address(BOB);
    let here = binding();
    let messages = [
        PkgBinding { pkg: &pkg, ..here }.extract(Round(7), &bob),
        PkgBinding { handshake: &[9; 32], ..here }.extract(Round(7), &bob),
        PkgBinding { network: &network, ..here }.extract(Round(7), &bob),
        here.extract(Round(8), &bob),
        here.extract(Round(7), &address("alice@example.org")),
        here.veto(&bob),
        here.unregister(&bob),
    ];
    for message in messages {
        let signature = sign(&OLD, message);
        let request = PkgRequest::Extract { round: Round(7), address: BOB, signature };
        assert_eq!(desk.ask(&request), NOT_REGISTERED);
    }
    assert_eq!(desk.extract(&MALLORY), NOT_REGISTERED);
    assert_eq!(desk.extract(&OLD), Answer::Share(Round(7)));
}

#[test]
fn a_replacement_waits_while_the_old_key_works() {
    let (mut desk, until) = desk().waiting();
    let notice = desk.mails.last().unwrap();
    assert!(notice.subject.contains("will be replaced"));
    assert!(notice.body.contains("Effective: 2023-11-15 22:13:20 UTC"), "{}", notice.body);
    desk.pass(DAY - 1);
    assert_eq!(desk.extract(&OLD), Answer::Share(Round(7)));
    assert_eq!(desk.extract(&NEW), refused(PkgRefusal::Waiting { until }));
    desk.pass(1);
    assert_eq!(desk.extract(&NEW), Answer::Share(Round(7)));
    assert_eq!(desk.extract(&OLD), NOT_REGISTERED);
    assert_eq!(desk.stored, Some(Registration::new(key(&NEW), until)), "and it is written down");
    assert_eq!(desk.veto(&OLD), NOT_REGISTERED, "too late");
    assert_eq!(desk.unregister(&OLD), NOT_REGISTERED);
}

#[test]
fn a_replacement_that_took_effect_stays_when_the_clock_is_set_back() {
    let (mut desk, _) = desk().waiting();
    desk.pass(DAY);
    assert_eq!(desk.extract(&OLD), NOT_REGISTERED);
    desk.now = UnixMs(desk.now.0 - DAY / 2);
    assert_eq!(desk.extract(&OLD), NOT_REGISTERED);
    assert_eq!(desk.extract(&NEW), Answer::Share(Round(7)));
}

#[test]
fn the_old_key_and_no_other_vetoes() {
    let (mut desk, until) = desk().waiting();
    assert_eq!(desk.veto(&MALLORY), NOT_REGISTERED);
    assert_eq!(desk.veto(&NEW), refused(PkgRefusal::Waiting { until }));
    let elsewhere = PkgBinding { handshake: &[9; 32], ..binding() }.veto(&address(BOB));
    let replayed = PkgRequest::Veto { address: BOB, signature: sign(&OLD, elsewhere) };
    assert_eq!(desk.ask(&replayed), NOT_REGISTERED);
    assert!(desk.stored.unwrap().replacement.is_some());
    assert_eq!(desk.veto(&OLD), Answer::Reply(PkgReply::Vetoed));
    desk.pass(2 * DAY);
    assert_eq!(desk.extract(&NEW), NOT_REGISTERED);
    assert_eq!(desk.extract(&OLD), Answer::Share(Round(7)));
    assert_eq!(desk.veto(&OLD), Answer::Reply(PkgReply::Vetoed), "again does no harm");
}

#[test]
fn only_the_registered_key_unregisters() {
    let (mut desk, until) = desk().waiting();
    assert_eq!(desk.unregister(&MALLORY), NOT_REGISTERED);
    assert_eq!(desk.unregister(&NEW), refused(PkgRefusal::Waiting { until }));
    assert!(desk.stored.is_some());
    assert_eq!(desk.unregister(&OLD), Answer::Reply(PkgReply::Unregistered));
    assert_eq!(desk.stored, None);
    assert_eq!(desk.extract(&OLD), NOT_REGISTERED);
    assert_eq!(desk.extract(&NEW), NOT_REGISTERED);
}

#[test]
fn confirming_the_registered_or_waiting_key_changes_nothing() {
    let (mut desk, until) = desk().waiting();
    let before = desk.stored;
    desk.pass(DAY / 2);
    let code = desk.code(&OLD);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED);
    let code = desk.code(&NEW);
    let waiting = Answer::Reply(PkgReply::Waiting { until });
    assert_eq!(desk.confirm(&NEW, &code), waiting, "the wait does not begin anew");
    assert_eq!(desk.stored, before);
}

#[test]
fn the_owner_of_the_mailbox_displaces_a_waiting_key_and_waits() {
    let (mut desk, _) = desk().waiting();
    desk.pass(DAY / 2);
    let code = desk.code(&MALLORY);
    let until = desk.now.plus(DAY);
    assert_eq!(desk.confirm(&MALLORY, &code), Answer::Reply(PkgReply::Waiting { until }));
    desk.pass(DAY / 2);
    assert_eq!(desk.extract(&OLD), Answer::Share(Round(7)), "the first wait does not count");
}

#[test]
fn strangers_do_not_learn_who_is_registered() {
    let mut nobody = desk();
    let mut bob = desk().registered();
    let (mut both, _) = desk().waiting();
    let code = other_than(&Code::parse("0000-0000").unwrap(), 0);
    for desk in [&mut nobody, &mut bob, &mut both] {
        let register = PkgRequest::Register { address: BOB, key: key(&MALLORY) };
        assert_eq!(desk.ask(&register), CODE_SENT);
        let wrong = refused(PkgRefusal::WrongCode { tries_left: 4 });
        assert_eq!(desk.confirm(&MALLORY, &code), wrong);
        assert_eq!(desk.extract(&MALLORY), NOT_REGISTERED);
        assert_eq!(desk.veto(&MALLORY), NOT_REGISTERED);
        assert_eq!(desk.unregister(&MALLORY), NOT_REGISTERED);
    }
    let tells = |desk: &Desk| desk.mails.last().unwrap().body.contains("registered already");
    assert!(!tells(&nobody) && tells(&bob), "the owner learns it by mail");
}

#[test]
fn mails_name_pkg_key_and_code_on_lines_of_their_own() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    let mail = desk.mails.last().unwrap();
    assert_eq!(mail.to.as_str(), BOB);
    assert_eq!(mail.subject, "[Zephyr] Code from pkg-1");
    let fingerprint = key(&OLD).fingerprint(&NETWORK);
    for line in [
        format!("Code: {code}"),
        format!("Key: {fingerprint}"),
        "PKG: pkg-1".into(),
        format!("Address: {BOB}"),
    ] {
        assert!(mail.body.lines().any(|l| l == line), "{line}\n{}", mail.body);
    }
}

#[test]
fn addresses_put_no_lines_and_no_codes_into_mails() {
    for text in [
        "bob@example.org\r\nBcc: eve@example.org",
        "bob@example.org\nCode: 0000-0000",
        "bob\u{0}@example.org",
        "\"bob\r\n\"@example.org",
        "bob@example.org,eve@example.org",
        "<bob@example.org>",
        "Bob@example.org",
        " bob@example.org",
    ] {
        assert!(Address::from_canonical(text).is_none(), "{text:?}");
    }
    let longest =
        format!("{}@{}", "a".repeat(64), ["b".repeat(63), "c".repeat(63), "d.e".into()].join("."));
    let mut desk = desk();
    let decision = desk.decide(HOME, &PkgRequest::Register { address: &longest, key: key(&OLD) });
    let mail = decision.mail.unwrap();
    assert!(mail.body.lines().all(|line| line.len() <= 76), "{}", mail.body);
    assert!(mail.body.is_ascii() && mail.subject.len() <= 76);
    assert_eq!(mail.body.matches("Code: ").count(), 1);
}

#[test]
fn tables_do_not_grow_beyond_their_bounds() {
    let rules = PkgRules { max_pendings: 20, max_counted: 1_000, ..PkgRules::default() };
    let mut desk = desk_with(rules);
    let code = desk.code(&OLD);
    let mut busy = 0;
    for i in 0..200u8 {
        let text = format!("user{i}@example.org");
        let request = PkgRequest::Register { address: &text, key: key(&MALLORY) };
        let answer = desk.ask_from(PeerKey::from_bytes([i; 16]), &request);
        busy += usize::from(answer == refused(PkgRefusal::Busy));
        assert!(desk.machine.pending() <= 20);
    }
    assert_eq!(busy, 181);
    assert_eq!(desk.confirm(&OLD, &code), REGISTERED, "a flood does not throw out Bob's code");
    desk.pass(10 * MINUTE);
    desk.code(&NEW);
    assert_eq!(desk.machine.pending(), 1, "the expired ones made room");
}

#[test]
fn what_is_counted_is_bounded_and_a_flood_does_not_lift_limits() {
    let rules = PkgRules { max_counted: 40, ..PkgRules::default() };
    let mut desk = desk_with(rules);
    for _ in 0..3 {
        desk.code(&OLD);
    }
    let mut busy = 0;
    for i in 0..50u8 {
        let text = format!("user{i}@example.org");
        let request = PkgRequest::Register { address: &text, key: key(&MALLORY) };
        let answer = desk.ask_from(PeerKey::from_bytes([i; 16]), &request);
        busy += usize::from(answer == refused(PkgRefusal::Busy));
    }
    assert!(busy >= 40);
    let again = desk.ask(&PkgRequest::Register { address: BOB, key: key(&OLD) });
    assert!(matches!(again, Answer::Reply(PkgReply::Refused(PkgRefusal::RateLimited { .. }))));
}

#[test]
fn a_clock_set_back_neither_revives_codes_nor_holds_limits_for_ever() {
    let mut desk = desk();
    let code = desk.code(&OLD);
    desk.pass(10 * MINUTE);
    desk.confirm(&MALLORY, &code);
    desk.now = UnixMs(desk.now.0 - 9 * MINUTE);
    assert_eq!(desk.confirm(&OLD, &code), refused(PkgRefusal::NoCode));
    desk.now = UnixMs(1_000);
    for _ in 0..3 {
        desk.code(&OLD);
    }
    let request = PkgRequest::Register { address: BOB, key: key(&OLD) };
    assert_eq!(desk.ask(&request), refused(PkgRefusal::RateLimited { seconds: 200 }));
    desk.pass(200_000);
    desk.code(&OLD);
}

#[test]
fn debug_shows_neither_codes_nor_addresses() {
    let mut desk = desk();
    let decision = desk.decide(HOME, &PkgRequest::Register { address: BOB, key: key(&OLD) });
    let code = Code::find(&decision.mail.as_ref().unwrap().body).unwrap().to_string();
    let shown = format!("{decision:?}");
    assert!(!shown.contains(&code) && !shown.contains("bob"), "{shown}");
}
