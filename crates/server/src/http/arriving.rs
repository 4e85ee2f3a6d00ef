//! A request body as it arrives. It notes in its connection when it waits for more bytes, so that a client that stalls
//! can be distinguished from a server that is slow.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::collect::SMALL_BYTES;
use super::connection::{Connection, Phase};

pub(crate) struct Arriving {
    incoming: Incoming,
    arrived: u64,
    connection: Arc<Connection>,
}

impl Arriving {
    pub(crate) fn new(incoming: Incoming, connection: Arc<Connection>) -> Self {
        connection.begin(incoming.size_hint().lower() > SMALL_BYTES);
        Self {
            incoming,
            arrived: 0,
            connection,
        }
    }

    /// A body without an announced length turns out to be large only as it arrives.
    fn count(&mut self, frame: &Frame<Bytes>) {
        self.arrived += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.arrived > SMALL_BYTES {
            self.connection.grow_large();
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.count(frame);
        }
        // Only while we wait for the client does it count as slow.
        self.connection.enter(if frame.is_pending() {
            Phase::Reading
        } else {
            Phase::Working
        });
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
