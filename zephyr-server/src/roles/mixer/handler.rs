//! What clients ask of a mixer.

use tokio::sync::{mpsc, oneshot};
use zephyr_core::Round;
use zephyr_core::wire::{
    MAX_TOKEN, MixerReply, MixerRequest, SubmitRefusal, WireError, decode, encode,
};

use crate::listen::{Close, Handler, PeerInfo, Replies};

/// A packet on its way to the mixer's task.
pub(super) struct Submission {
    pub(super) round: Round,
    pub(super) packet: Vec<u8>,
    pub(super) reply: oneshot::Sender<Result<(), SubmitRefusal>>,
}

/// The part that answers clients.
pub(crate) struct MixerHandler {
    mixer: mpsc::Sender<Submission>,
}

impl MixerHandler {
    pub(super) fn new(mixer: mpsc::Sender<Submission>) -> Self {
        Self { mixer }
    }

    async fn submit(&self, round: Round, token: &[u8], packet: &[u8]) -> Result<(), SubmitRefusal> {
        if token.len() > MAX_TOKEN {
            return Err(SubmitRefusal::Length);
        }
        let (reply, answer) = oneshot::channel();
        let submission = Submission { round, packet: packet.to_vec(), reply };
        // The mixer's task is gone only while the server stops.
        self.mixer.send(submission).await.map_err(|_| SubmitRefusal::Closed)?;
        answer.await.unwrap_or(Err(SubmitRefusal::Closed))
    }
}

impl Handler for MixerHandler {
    async fn handle(
        &self,
        _peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> Result<(), Close> {
        let MixerRequest::Submit { round, token, packet } =
            decode(request).map_err(|_: WireError| Close::Malformed)?;
        let answer = match self.submit(round, token, packet).await {
            Ok(()) => MixerReply::Accepted,
            Err(why) => MixerReply::Refused(why),
        };
        let mut out = [0; 16];
        let message = encode(&answer, &mut out).expect("answers are short");
        reply.send(message).await
    }
}
