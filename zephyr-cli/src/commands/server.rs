//! `zephyr pkg`, `mixer`, `info` and `mailbox`: one server, until it is asked to stop.

use std::path::Path;

use zephyr_core::Role;
use zephyr_server::Node;

use crate::exit::Outcome;
use crate::output::line;
use crate::server_config;
use crate::signals::asked_to_stop;

pub async fn run(role: Role, config: &Path) -> Outcome {
    let server = server_config::load(role, config)?;
    // Heard from here on, also while it starts.
    let stop = asked_to_stop();
    tokio::pin!(stop);
    let node = tokio::select! {
        node = Node::start(server.node) => node?,
        () = &mut stop => return Ok(()),
    };
    line(format_args!(
        "ready: {role} {} clients={} servers={}",
        server.name,
        node.client_address(),
        node.peer_address()
    ));
    stop.await;
    node.stop().await;
    line("stopped");
    Ok(())
}
