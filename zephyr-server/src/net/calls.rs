//! Control messages: one request, one answer, over a stream of their own (`/zephyr/call/1`).
//!
//! Request: length (u32, big-endian), bytes. Answer: status (u8: 0 answered, 1 declined, 2 busy), length (u32), bytes;
//! the length of the latter two is 0. Lengths over [`MAX_CALL_LEN`] are refused before anything is allocated.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::{self, Codec, ProtocolSupport, ResponseChannel};
use tokio::sync::mpsc;

/// The longest request and the longest answer, in bytes.
pub const MAX_CALL_LEN: usize = 256 * 1024;
/// The longest a call may take, whatever timeout its caller names.
pub const MAX_CALL_TIME: Duration = Duration::from_secs(60);

const PROTOCOL: StreamProtocol = StreamProtocol::new("/zephyr/call/1");
/// Calls under way at once on one connection; further ones are dropped.
const MAX_CONCURRENT_CALLS: usize = 128;

/// Why a call brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request is longer than [`MAX_CALL_LEN`]; nothing was sent.
    #[error("The request is too long: at most 256 KiB can be sent in one call.")]
    TooLong,
    /// The server is not in the list, or is this one; nothing was sent.
    #[error("The server called is not one of the other servers of this network.")]
    UnknownPeer,
    /// No connection came about in time; nothing was sent.
    #[error(
        "The server could not be reached in time: check that it runs and that its address is right."
    )]
    Unreachable,
    /// The request was sent, no answer came in time. It may have been acted upon.
    #[error("The server did not answer in time; it may have acted on the request.")]
    Timeout,
    /// The other side dropped the request unanswered.
    #[error("The server declined to answer.")]
    Declined,
    /// The other side has too many requests waiting.
    #[error("The server is too busy: try again later.")]
    Busy,
    /// The connection broke, or the answer was malformed or too long. The request may have been acted upon.
    #[error(
        "The connection broke before a valid answer came; the server may have acted on the request."
    )]
    Lost,
    /// This server's network has been shut down.
    #[error("This server's network has been shut down.")]
    Stopped,
}

/// What goes back to a caller.
#[derive(Debug)]
pub(super) enum Answer {
    Answered(Vec<u8>),
    Declined,
    Busy,
}

pub(super) type Behaviour = request_response::Behaviour<CallCodec>;
pub(super) type Event = request_response::Event<Vec<u8>, Answer>;
pub(super) type Replies = mpsc::UnboundedSender<(ResponseChannel<Answer>, Answer)>;

pub(super) fn behaviour() -> Behaviour {
    let config = request_response::Config::default()
        .with_request_timeout(MAX_CALL_TIME)
        .with_max_concurrent_streams(MAX_CONCURRENT_CALLS);
    Behaviour::new([(PROTOCOL, ProtocolSupport::Full)], config)
}

/// The right to answer one call. Dropped unused, it tells the caller [`CallError::Declined`].
#[derive(Debug)]
pub struct Reply {
    channel: Option<ResponseChannel<Answer>>,
    replies: Replies,
}

impl Reply {
    pub(super) fn new(channel: ResponseChannel<Answer>, replies: Replies) -> Self {
        Self { channel: Some(channel), replies }
    }

    /// Answers the call with at most [`MAX_CALL_LEN`] bytes; a longer answer becomes [`CallError::Declined`] there and
    /// `false` here. A caller who has gone is no error.
    pub fn send(mut self, answer: Vec<u8>) -> bool {
        if answer.len() > MAX_CALL_LEN {
            return false;
        }
        self.answer(Answer::Answered(answer));
        true
    }

    pub(super) fn busy(mut self) {
        self.answer(Answer::Busy);
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(channel) = self.channel.take() {
            // The network may have shut down: then there is nobody to answer.
            let _ = self.replies.send((channel, answer));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.answer(Answer::Declined);
    }
}

/// The bytes of requests and answers.
#[derive(Clone, Debug, Default)]
pub(super) struct CallCodec;

impl Codec for CallCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Answer;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_bytes(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Answer>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut status = [0];
        io.read_exact(&mut status).await?;
        let bytes = read_bytes(io).await?;
        match (status[0], bytes.is_empty()) {
            (0, _) => Ok(Answer::Answered(bytes)),
            (1, true) => Ok(Answer::Declined),
            (2, true) => Ok(Answer::Busy),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer's status is unknown")),
        }
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_bytes(io, &request).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: Answer,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let (status, bytes) = match answer {
            Answer::Answered(bytes) => (0, bytes),
            Answer::Declined => (1, Vec::new()),
            Answer::Busy => (2, Vec::new()),
        };
        io.write_all(&[status]).await?;
        write_bytes(io, &bytes).await
    }
}

/// Reads a length and that many bytes; memory grows with what arrives, not with what was announced.
async fn read_bytes<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    io.read_exact(&mut len).await?;
    let len = u32::from_be_bytes(len);
    if len as usize > MAX_CALL_LEN {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    let mut bytes = Vec::new();
    io.take(u64::from(len)).read_to_end(&mut bytes).await?;
    if bytes.len() == len as usize { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn write_bytes<T: AsyncWrite + Unpin>(io: &mut T, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).expect("messages are at most 256 KiB");
    io.write_all(&len.to_be_bytes()).await?;
    io.write_all(bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        block_on(read_bytes(&mut Cursor::new(bytes)))
    }

    #[test]
    fn a_message_is_read_whole_or_not_at_all() {
        assert_eq!(read(&[0, 0, 0, 2, 7, 8, 9]).unwrap(), [7, 8]);
        assert_eq!(read(&[0, 0, 0, 0]).unwrap(), []);
        assert_eq!(read(&[0, 0, 0, 2, 7]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(&[0, 0, 0]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused() {
        assert_eq!(read(&[255, 255, 255, 255]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&[0, 4, 0, 1]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&[0, 4, 0, 0]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn answers_with_an_unknown_status_are_refused() {
        let read =
            |bytes: &[u8]| block_on(CallCodec.read_response(&PROTOCOL, &mut Cursor::new(bytes)));
        assert!(matches!(read(&[0, 0, 0, 0, 1, 5]), Ok(Answer::Answered(bytes)) if bytes == [5]));
        assert!(matches!(read(&[1, 0, 0, 0, 0]), Ok(Answer::Declined)));
        assert!(matches!(read(&[2, 0, 0, 0, 0]), Ok(Answer::Busy)));
        assert!(read(&[3, 0, 0, 0, 0]).is_err());
        assert!(read(&[1, 0, 0, 0, 1, 5]).is_err());
    }
}
