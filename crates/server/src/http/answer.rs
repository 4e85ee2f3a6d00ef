//! Answer bodies: in one piece, or streamed from a blocking task through a bounded channel.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc};

use super::connection::{Connection, Phase};
use super::json;

/// Size of the pieces that a stream is sent in: large enough that a hand-over costs nothing per
/// byte, small enough that a stream holds well under a megabyte.
pub(crate) const CHUNK_BYTES: usize = 128 << 10;
/// Pieces on their way between the task that makes them and the socket.
const CHUNKS_IN_FLIGHT: usize = 3;
/// Streams at once, so that many clients that read slowly take little memory and few threads.
const STREAMS: usize = 64;
/// How often a stream that waits for its turn has it looked for among the slow ones.
const RECHECK_AFTER: Duration = Duration::from_millis(250);

// Of the process, as the threads are that streams run on.
static TURNS: Semaphore = Semaphore::const_new(STREAMS);
static WAITS: Notify = Notify::const_new();

/// Returns while a stream waits for its turn. The listener may end the streams whose clients are slow.
pub(crate) async fn streams_wait() {
    WAITS.notified().await;
}

/// What a handler answers with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The fast path's: not boxed.
    Whole(Bytes),
    /// From the router.
    Routed(axum::body::Body),
}

impl From<Bytes> for Answer {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

/// An answer that is being sent. It keeps its connection informed of what the connection is busy with.
pub(crate) struct AnswerBody {
    answer: Answer,
    connection: Arc<Connection>,
}

impl AnswerBody {
    pub(crate) fn new(answer: Answer, connection: Arc<Connection>) -> Self {
        connection.enter(Phase::Sending);
        Self { answer, connection }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.connection.end();
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.answer {
            Answer::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Answer::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Answer::Routed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.answer {
            Answer::Whole(bytes) => bytes.is_empty(),
            Answer::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.answer {
            Answer::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Answer::Routed(body) => body.size_hint(),
        }
    }
}

/// 200 with a JSON body.
pub(crate) fn json_answer<B: From<Bytes>>(text: Vec<u8>) -> Response<B> {
    let mut response = Response::new(B::from(Bytes::from(text)));
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
    response
}

/// The client has disconnected, so nothing more need be written.
#[derive(Debug, thiserror::Error)]
#[error("the client stopped reading")]
pub(crate) struct StreamEnded;

/// The end of a stream where a blocking task writes.
pub(crate) struct ChunkSender(mpsc::Sender<Result<Bytes, std::io::Error>>);

impl ChunkSender {
    /// Sends `chunk`; blocks while the client is slower than we are.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn send(&self, chunk: Vec<u8>) -> Result<(), StreamEnded> {
        self.0
            .blocking_send(Ok(Bytes::from(chunk)))
            .map_err(|_| StreamEnded)
    }

    /// Sends `buffer` once it holds a chunk, and leaves an empty one in its place.
    ///
    /// # Errors
    /// When the client is gone.
    pub(crate) fn send_full(&self, buffer: &mut Vec<u8>) -> Result<(), StreamEnded> {
        if buffer.len() < CHUNK_BYTES {
            return Ok(());
        }
        // An element may overshoot the chunk a little; with room for it the buffer rarely grows.
        let next = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        self.send(std::mem::replace(buffer, next))
    }

    /// Breaks the answer off, so that the client does not take it for complete.
    pub(crate) fn break_off(&self, reason: &dyn std::fmt::Display) {
        tracing::error!(%reason, "an answer had to be broken off");
        let error = std::io::Error::other(reason.to_string());
        // If that cannot be sent either, the client is gone already.
        let _ = self.0.blocking_send(Err(error));
    }
}

/// A body that `write` makes in a blocking task, when its turn has come.
pub(crate) fn stream(
    write: impl FnOnce(&ChunkSender) -> Result<(), StreamEnded> + Send + 'static,
) -> axum::body::Body {
    let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    match TURNS.try_acquire() {
        Ok(turn) => begin(write, sender, turn),
        Err(_) => {
            let waiting = Waiting::of(Connection::current());
            tokio::spawn(async move {
                if let Some(turn) = turn(&sender).await {
                    drop(waiting);
                    begin(write, sender, turn);
                }
            });
        }
    }
    axum::body::Body::new(ChunkBody(receiver))
}

/// A body that is sent as it is made, for as long as the sender is kept. What is made waits for the client to take what
/// was made before.
pub(crate) fn live_body() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, axum::body::Body) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, axum::body::Body::new(ChunkBody(receiver)))
}

fn begin(
    write: impl FnOnce(&ChunkSender) -> Result<(), StreamEnded> + Send + 'static,
    sender: mpsc::Sender<Result<Bytes, std::io::Error>>,
    turn: SemaphorePermit<'static>,
) {
    tokio::task::spawn_blocking(move || {
        // It only fails if the receiver is gone.
        let _ = write(&ChunkSender(sender));
        drop(turn);
    });
}

/// Waits for the turn of a stream. `None` if the stream was dropped.
async fn turn(sender: &mpsc::Sender<Result<Bytes, std::io::Error>>) -> Option<SemaphorePermit<'static>> {
    let mut acquiring = pin!(TURNS.acquire());
    let mut abandoned = pin!(sender.closed());
    loop {
        tokio::select! {
            biased;
            () = &mut abandoned => return None,
            // The semaphore is never closed.
            turn = &mut acquiring => return turn.ok(),
            () = tokio::time::sleep(RECHECK_AFTER) => WAITS.notify_one(),
        }
    }
}

/// While this value exists, the connection counts as waiting for the turn of its stream.
struct Waiting(Option<Arc<Connection>>);

impl Waiting {
    fn of(connection: Option<Arc<Connection>>) -> Waiting {
        if let Some(connection) = &connection {
            connection.set_awaits_turn(true);
        }
        Waiting(connection)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.set_awaits_turn(false);
        }
    }
}

struct ChunkBody(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl Body for ChunkBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|chunk| chunk.map(|result| result.map(Frame::data)))
    }
}
