use std::path::PathBuf;

use zephyr_core::{Address, UnixMs};

use super::*;

fn bob() -> Box<Address> {
    Box::new(Address::parse("bob@example.org").unwrap())
}

#[test]
fn what_an_application_can_act_on_has_a_variant_of_its_own() {
    let home = || PathBuf::from("/home");
    let directory = || "/home".to_owned();
    let store = [
        (StoreError::NoHome(home()), ZephyrError::NoHome { directory: directory() }),
        (StoreError::InUse(home()), ZephyrError::InUse { directory: directory() }),
        (
            StoreError::OtherAddress(bob()),
            ZephyrError::OtherAddress { address: "bob@example.org".into() },
        ),
        (StoreError::OtherNetwork, ZephyrError::OtherNetwork),
        (StoreError::ReadOnly, ZephyrError::ReadOnly),
        (StoreError::Full, ZephyrError::DiskFull),
        (StoreError::Damaged, ZephyrError::HomeDamaged),
        (StoreError::Newer, ZephyrError::HomeTooNew),
        (StoreError::NoMessage(7), ZephyrError::NoMessage { id: 7 }),
    ];
    for (from, to) in store {
        assert_eq!(ZephyrError::from(from), to);
    }
    let send = [
        (SendError::EmptyText, ZephyrError::EmptyText),
        (SendError::OwnAddress, ZephyrError::OwnAddress),
        (SendError::Blocked(bob()), ZephyrError::Blocked { address: "bob@example.org".into() }),
        (SendError::TooLong { len: 9, max: 8 }, ZephyrError::TooLong { len: 9, max: 8 }),
        (SendError::ContactsFull { places: 64 }, ZephyrError::ContactsFull { places: 64 }),
        (SendError::from(StoreError::Full), ZephyrError::DiskFull),
    ];
    for (from, to) in send {
        assert_eq!(ZephyrError::from(from), to);
    }
    let backup = [
        (BackupError::ShortPassphrase, ZephyrError::WeakPassphrase { min: 8 }),
        (BackupError::Unreadable(home()), ZephyrError::WrongPassphrase { file: directory() }),
        (BackupError::Exists(home()), ZephyrError::FileExists { file: directory() }),
        (BackupError::HasHome(home()), ZephyrError::HomeExists { directory: directory() }),
        (BackupError::Store(StoreError::Full), ZephyrError::DiskFull),
    ];
    for (from, to) in backup {
        assert_eq!(ZephyrError::from(from), to);
    }
    let refusals = [
        (PkgRefusal::WrongCode { tries_left: 3 }, ZephyrError::WrongCode { tries_left: 3 }),
        (PkgRefusal::NoCode, ZephyrError::NoCode),
        (PkgRefusal::NotRegistered, ZephyrError::NotRegistered),
        (
            PkgRefusal::RateLimited { seconds: 60 },
            ZephyrError::RateLimited { retry_in: Duration::from_secs(60) },
        ),
        (
            PkgRefusal::Waiting { until: UnixMs(1_000) },
            ZephyrError::Waiting { until: SystemTime::UNIX_EPOCH + Duration::from_secs(1) },
        ),
        (PkgRefusal::MailRefused, ZephyrError::MailRefused),
    ];
    for (from, to) in refusals {
        assert_eq!(ZephyrError::from(RegistrationError::Refused(from)), to);
    }
    let none = RegistrationError::NoSuchPkg { index: 9, count: 2 };
    assert_eq!(ZephyrError::from(none), ZephyrError::NoSuchPkg { pkg: 9, count: 2 });
}

#[test]
fn every_error_has_a_sentence() {
    let error = ZephyrError::from(Address::parse("bob").unwrap_err());
    assert!(matches!(&error, ZephyrError::InvalidAddress { problem, .. } if problem == "NoAt"));
    assert_eq!(error.sentence(), "an e-mail address has the form name@example.org");
    let wait = ZephyrError::RateLimited { retry_in: Duration::from_secs(60) };
    assert!(wait.sentence().contains("60 seconds"));
}
