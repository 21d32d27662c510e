//! The demo's users, and their registration through real mails.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::sync::mpsc;
use zephyr_client::{Answer, Client, Network, Options, Registrar, Store};
use zephyr_core::Address;
use zephyr_server::mail::CaughtMail;

use crate::exit::{Failure, Outcome};

const NAMES: [&str; 16] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim",
    "leo", "mallory", "nina", "oscar", "peggy",
];
/// To so many people everybody writes at most, and gets messages from as many: each has a slot in every round then.
pub const PEERS: usize = 2;
/// So many register at a time.
const AT_ONCE: usize = 8;
/// For the mails of these to arrive.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);

/// A user.
pub struct Person {
    pub address: Address,
    pub client: Client,
}

impl Person {
    /// The address without its domain.
    pub fn name(&self) -> &str {
        self.address.as_str().split('@').next().unwrap_or_default()
    }
}

/// Registers so many people with all PKGs.
///
/// # Errors
/// If a PKG refuses somebody, or a mail doesn't come.
pub async fn register(
    count: usize,
    network: &Network,
    mails: &mut mpsc::Receiver<CaughtMail>,
) -> Outcome<Vec<Person>> {
    let mut people = Vec::new();
    for start in (0..count).step_by(AT_ONCE) {
        let numbers = start..count.min(start + AT_ONCE);
        let mut stores = Vec::new();
        for number in numbers {
            stores.push(Store::in_memory(&address(number), network).await?);
        }
        let registrars: Vec<_> = stores.iter().map(|store| Registrar::new(store.clone())).collect();
        try_join_all(registrars.iter().map(ask)).await?;
        let pkgs = registrars.first().map_or(0, |registrar| registrar.pkgs().len());
        let caught = catch(mails, registrars.len() * pkgs).await?;
        let confirmed = stores.iter().zip(&registrars).map(|(store, r)| confirm(store, r, &caught));
        try_join_all(confirmed).await?;
        people.extend(stores.into_iter().map(|store| Person {
            address: store.home().address().clone(),
            client: Client::new(store, Options::default()),
        }));
    }
    make_contacts(&people).await?;
    Ok(people)
}

/// Everybody adds those to whom they write and those who write to them: only contacts confirm what has arrived, and
/// what nobody confirms can't be told from what was lost.
async fn make_contacts(people: &[Person]) -> Outcome {
    for (index, person) in people.iter().enumerate() {
        for distance in (1..=PEERS).filter(|distance| *distance < people.len()) {
            let other = &people[(index + distance) % people.len()];
            person.client.add_contact(&other.address, None).await?;
            other.client.add_contact(&person.address, None).await?;
        }
    }
    Ok(())
}

fn address(number: usize) -> Address {
    let name = match NAMES.get(number) {
        Some(name) => (*name).to_owned(),
        None => format!("user{}", number + 1),
    };
    Address::parse(&format!("{name}@example.org")).expect("the names are good")
}

async fn ask(registrar: &Registrar) -> Outcome {
    for (pkg, answer) in registrar.register().await {
        match answer.map_err(|error| Failure::from(error).of(&pkg.name))? {
            Answer::CodeSent { .. } => {}
            other => {
                let sentence = format!("instead of mailing a code it answered {other:?}");
                return Err(Failure::failed(sentence).of(&pkg.name));
            }
        }
    }
    Ok(())
}

async fn catch(mails: &mut mpsc::Receiver<CaughtMail>, count: usize) -> Outcome<Vec<CaughtMail>> {
    let mut caught = Vec::new();
    while caught.len() < count {
        match tokio::time::timeout(MAIL_TIMEOUT, mails.recv()).await {
            Ok(Some(mail)) => caught.push(mail),
            _ => {
                let got = caught.len();
                return Err(Failure::failed(format!(
                    "only {got} of {count} mails with codes came"
                )));
            }
        }
    }
    Ok(caught)
}

/// Does what a careful user does: takes the code from the mail that names the same key.
async fn confirm(store: &Store, registrar: &Registrar, mails: &[CaughtMail]) -> Outcome {
    let address = store.home().address().as_str();
    for pkg in registrar.pkgs() {
        let key = format!("Key: {}", pkg.fingerprint);
        let mail = mails.iter().find(|mail| mail.to == address && mail.text.contains(&key));
        let code = mail.and_then(CaughtMail::code);
        let code = code.ok_or_else(|| Failure::failed(format!("no code of {} came", pkg.name)))?;
        match registrar.confirm(pkg.index, &code).await.map_err(Failure::from)? {
            Answer::Registered => {}
            other => return Err(Failure::failed(format!("{} answered {other:?}", pkg.name))),
        }
    }
    Ok(())
}
