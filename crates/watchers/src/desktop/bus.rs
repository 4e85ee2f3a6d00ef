//! Connections to message buses.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use zbus::export::futures_core::Stream;
use zbus::{Connection, Error, MatchRule, Message, MessageStream};

use super::Lost;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to a bus; `name` is what the person calls it, such as `session bus`.
pub(crate) async fn connect(address: Option<&str>, name: &str) -> Result<Connection, Lost> {
    let Some(address) = address else {
        return Err(Lost::Missing(format!("there is no {name}")));
    };
    let connection = zbus::connection::Builder::address(address)
        .method_timeout(PATIENCE)
        .build();
    let connection = tokio::time::timeout(PATIENCE, connection).await;
    match connection {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(Lost::Missing(format!("the {name} cannot be reached: {error}"))),
        Err(_) => Err(Lost::Missing(format!("the {name} does not answer"))),
    }
}

/// Signals of one kind.
pub(crate) struct Signals(MessageStream);

impl Signals {
    /// Asks the bus for the signals that match a rule.
    pub(crate) async fn of(connection: &Connection, rule: MatchRule<'static>) -> zbus::Result<Signals> {
        Ok(Signals(
            MessageStream::for_match_rule(rule, connection, None).await?,
        ))
    }

    /// The next one. It may be dropped and called again. An error is the end of the connection.
    pub(crate) async fn next(&mut self) -> zbus::Result<Message> {
        let next = poll_fn(|context| Pin::new(&mut self.0).poll_next(context)).await;
        next.unwrap_or_else(|| Err(Error::InputOutput(Arc::new(ErrorKind::BrokenPipe.into()))))
    }
}
