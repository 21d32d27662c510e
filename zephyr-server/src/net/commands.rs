//! What the handle asks for, carried out.

use std::time::Instant;

use libp2p::kad::{Quorum, Record, RecordKey};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

use super::actor::{Net, Waiting};
use super::calls::CallError;
use super::handle::Command;
use super::records::RecordError;
use super::roster::{NodeId, Peer, Roster, RosterError, to_multiaddr};

impl Net {
    pub(super) fn handle_command(&mut self, command: Command) {
        // Whoever asked may have gone: an answer that nobody takes is no error.
        match command {
            Command::Call { to, request, reply, sent } => match self.other(&to) {
                None => drop(reply.send(Err(CallError::UnknownPeer))),
                Some(peer) if self.connected.contains(&to) => {
                    self.send_call(peer, request, reply, sent)
                }
                Some(_) => self.wait_for(to, Waiting::Call { request, reply, sent }),
            },
            Command::Connect { to, reply } => match self.other(&to) {
                None => drop(reply.send(None)),
                Some(peer) if self.connected.contains(&to) => drop(reply.send(Some(peer))),
                Some(_) => self.wait_for(to, Waiting::Connect { reply }),
            },
            Command::Put { key, value, reply } => drop(reply.send(self.put(key, value))),
            Command::Get { key, all, reply } => self.get(RecordKey::from(key), all, reply),
            Command::Prune(stale) => self.swarm.behaviour_mut().kad.store_mut().prune(&*stale),
            Command::SetPeers(peers, reply) => drop(reply.send(self.set_peers(&peers))),
            Command::Shutdown => {}
        }
    }

    fn other(&self, node: &NodeId) -> Option<PeerId> {
        self.roster.peer_id(node).filter(|_| *node != self.roster.own())
    }

    fn wait_for(&mut self, node: NodeId, waiting: Waiting) {
        self.waiting.entry(node).or_default().push(waiting);
        self.dialer.handle_wanted(&node, Instant::now());
    }

    pub(super) fn send_call(
        &mut self,
        peer: PeerId,
        request: Vec<u8>,
        reply: oneshot::Sender<Result<Vec<u8>, CallError>>,
        sent: oneshot::Sender<()>,
    ) {
        if reply.is_closed() {
            return;
        }
        // Nobody reads it when the call has ended already.
        let _ = sent.send(());
        let id = self.swarm.behaviour_mut().calls.send_request(&peer, request);
        self.calls.insert(id, reply);
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), RecordError> {
        let own = *self.swarm.local_peer_id();
        let peers: Vec<_> =
            self.connected.iter().filter_map(|node| self.roster.peer_id(node)).collect();
        let kad = &mut self.swarm.behaviour_mut().kad;
        kad.store_mut().admits(&key, &value)?;
        let record = Record {
            key: key.into(),
            value,
            publisher: Some(own),
            expires: Some(Instant::now() + self.record_ttl),
        };
        kad.store_mut().insert(record.clone(), own);
        if !peers.is_empty() {
            kad.put_record_to(record, peers.into_iter(), Quorum::All);
        }
        Ok(())
    }

    fn get(&mut self, key: RecordKey, all: bool, reply: oneshot::Sender<Vec<Vec<u8>>>) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let own = kad.store_mut().value(&key, Instant::now()).map(<[u8]>::to_vec);
        if let (Some(own), false) = (&own, all) {
            // Whoever asked may have gone.
            let _ = reply.send(vec![own.clone()]);
            return;
        }
        let query = kad.get_record(key.clone());
        self.lookups.begin(query, key, all, own, reply);
    }

    fn set_peers(&mut self, peers: &[Peer]) -> Result<(), RosterError> {
        let roster = Roster::new(self.roster.own(), peers)?;
        for (node, peer) in self.roster.others().filter(|(node, _)| roster.peer_id(node).is_none())
        {
            let behaviour = self.swarm.behaviour_mut();
            behaviour.allowed.disallow_peer(peer);
            behaviour.kad.remove_peer(&peer);
            self.places.remove(&node);
            self.connected.remove(&node);
            for waiting in self.waiting.remove(&node).unwrap_or_default() {
                match waiting {
                    Waiting::Call { reply, .. } => drop(reply.send(Err(CallError::UnknownPeer))),
                    Waiting::Connect { reply } => drop(reply.send(None)),
                }
            }
        }
        self.install(roster);
        self.publish_connected();
        Ok(())
    }

    /// Lets the listed servers in and begins to keep them connected.
    pub(super) fn install(&mut self, roster: Roster) {
        self.roster = roster;
        let behaviour = self.swarm.behaviour_mut();
        let mut nodes = Vec::new();
        for (node, peer) in self.roster.others() {
            behaviour.allowed.allow_peer(peer);
            if let Some(address) = self.roster.address(&node).and_then(routing_address) {
                behaviour.kad.add_address(&peer, address);
            }
            nodes.push(node);
        }
        self.dialer.handle_peers(&nodes, Instant::now());
    }
}

/// The address for Kademlia's routing table, which wants one for each peer. It is never dialed: that is the dialer's part.
fn routing_address(address: &str) -> Option<Multiaddr> {
    if let Ok(address) = address.parse() {
        return Some(to_multiaddr(address));
    }
    let (host, port) = address.rsplit_once(':')?;
    Some(
        Multiaddr::from(Protocol::Dns(host.to_owned().into()))
            .with(Protocol::Tcp(port.parse().ok()?)),
    )
}
