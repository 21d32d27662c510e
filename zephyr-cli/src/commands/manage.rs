//! `zephyr veto` and `zephyr unregister`

use zephyr_client::{Answers, Registrar, Store};

use crate::exit::{Failure, Outcome};
use crate::output::{line, note};

pub async fn veto(store: Store) -> Outcome {
    let answers = Registrar::new(store.clone()).veto().await;
    finish(store, answers, "no replacement of your key is waiting any more").await
}

pub async fn unregister(store: Store) -> Outcome {
    let answers = Registrar::new(store.clone()).unregister().await;
    finish(store, answers, "the registration is deleted").await
}

async fn finish(store: Store, answers: Answers, done: &str) -> Outcome {
    let mut failure = None;
    for (pkg, answer) in answers {
        match answer {
            Ok(_) => line(format_args!("{}: {done}", pkg.name)),
            Err(error) => {
                let failed = Failure::from(error).of(&pkg.name);
                if let Some(earlier) = failure.replace(failed) {
                    note(format_args!("zephyr: {earlier}"));
                }
            }
        }
    }
    store.close().await;
    failure.map_or(Ok(()), Err)
}
