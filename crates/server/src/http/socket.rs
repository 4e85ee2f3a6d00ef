//! A client's socket: counts what goes through, and ends an idle connection where no request can be lost.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connection::{Activity, Connection};

/// Pieces of 4 KiB that are read and thrown away at the end of a connection: a request with a small body.
const DISCARDED: usize = 16;

pub(crate) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }

    /// What an idle connection that is to leave reads: a request that has arrived in the meantime, or else the end.
    /// The kernel is asked, because tokio may not know yet of bytes that came a moment ago.
    fn read_last(&self, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match rustix::net::recv(&self.stream, buffer.initialize_unfilled(), RecvFlags::DONTWAIT) {
            Ok((length, _)) => {
                buffer.advance(length);
                self.connection.received(length);
                Poll::Ready(Ok(()))
            }
            Err(rustix::io::Errno::AGAIN) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }

    /// Reads what has arrived since the end was decided, and does nothing with it. With unread bytes the kernel would
    /// reset the connection; so the client sees an orderly end without an answer, and may send its request again. Bounded,
    /// because a client may go on sending.
    fn discard(&self) {
        let mut bytes = [0; 4096];
        for _ in 0..DISCARDED {
            match rustix::net::recv(&self.stream, &mut bytes, RecvFlags::DONTWAIT) {
                Ok((length, _)) if length > 0 => {}
                _ => return,
            }
        }
    }

    fn wrote(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(Ok(length)) => self.connection.sent(Some(*length)),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.connection.sent(None),
        }
        outcome
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.connection.received(buffer.filled().len() - before);
            return read;
        }
        if self.connection.is_leaving() && self.connection.sighting().activity == Activity::Idle {
            return self.read_last(buffer);
        }
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        if shut.is_ready() {
            self.discard();
        }
        shut
    }
}
