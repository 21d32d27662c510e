//! The service as clients meet it, with databases and mail servers that fail.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use zephyr_core::wire::{Bytes, Code, PkgBinding};
use zephyr_core::{ClientKey, Ed25519, NetworkId, ServerId, Signature, Standard};

use super::*;
use crate::mail::{MailCatcher, MailError, SmtpConfig, SmtpMailer};
use crate::store::{MemoryRegistrations, SqliteRegistrations};
use zephyr_machine::pkg::{Letter, PeerKey, PkgName};

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const PKG: ServerId = ServerId::from_bytes([2; 32]);
const HANDSHAKE: [u8; 32] = [3; 32];
const NOW: UnixMs = UnixMs(1_700_000_000_000);
const BOB: &str = "bob@example.org";
const SEED: [u8; 32] = [10; 32];

/// What the tests turn off and hold up.
#[derive(Default)]
struct World {
    mail_is_down: AtomicBool,
    /// Mail to `slow.example` says `held` and waits for this.
    released: Notify,
    held: Notify,
    store_is_down: AtomicBool,
}

struct Post(Arc<World>, mpsc::UnboundedSender<Letter>);

impl Mailer for Post {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        if letter.to.as_str().ends_with("@slow.example") {
            self.0.held.notify_one();
            self.0.released.notified().await;
        }
        if self.0.mail_is_down.load(SeqCst) {
            return Err(MailError::Unavailable("down".into()));
        }
        self.1.send(letter.clone()).expect("the test receives");
        Ok(())
    }
}

#[derive(Default)]
struct Database(Arc<World>, MemoryRegistrations);

impl Database {
    fn check(&self) -> Result<(), StoreError> {
        if self.0.store_is_down.load(SeqCst) { Err(StoreError::Corrupt) } else { Ok(()) }
    }
}

impl Registrations for Database {
    async fn load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        self.1.load(address).await
    }

    async fn put(&self, address: &Address, registration: &Registration) -> Result<(), StoreError> {
        self.check()?;
        self.1.put(address, registration).await
    }

    async fn delete(&self, address: &Address) -> Result<(), StoreError> {
        self.check()?;
        self.1.delete(address).await
    }
}

type Service = Registrar<Standard, Database, Post>;

fn identity() -> PkgIdentity {
    PkgIdentity { network: NETWORK, id: PKG, name: PkgName::new("pkg-1").unwrap() }
}

fn service() -> (Service, Arc<World>, mpsc::UnboundedReceiver<Letter>) {
    let world = Arc::new(World::default());
    let (sender, mails) = mpsc::unbounded_channel();
    let database = Database(Arc::clone(&world), MemoryRegistrations::default());
    let post = Post(Arc::clone(&world), sender);
    (Registrar::new(identity(), PkgRules::default(), database, post), world, mails)
}

fn key(seed: &[u8; 32]) -> ClientKey {
    ClientKey::from_bytes(Ed25519::public(seed))
}

fn register(address: &str) -> PkgRequest<'_> {
    PkgRequest::Register { address, key: key(&SEED) }
}

async fn ask<R: Registrations, M: Mailer>(
    registrar: &Registrar<Standard, R, M>,
    request: PkgRequest<'_>,
) -> PkgReply {
    let link = Link { peer: PeerKey::from_bytes([0; 16]), handshake: &HANDSHAKE };
    registrar.handle(link, &request, NOW, share).await
}

/// The PKG has a secret for round 7.
fn share(round: Round, _: &Address) -> Option<SecretShare> {
    (round == Round(7)).then(|| SecretShare::new([7; 144].into()))
}

fn code_of(letter: &Letter) -> Code {
    Code::find(&letter.body).expect("a mail with a code")
}

