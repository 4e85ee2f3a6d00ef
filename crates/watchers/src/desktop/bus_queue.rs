//! A connection to a message bus whose signals and calls all arrive in one queue, in the order in which the bus delivered them.
//! With a stream for each kind of signal their order would be lost, and what a source reports may depend on it.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::{Connection, DynamicType, MatchRule, Message, MessageStream};

use super::{Lost, bus};

/// The bus itself, which has a name on it.
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// How many messages may wait while a source awaits an answer.
const QUEUE: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Something that can be called: a service, one of its objects, and one of the object's interfaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) service: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
}

/// A connection to a bus.
#[derive(Debug)]
pub(super) struct BusQueue {
    name: &'static str,
    pub(super) connection: Connection,
    messages: MessageStream,
}

impl BusQueue {
    /// Connects to the bus of the session.
    pub(super) async fn of_session(address: Option<&str>) -> Result<BusQueue, Lost> {
        BusQueue::connect(address, "session bus").await
    }

    /// Connects to the bus of the system.
    pub(super) async fn of_system(address: Option<&str>) -> Result<BusQueue, Lost> {
        BusQueue::connect(address, "system bus").await
    }

    async fn connect(address: Option<&str>, name: &'static str) -> Result<BusQueue, Lost> {
        let connection = bus::connect(address, name).await?;
        let mut messages = MessageStream::from(&connection);
        messages.set_max_queued(QUEUE);
        Ok(BusQueue {
            name,
            connection,
            messages,
        })
    }

    /// Waits for the next signal that was subscribed to, or the next call.
    pub(super) async fn next(&mut self) -> Result<Message, Lost> {
        loop {
            let next = poll_fn(|context| Pin::new(&mut self.messages).poll_next(context)).await;
            match next {
                None => return Err(Lost::Ended(format!("the {} has gone", self.name))),
                Some(Err(error)) => return Err(self.lost(&error)),
                Some(Ok(message)) => {
                    if [Type::Signal, Type::MethodCall].contains(&message.message_type()) {
                        return Ok(message);
                    }
                }
            }
        }
    }

    /// The same, but only for so long, if a time is given. `None`: there was nothing.
    pub(super) async fn next_within(&mut self, patience: Option<Duration>) -> Result<Option<Message>, Lost> {
        match patience {
            None => self.next().await.map(Some),
            Some(patience) => tokio::time::timeout(patience, self.next()).await.ok().transpose(),
        }
    }

    /// From now on, signals like this one are delivered.
    pub(super) async fn subscribe(&self, rule: MatchRule<'_>) -> Result<(), Lost> {
        let added = self.call_bus::<_, ()>("AddMatch", &rule.to_string()).await;
        added.map_err(|error| self.lost(&error))
    }

    /// From now on, a signal is delivered when this name gets another owner or none: [`owner_changed`].
    pub(super) async fn subscribe_owner(&self, service: &str) -> Result<(), Lost> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BUS)
            .interface(BUS)
            .member("NameOwnerChanged")
            .arg(0, service)
            .build()
            .map_err(|error| self.lost(&error))?;
        self.subscribe(rule).await
    }

    /// Whether somebody provides the service now. It is not started for that.
    pub(super) async fn is_there(&self, service: &str) -> Result<bool, Lost> {
        let there = self.call_bus("NameHasOwner", &service).await;
        there.map_err(|error| self.lost(&error))
    }

    async fn call_bus<B, R>(&self, method: &str, arguments: &B) -> zbus::Result<R>
    where
        B: Serialize + DynamicType,
        R: DeserializeOwned + zbus::wire::Type,
    {
        let bus = Target {
            service: BUS,
            path: BUS_PATH,
            interface: BUS,
        };
        self.call(bus, method, arguments).await
    }

    /// Calls a method.
    pub(super) async fn call<B, R>(&self, target: Target<'_>, method: &str, arguments: &B) -> zbus::Result<R>
    where
        B: Serialize + DynamicType,
        R: DeserializeOwned + zbus::wire::Type,
    {
        let (service, interface) = (Some(target.service), Some(target.interface));
        let answer = self
            .connection
            .call_method(service, target.path, interface, method, arguments);
        answer.await?.body().deserialize()
    }

    /// The end of the connection, or of a service on it, with a text for the user.
    pub(super) fn lost(&self, error: &zbus::Error) -> Lost {
        Lost::Ended(format!("the {} failed: {error}", self.name))
    }
}

/// Whether this signal says that a service has another owner: its name, and whether it has one at all now.
pub(super) fn owner_changed(message: &Message) -> Option<(String, bool)> {
    if !is_signal(message, BUS, "NameOwnerChanged") {
        return None;
    }
    let body = message.body();
    let (service, _former, owner): (String, String, String) = body.deserialize().ok()?;
    Some((service, !owner.is_empty()))
}

/// Whether this is such a signal.
pub(super) fn is_signal(message: &Message, interface: &str, member: &str) -> bool {
    let header = message.header();
    message.message_type() == Type::Signal
        && header.interface().is_some_and(|name| name.as_str() == interface)
        && header.member().is_some_and(|name| name.as_str() == member)
}
