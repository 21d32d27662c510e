//! What the rounds are doing, while they do it.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use zephyr_core::{Role, Round};
use zephyr_server::{Node, ServerEvent};

use crate::local_network::LocalNetwork;
use crate::output::Progress;

/// Shows progress.
pub struct Live {
    progress: Arc<Mutex<Progress>>,
    /// Rounds whose directory was shown: every mixer reports it.
    agreed: Arc<Mutex<BTreeSet<Round>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Live {
    pub fn new() -> Self {
        Self {
            progress: Arc::new(Mutex::new(Progress::new(0))),
            agreed: Arc::default(),
            tasks: Vec::new(),
        }
    }

    /// What comes now.
    pub fn stage(&self, text: impl Display) {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.note(format_args!("{text}…"));
    }

    /// Shows what the mixers do.
    pub fn watch(&mut self, servers: &LocalNetwork) {
        servers.nodes(Role::Mixer).for_each(|(name, node)| self.watch_mixer(name, node));
    }

    /// Shows what this one does, until it ends.
    pub fn watch_mixer(&mut self, name: &str, node: &Node) {
        let (name, mut events) = (name.to_owned(), node.events());
        let (progress, agreed) = (self.progress.clone(), self.agreed.clone());
        self.tasks.push(tokio::spawn(async move {
            loop {
                let event = match events.recv().await {
                    Ok(event) => event,
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
                if let Some(text) = describe(&name, event, &agreed) {
                    progress.lock().unwrap_or_else(PoisonError::into_inner).now(text);
                }
            }
        }));
    }

    /// So many messages have arrived.
    pub fn arrived(&self, arrived: usize, total: usize) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a terminal every text is a line that stays.
        if progress.is_bar() || arrived == total || arrived.is_multiple_of(total.div_ceil(4)) {
            progress.now(format_args!("{arrived} of {total} messages have arrived"));
        }
    }

    /// Takes the display away.
    pub fn end(self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Some(progress) = Arc::into_inner(self.progress) {
            progress.into_inner().unwrap_or_else(PoisonError::into_inner).end();
        }
    }
}

fn describe(name: &str, event: ServerEvent, agreed: &Mutex<BTreeSet<Round>>) -> Option<String> {
    Some(match event {
        ServerEvent::Agreed { round, mixers } => {
            let mut agreed = agreed.lock().unwrap_or_else(PoisonError::into_inner);
            if !agreed.insert(round) {
                return None;
            }
            format!("round {round}: open, its directory is signed by {mixers} mixers")
        }
        ServerEvent::Mixed { round, phase, packets, noise, .. } => {
            let phase = phase + 1;
            format!(
                "round {round}: phase {phase}, {name} peeled and shuffled {packets} packets, and added {noise}"
            )
        }
        ServerEvent::Delivered { round, messages } => {
            format!("round {round}: {name} delivered {messages} messages to the mailboxes")
        }
        ServerEvent::Void { round, .. } => {
            format!("round {round}: void; what was in it is sent again")
        }
        _ => return None,
    })
}
