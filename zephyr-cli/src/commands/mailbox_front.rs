//! `zephyr mailbox-front`: answers downloads from a mailbox server's database, until it is asked to stop.

use serde_json::json;
use zephyr_server::MailboxFront;

use crate::cli::ServerArgs;
use crate::exit::Outcome;
use crate::network_watch;
use crate::output::line;
use crate::server_config;
use crate::signals::StopSignals;

pub async fn run(args: ServerArgs) -> Outcome {
    let config = server_config::load_front(&args.config)?;
    // Heard from here on, also while it starts.
    let mut stop = StopSignals::new();
    let manifest = config.front.manifest.clone();
    let front = tokio::select! {
        front = MailboxFront::start(config.front) => front?,
        () = stop.next() => return Ok(()),
    };
    let network = tokio::spawn(network_watch::follow(config.network, manifest));
    let (name, clients) = (config.name, front.client_address().to_string());
    if args.json {
        line(json!({
            "event": "ready", "role": "mailbox-front", "name": name, "clients": clients,
        }));
    } else {
        line(format_args!("ready: mailbox-front {name} clients={clients}"));
    }
    stop.next().await;
    network.abort();
    tokio::select! {
        () = front.stop() => {}
        () = stop.next() => {}
    }
    line(if args.json { json!({ "event": "stopped" }).to_string() } else { "stopped".into() });
    Ok(())
}
