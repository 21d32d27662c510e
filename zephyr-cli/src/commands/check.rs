//! `zephyr check`

use zephyr_client::{Store, check};

use crate::exit::{Failure, Outcome};
use crate::output::line;

pub async fn run(store: Store) -> Outcome {
    let home = store.home();
    line(format_args!("{} in the network {}", home.address(), home.network().id()));
    let findings = check(&store).await;
    for finding in &findings {
        let mark = if finding.good { "ok " } else { "BAD" };
        line(format_args!(
            "{mark}  {:8} {}: {}",
            finding.role.to_string(),
            finding.server,
            finding.sentence
        ));
    }
    let bad = findings.iter().filter(|finding| !finding.good).count();
    store.close().await;
    match bad {
        0 => Ok(()),
        _ => Err(Failure::failed(format!(
            "{bad} of {} servers are not as they should be: see what is marked as BAD",
            findings.len()
        ))),
    }
}
