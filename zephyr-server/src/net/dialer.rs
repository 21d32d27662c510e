//! When to dial whom: a state machine without I/O.
//!
//! Every listed peer is kept connected. The rules: dial at once when a peer is listed, soon when it is lost; after a
//! failure wait, twice as long each time; when somebody waits for the peer, try again after the shortest wait. Of two nodes that lose
//! each other the one with the smaller identity dials first, so that they seldom meet half-way.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::roster::NodeId;

/// The shortest wait between two attempts, and the wait after the first failure.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(10);
/// How long the node with the larger identity lets the other one begin.
const COURTESY: Duration = Duration::from_millis(150);

#[derive(Debug)]
enum Phase {
    Waiting { at: Instant, not_before: Instant },
    Dialing,
    Connected,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    failures: u32,
}

/// The dialer's memory of every other server. Drive it so: tell it what happened (`handle_*`), take dials with
/// [`Dialer::poll_dial`] until there is none, sleep until [`Dialer::poll_timeout`] or until something happens.
#[derive(Debug)]
pub(super) struct Dialer {
    own: NodeId,
    peers: HashMap<NodeId, State>,
}

impl Dialer {
    pub(super) fn new(own: NodeId) -> Self {
        Self { own, peers: HashMap::new() }
    }

    /// The peers to keep connected from now on.
    pub(super) fn handle_peers(&mut self, peers: &[NodeId], now: Instant) {
        self.peers.retain(|id, _| peers.contains(id));
        for id in peers {
            let at = now + self.courtesy(id);
            self.peers
                .entry(*id)
                .or_insert(State { phase: Phase::Waiting { at, not_before: now }, failures: 0 });
        }
    }

    /// A connection to the peer stands, whoever dialed.
    pub(super) fn handle_connected(&mut self, peer: &NodeId) {
        if let Some(state) = self.peers.get_mut(peer) {
            *state = State { phase: Phase::Connected, failures: 0 };
        }
    }

    /// The last connection to the peer is gone.
    pub(super) fn handle_lost(&mut self, peer: &NodeId, now: Instant) {
        let not_before = now + SHORTEST;
        let at = not_before + self.courtesy(peer);
        if let Some(state) = self.peers.get_mut(peer) {
            state.phase = Phase::Waiting { at, not_before };
        }
    }

    /// The dial that [`Dialer::poll_dial`] asked for did not lead to a connection.
    pub(super) fn handle_failed(&mut self, peer: &NodeId, now: Instant) {
        if let Some(state) = self.peers.get_mut(peer)
            && matches!(state.phase, Phase::Dialing)
        {
            let wait = SHORTEST.saturating_mul(1 << state.failures.min(16)).min(LONGEST);
            state.failures = state.failures.saturating_add(1);
            state.phase = Phase::Waiting { at: now + wait, not_before: now + SHORTEST };
        }
    }

    /// Somebody waits for a connection to the peer.
    pub(super) fn handle_wanted(&mut self, peer: &NodeId, now: Instant) {
        if let Some(State { phase: Phase::Waiting { at, not_before }, .. }) =
            self.peers.get_mut(peer)
        {
            *at = (*at).min(now.max(*not_before));
        }
    }

    /// A peer to dial now; it then counts as being dialed until one of the handlers says what became of it.
    pub(super) fn poll_dial(&mut self, now: Instant) -> Option<NodeId> {
        let due = |state: &State| matches!(state.phase, Phase::Waiting { at, .. } if at <= now);
        let (id, state) = self.peers.iter_mut().find(|(_, state)| due(state))?;
        state.phase = Phase::Dialing;
        Some(*id)
    }

    /// When [`Dialer::poll_dial`] may next have something; changes with every `handle_*`.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let at = |state: &State| match state.phase {
            Phase::Waiting { at, .. } => Some(at),
            _ => None,
        };
        self.peers.values().filter_map(at).min()
    }

    fn courtesy(&self, peer: &NodeId) -> Duration {
        if self.own < *peer { Duration::ZERO } else { COURTESY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: NodeId = NodeId::from_bytes([5; 32]);
    const LARGER: NodeId = NodeId::from_bytes([9; 32]);
    const SMALLER: NodeId = NodeId::from_bytes([1; 32]);

    fn dialer(peers: &[NodeId], now: Instant) -> Dialer {
        let mut dialer = Dialer::new(OWN);
        dialer.handle_peers(peers, now);
        dialer
    }

    #[test]
    fn listed_peers_are_dialed_and_the_smaller_identity_begins() {
        let now = Instant::now();
        let mut dialer = dialer(&[LARGER, SMALLER], now);
        assert_eq!(dialer.poll_dial(now), Some(LARGER));
        assert_eq!(dialer.poll_dial(now), None);
        assert_eq!(dialer.poll_timeout(), Some(now + COURTESY));
        assert_eq!(dialer.poll_dial(now + COURTESY), Some(SMALLER));
        assert_eq!(dialer.poll_timeout(), None);
    }

    #[test]
    fn waits_double_up_to_a_limit_and_start_over_after_a_connection() {
        let mut now = Instant::now();
        let mut dialer = dialer(&[LARGER], now);
        let mut waits = Vec::new();
        for _ in 0..40 {
            assert_eq!(dialer.poll_dial(now), Some(LARGER));
            dialer.handle_failed(&LARGER, now);
            let next = dialer.poll_timeout().unwrap();
            waits.push(next - now);
            now = next;
        }
        assert_eq!(waits[..3], [SHORTEST, SHORTEST * 2, SHORTEST * 4]);
        assert_eq!(waits[39], LONGEST);
        dialer.handle_connected(&LARGER);
        assert_eq!(dialer.poll_dial(now + LONGEST), None);
        dialer.handle_lost(&LARGER, now);
        assert_eq!(dialer.poll_dial(now), None);
        assert_eq!(dialer.poll_dial(now + SHORTEST), Some(LARGER));
        dialer.handle_failed(&LARGER, now);
        assert_eq!(dialer.poll_timeout(), Some(now + SHORTEST));
    }

    #[test]
    fn a_wanted_peer_is_tried_again_soon_but_not_in_a_busy_loop() {
        let now = Instant::now();
        let mut dialer = dialer(&[LARGER, SMALLER], now);
        dialer.handle_wanted(&SMALLER, now);
        let mut dialed = [dialer.poll_dial(now), dialer.poll_dial(now)];
        dialed.sort();
        assert_eq!(dialed, [Some(SMALLER), Some(LARGER)]);
        for _ in 0..10 {
            dialer.handle_failed(&SMALLER, now);
            dialer.handle_wanted(&SMALLER, now);
            assert_eq!(dialer.poll_dial(now), None);
            assert_eq!(dialer.poll_timeout(), Some(now + SHORTEST));
            assert_eq!(dialer.poll_dial(now + SHORTEST), Some(SMALLER));
        }
    }

    #[test]
    fn unlisted_peers_are_forgotten() {
        let now = Instant::now();
        let mut dialer = dialer(&[LARGER], now);
        dialer.handle_peers(&[SMALLER], now);
        dialer.handle_failed(&LARGER, now);
        dialer.handle_lost(&LARGER, now);
        dialer.handle_wanted(&LARGER, now);
        assert_eq!(dialer.poll_dial(now + COURTESY), Some(SMALLER));
        assert_eq!(dialer.poll_dial(now + LONGEST), None);
    }
}
