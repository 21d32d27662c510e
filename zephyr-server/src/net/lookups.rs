//! Searches for records that are under way.

use std::collections::HashMap;

use libp2p::kad::{QueryId, RecordKey};
use tokio::sync::oneshot;

/// At most this many different values of one key are collected.
const MAX_VALUES: usize = 64;

struct Lookup {
    key: RecordKey,
    values: Vec<Vec<u8>>,
    all: bool,
    reply: oneshot::Sender<Vec<Vec<u8>>>,
}

/// The searches by their query.
#[derive(Default)]
pub(super) struct Lookups(HashMap<QueryId, Lookup>);

impl Lookups {
    pub(super) fn begin(
        &mut self,
        query: QueryId,
        key: RecordKey,
        all: bool,
        own: Option<Vec<u8>>,
        reply: oneshot::Sender<Vec<Vec<u8>>>,
    ) {
        self.0.insert(query, Lookup { key, values: own.into_iter().collect(), all, reply });
    }

    /// Takes a checked value; says whether the search may stop. A value under another key than asked for is no answer.
    pub(super) fn handle_value(&mut self, query: QueryId, key: &RecordKey, value: Vec<u8>) -> bool {
        let Some(lookup) = self.0.get_mut(&query) else { return true };
        if lookup.key != *key {
            return false;
        }
        if lookup.values.len() < MAX_VALUES && !lookup.values.contains(&value) {
            lookup.values.push(value);
        }
        let done = !lookup.all;
        if done {
            self.handle_end(query);
        }
        done
    }

    /// The search has come to its end.
    pub(super) fn handle_end(&mut self, query: QueryId) {
        if let Some(lookup) = self.0.remove(&query) {
            // Whoever asked may have gone.
            let _ = lookup.reply.send(lookup.values);
        }
    }
}