#[tokio::test]
async fn a_person_registers_by_mail_and_gets_a_share() {
    let (catcher, mut mails) = MailCatcher::start((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let config = SmtpConfig::local(catcher.address(), "Zephyr PKG <pkg@example.org>");
    let mailer = SmtpMailer::new(&config).unwrap();
    let store = SqliteRegistrations::open("sqlite::memory:").await.unwrap();
    let registrar =
        Registrar::<Standard, _, _>::new(identity(), PkgRules::default(), store, mailer);

    assert_eq!(ask(&registrar, register(BOB)).await, PkgReply::CodeSent { seconds: 600 });
    let mail = mails.recv().await.unwrap();
    assert_eq!(mail.to, BOB);
    let code = mail.code().unwrap();
    let confirm = PkgRequest::Confirm { address: BOB, key: key(&SEED), code };
    assert_eq!(ask(&registrar, confirm).await, PkgReply::Registered);

    let extract = |round| {
        let binding = PkgBinding { network: &NETWORK, pkg: &PKG, handshake: &HANDSHAKE };
        let message = binding.extract(round, &Address::parse(BOB).unwrap());
        let signature = Bytes(Ed25519::sign(&SEED, &message));
        PkgRequest::Extract { round, address: BOB, signature }
    };
    let reply = ask(&registrar, extract(Round(7))).await;
    assert_eq!(reply, PkgReply::Share(SecretShare::new([7; 144].into())));
    let reply = ask(&registrar, extract(Round(8))).await;
    assert_eq!(reply, PkgReply::Refused(PkgRefusal::RoundNotOpen));
}

#[tokio::test]
async fn what_is_no_canonical_address_is_refused() {
    let (registrar, _, _mails) = service();
    for address in ["Bob@example.org", "bob", "", "bob@example.org\r\nBcc: a@b.c"] {
        let reply = ask(&registrar, register(address)).await;
        assert_eq!(reply, PkgReply::Refused(PkgRefusal::BadAddress), "{address:?}");
    }
}

#[tokio::test]
async fn mail_that_is_down_is_told_and_not_counted() {
    let (registrar, world, mut mails) = service();
    world.mail_is_down.store(true, SeqCst);
    for _ in 0..20 {
        let reply = ask(&registrar, register(BOB)).await;
        assert_eq!(reply, PkgReply::Refused(PkgRefusal::MailFailed));
    }
    world.mail_is_down.store(false, SeqCst);
    assert_eq!(ask(&registrar, register(BOB)).await, PkgReply::CodeSent { seconds: 600 });
    mails.recv().await.unwrap();
}

#[tokio::test]
async fn slow_mail_to_one_holds_up_nobody() {
    let (registrar, world, mut mails) = service();
    let slow = ask(&registrar, register("carol@slow.example"));
    tokio::pin!(slow);
    tokio::select! {
        reply = &mut slow => panic!("{reply:?}"),
        () = world.held.notified() => {}
    }
    assert_eq!(ask(&registrar, register(BOB)).await, PkgReply::CodeSent { seconds: 600 });
    let code = code_of(&mails.recv().await.unwrap());
    let confirm = PkgRequest::Confirm { address: BOB, key: key(&SEED), code };
    assert_eq!(ask(&registrar, confirm).await, PkgReply::Registered);
    world.released.notify_one();
    assert_eq!(slow.await, PkgReply::CodeSent { seconds: 600 });
}

#[tokio::test]
async fn mails_under_way_are_bounded() {
    let (registrar, world, _mails) = service();
    let registrar = Arc::new(registrar);
    let mut waiting = Vec::new();
    for i in 0..MAX_MAILS {
        let registrar = Arc::clone(&registrar);
        waiting.push(tokio::spawn(async move {
            let address = format!("user{i}@slow.example");
            let peer = PeerKey::from_bytes([i as u8; 16]);
            let link = Link { peer, handshake: &HANDSHAKE };
            registrar.handle(link, &register(&address), NOW, share).await
        }));
        world.held.notified().await;
    }
    let reply = ask(&registrar, register(BOB)).await;
    assert_eq!(reply, PkgReply::Refused(PkgRefusal::Busy));
    world.released.notify_waiters();
    for reply in waiting {
        assert_eq!(reply.await.unwrap(), PkgReply::CodeSent { seconds: 600 });
    }
    assert_eq!(ask(&registrar, register(BOB)).await, PkgReply::CodeSent { seconds: 600 });
}

#[tokio::test]
async fn who_leaves_before_the_mail_is_sent_is_counted() {
    let (registrar, world, _mails) = service();
    for _ in 0..3 {
        let slow = ask(&registrar, register("carol@slow.example"));
        tokio::select! {
            reply = slow => panic!("{reply:?}"),
            () = world.held.notified() => {}
        }
    }
    let reply = ask(&registrar, register("carol@slow.example")).await;
    assert!(matches!(reply, PkgReply::Refused(PkgRefusal::RateLimited { .. })), "{reply:?}");
}

#[tokio::test]
async fn a_database_that_fails_costs_no_code() {
    let (registrar, world, mut mails) = service();
    ask(&registrar, register(BOB)).await;
    let code = code_of(&mails.recv().await.unwrap());
    let confirm = || PkgRequest::Confirm { address: BOB, key: key(&SEED), code: code.clone() };
    world.store_is_down.store(true, SeqCst);
    let reply = ask(&registrar, confirm()).await;
    assert_eq!(reply, PkgReply::Refused(PkgRefusal::Unavailable));
    world.store_is_down.store(false, SeqCst);
    assert_eq!(ask(&registrar, confirm()).await, PkgReply::Registered);
}

#[tokio::test]
async fn no_key_is_replaced_without_the_mail_that_tells() {
    let (registrar, world, mut mails) = service();
    let keys = [SEED, [11; 32]].map(|seed| key(&seed));
    let mut codes = Vec::new();
    for key in keys {
        ask(&registrar, PkgRequest::Register { address: BOB, key }).await;
        codes.push(code_of(&mails.recv().await.unwrap()));
    }
    let confirm =
        |i: usize| PkgRequest::Confirm { address: BOB, key: keys[i], code: codes[i].clone() };
    assert_eq!(ask(&registrar, confirm(0)).await, PkgReply::Registered);
    world.mail_is_down.store(true, SeqCst);
    let reply = ask(&registrar, confirm(1)).await;
    assert_eq!(reply, PkgReply::Refused(PkgRefusal::MailFailed));
    let stored = registrar.store.load(&Address::parse(BOB).unwrap()).await.unwrap();
    assert_eq!(stored, Some(Registration::new(keys[0], NOW)));
    world.mail_is_down.store(false, SeqCst);
    assert!(matches!(ask(&registrar, confirm(1)).await, PkgReply::Waiting { .. }));
    assert!(mails.recv().await.unwrap().subject.contains("will be replaced"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_keys_at_once_one_is_registered_and_the_other_waits() {
    for _ in 0..20 {
        let (registrar, _, mut mails) = service();
        let registrar = Arc::new(registrar);
        let mut confirming = Vec::new();
        for seed in [SEED, [11; 32], [12; 32]] {
            let key = key(&seed);
            ask(&registrar, PkgRequest::Register { address: BOB, key }).await;
            let code = code_of(&mails.recv().await.unwrap());
            let registrar = Arc::clone(&registrar);
            confirming.push(async move {
                ask(&registrar, PkgRequest::Confirm { address: BOB, key, code }).await
            });
        }
        let confirming: Vec<_> = confirming.into_iter().map(tokio::spawn).collect();
        let mut registered = 0;
        for reply in confirming {
            let reply = tokio::time::timeout(Duration::from_secs(5), reply).await.unwrap().unwrap();
            registered += usize::from(reply == PkgReply::Registered);
        }
        assert_eq!(registered, 1);
    }
}
