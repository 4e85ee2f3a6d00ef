//! A request body as it arrives: tells its connection about every piece, so that a client that
//! stalls is told from one that is slow.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connections::{Connection, Phase};

pub(crate) struct Arriving {
    incoming: Incoming,
    connection: Arc<Connection>,
}

impl Arriving {
    pub(crate) fn new(incoming: Incoming, connection: Arc<Connection>) -> Self {
        connection.enter(Phase::Working);
        Self { incoming, connection }
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
