//! `zephyr pkg`, `mixer`, `info` and `mailbox`: one server, until it is asked to stop.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use zephyr_core::{Role, UnixMs};
use zephyr_server::{Node, ServerEvent};

use crate::cli::ServerArgs;
use crate::exit::Outcome;
use crate::network_watch;
use crate::output::line;
use crate::server_config;
use crate::signals::StopSignals;

pub async fn run(role: Role, args: ServerArgs) -> Outcome {
    let server = server_config::load(role, &args.config)?;
    // Heard from here on, also while it starts.
    let mut stop = StopSignals::new();
    let manifest = server.node.manifest.clone();
    let node = tokio::select! {
        node = Node::start(server.node) => node?,
        () = stop.next() => return Ok(()),
    };
    let network = tokio::spawn(network_watch::follow(server.network, manifest));
    let (clients, servers) = (node.client_address(), node.peer_address());
    let name = server.name;
    if args.json {
        line(json!({
            "event": "ready", "role": role.to_string(), "name": name,
            "clients": clients.to_string(), "servers": servers.to_string(),
        }));
        let events = node.events();
        tokio::select! {
            () = report(events) => {}
            () = stop.next() => {}
        }
    } else {
        line(format_args!("ready: {role} {name} clients={clients} servers={servers}"));
        stop.next().await;
    }
    finish(&node, role, &mut stop).await;
    network.abort();
    node.stop().await;
    line(if args.json { json!({ "event": "stopped" }).to_string() } else { "stopped".into() });
    Ok(())
}

/// Finishes what the server has begun, unless it is asked to stop again.
async fn finish(node: &Node, role: Role, stop: &mut StopSignals) {
    let finished = async {
        if let Some(until) = node.drain().await {
            let what = match role {
                Role::Pkg => "gives keys for the rounds that are open",
                _ => "finishes the rounds that it has announced",
            };
            let seconds = until.since(now()).div_ceil(1000);
            eprintln!(
                "stopping: opens no more rounds and {what}, for at most {seconds} s; \
                 stop it again to end at once"
            );
        }
        node.wait_drained().await;
    };
    tokio::select! {
        () = finished => {}
        () = stop.next() => eprintln!("stopping at once: what is under way is lost"),
    }
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(since.as_millis() as u64)
}

/// Shows what happens, until the server ends by itself.
async fn report(mut events: Receiver<ServerEvent>) {
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(object) = object(event) {
                    line(object);
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn object(event: ServerEvent) -> Option<Value> {
    Some(match event {
        ServerEvent::Opened { round } => json!({ "event": "opened", "round": round.0 }),
        ServerEvent::Agreed { round, mixers } => {
            json!({ "event": "agreed", "round": round.0, "mixers": mixers })
        }
        ServerEvent::Mixed { round, phase, packets, dropped, noise } => json!({
            "event": "mixed", "round": round.0, "phase": phase,
            "packets": packets, "noise": noise,
            "dropped": dropped.values().map(|bad| bad.sum()).sum::<usize>(),
        }),
        ServerEvent::Delivered { round, messages } => {
            json!({ "event": "delivered", "round": round.0, "messages": messages })
        }
        ServerEvent::Unopened { round, missing } => json!({
            "event": "unopened", "round": round.0,
            "missing": missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        ServerEvent::Void { round, by, missing } => json!({
            "event": "void", "round": round.0, "by": by.0,
            "missing": missing.iter().map(|mixer| mixer.0).collect::<Vec<_>>(),
        }),
        _ => return None,
    })
}
