//! What the swarm reports, turned into what the network does about it.

use std::time::Instant;

use libp2p::kad::{self, GetRecordOk, InboundRequest, QueryResult, Quorum};
use libp2p::request_response::{self, Message, OutboundFailure};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, ping};
use tokio::sync::mpsc::error::TrySendError;

use super::actor::{Net, Waiting};
use super::behaviour::BehaviourEvent;
use super::calls::{self, Answer, CallError, Reply};
use super::handle::Incoming;
use super::roster::NodeId;

impl Net {
    pub(super) fn handle_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Calls(event)) => self.handle_call_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Kad(event)) => self.handle_kad_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.handle_ping(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.dials.remove(&connection_id);
                self.handle_connected(peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.handle_lost(peer_id)
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                if let Some(node) = self.dials.remove(&connection_id) {
                    tracing::debug!(%node, %error, "a dial failed");
                    self.dial_failed(node);
                }
            }
            _ => {}
        }
    }

    fn handle_connected(&mut self, peer: PeerId) {
        let Some(node) = self.roster.node(&peer) else {
            return;
        };
        if !self.swarm.is_connected(&peer) || !self.connected.insert(node) {
            return;
        }
        tracing::debug!(%node, "connected");
        self.dialer.handle_connected(&node);
        self.publish_connected();
        self.bring_own_records(peer);
        for waiting in self.waiting.remove(&node).unwrap_or_default() {
            match waiting {
                Waiting::Call { request, reply, sent } => {
                    self.send_call(peer, request, reply, sent)
                }
                // Whoever asked may have gone.
                Waiting::Connect { reply } => drop(reply.send(Some(peer))),
            }
        }
    }

    fn handle_lost(&mut self, peer: PeerId) {
        let Some(node) = self.roster.node(&peer) else {
            return;
        };
        if self.connected.remove(&node) {
            tracing::debug!(%node, "connection lost");
            self.dialer.handle_lost(&node, Instant::now());
            self.publish_connected();
        } else {
            self.dial_failed(node);
        }
    }

    /// A peer that comes back has lost, or never got, what this server has put since.
    fn bring_own_records(&mut self, peer: PeerId) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        for record in kad.store_mut().own() {
            kad.put_record_to(record, [peer].into_iter(), Quorum::One);
        }
    }

    pub(super) fn dial(&mut self, node: NodeId, addresses: Vec<Multiaddr>) {
        let Some(peer) = self.roster.peer_id(&node) else { return };
        let options = DialOpts::peer_id(peer)
            .addresses(addresses)
            .condition(PeerCondition::Disconnected)
            .allocate_new_port()
            .build();
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => drop(self.dials.insert(connection, node)),
            Err(_) => self.dial_failed(node),
        }
    }

    fn dial_failed(&mut self, node: NodeId) {
        let now = Instant::now();
        self.dialer.handle_failed(&node, now);
        if self.waiting.contains_key(&node) {
            self.dialer.handle_wanted(&node, now);
        }
    }

    /// The first ping goes out with the connection. Only its answer shows that the other side lets this server in: until
    /// then the connection counts for nothing. Later ones show that the connection still lives.
    fn handle_ping(&mut self, event: ping::Event) {
        match event.result {
            // Not to know pings is an answer as well.
            Ok(_) | Err(ping::Failure::Unsupported) => self.handle_connected(event.peer),
            Err(_) => drop(self.swarm.close_connection(event.connection)),
        }
    }

    fn handle_call_event(&mut self, event: calls::Event) {
        match event {
            request_response::Event::Message {
                peer,
                message: Message::Request { request, channel, .. },
                ..
            } => {
                let reply = Reply::new(channel, self.replies.clone());
                let Some(from) = self.roster.node(&peer) else { return };
                if let Err(TrySendError::Full(Incoming::Call { reply, .. })) =
                    self.incoming.try_send(Incoming::Call { from, request, reply })
                {
                    reply.busy();
                }
            }
            request_response::Event::Message {
                message: Message::Response { request_id, response },
                ..
            } => {
                let result = match response {
                    Answer::Answered(bytes) => Ok(bytes),
                    Answer::Declined => Err(CallError::Declined),
                    Answer::Busy => Err(CallError::Busy),
                };
                self.finish_call(request_id, result);
            }
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                let error = match error {
                    OutboundFailure::DialFailure => CallError::Unreachable,
                    OutboundFailure::Timeout => CallError::Timeout,
                    _ => CallError::Lost,
                };
                self.finish_call(request_id, Err(error));
            }
            _ => {}
        }
    }

    fn finish_call(
        &mut self,
        id: request_response::OutboundRequestId,
        result: Result<Vec<u8>, CallError>,
    ) {
        if let Some(reply) = self.calls.remove(&id) {
            // Whoever called may have gone.
            let _ = reply.send(result);
        }
    }

    fn handle_kad_event(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: InboundRequest::PutRecord { source, record: Some(record), .. },
            } => {
                let records = self.swarm.behaviour_mut().kad.store_mut();
                match records.admits(record.key.as_ref(), &record.value) {
                    Ok(()) => records.insert(record, source),
                    Err(error) => tracing::debug!(%source, %error, "a record was not kept"),
                }
            }
            kad::Event::OutboundQueryProgressed {
                id,
                result: QueryResult::GetRecord(result),
                step,
                ..
            } => {
                if let Ok(GetRecordOk::FoundRecord(found)) = result {
                    self.handle_found(id, found.record);
                }
                if step.last {
                    self.lookups.handle_end(id);
                }
            }
            _ => {}
        }
    }

    fn handle_found(&mut self, query: kad::QueryId, record: kad::Record) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        if kad.store_mut().admits(record.key.as_ref(), &record.value).is_err() {
            return;
        }
        if self.lookups.handle_value(query, &record.key, record.value)
            && let Some(mut query) = kad.query_mut(&query)
        {
            query.finish();
        }
    }
}
