//! A property of a system service, such as whether the lid is closed.

use std::convert::Infallible;
use std::sync::Arc;

use zbus::message::Type;
use zbus::zvariant::OwnedVariant;
use zbus::{Connection, MatchRule};

use super::bus::{self, Signals};
use super::{Lost, Reports, Session, Source, Watching};

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Where the property is, on the system bus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The name of the source.
    pub(crate) name: &'static str,
    /// The service, as the person knows it.
    pub(crate) title: &'static str,
    /// Its name on the bus.
    pub(crate) service: &'static str,
    /// The object.
    pub(crate) path: &'static str,
    /// The interface.
    pub(crate) interface: &'static str,
    /// The property.
    pub(crate) property: &'static str,
}

/// The source that reports a property, and each change of it.
#[derive(Debug)]
pub struct Property<R> {
    session: Arc<Session>,
    place: Place,
    /// What a value means; an error is why this machine does not have it.
    read: fn(&OwnedVariant) -> Result<R, &'static str>,
}

impl<R> Property<R> {
    /// The property of this machine.
    pub(crate) fn new(
        session: Arc<Session>,
        place: Place,
        read: fn(&OwnedVariant) -> Result<R, &'static str>,
    ) -> Property<R> {
        Property { session, place, read }
    }
}

impl<R: Send + 'static> Source<R> for Property<R> {
    fn name(&self) -> &'static str {
        self.place.name
    }

    fn watch(&mut self, reports: Reports<R>) -> Watching<'_> {
        Box::pin(async move {
            let connection = match bus::connect(self.session.system_bus.as_deref(), "system bus").await {
                Ok(connection) => connection,
                Err(lost) => return lost,
            };
            match self.follow(&connection, &reports).await {
                Ok(never) => match never {},
                Err(lost) => lost,
            }
        })
    }
}

impl<R> Property<R> {
    async fn follow(&self, connection: &Connection, reports: &Reports<R>) -> Result<Infallible, Lost> {
        let Place { title, service, .. } = self.place;
        let failed = |error: zbus::Error| Lost::Ended(format!("{title} does not answer any more: {error}"));
        let (mut changes, mut owners) = self.signals(connection).await.map_err(failed)?;
        loop {
            let owner = self.owner(connection).await?;
            let value = self
                .get(connection, &owner)
                .await
                .map_err(|error| Lost::Missing(format!("{title} ({service}) does not answer: {error}")))?;
            let report = (self.read)(&value).map_err(|reason| Lost::Missing(format!("{title}: {reason}")))?;
            reports.send(report);
            loop {
                tokio::select! {
                    biased;
                    change = changes.next() => {
                        let body = change.map_err(failed)?;
                        let body = body.body();
                        type Changes = (String, std::collections::HashMap<String, OwnedVariant>, Vec<String>);
                        let Ok((_, values, unsaid)) = body.deserialize::<Changes>() else { continue };
                        let property = self.place.property;
                        if values.contains_key(property) || unsaid.iter().any(|name| name == property) {
                            break;
                        }
                    }
                    owner = owners.next() => {
                        let body = owner.map_err(failed)?;
                        let body = body.body();
                        let Ok((_, _, owner)) = body.deserialize::<(String, String, String)>() else { continue };
                        if owner.is_empty() {
                            return Err(Lost::Ended(format!("{title} has ended")));
                        }
                        break;
                    }
                }
            }
        }
    }

    async fn signals(&self, connection: &Connection) -> zbus::Result<(Signals, Signals)> {
        let Place {
            service,
            path,
            interface,
            ..
        } = self.place;
        let signal = || MatchRule::builder().msg_type(Type::Signal);
        let changes = signal()
            .sender(service)
            .path(path)
            .interface(PROPERTIES)
            .member("PropertiesChanged")
            .arg(0, interface)
            .build()?;
        let owners = signal()
            .sender(BUS)
            .interface(BUS)
            .member("NameOwnerChanged")
            .arg(0, service)
            .build()?;
        Ok((
            Signals::of(connection, changes).await?,
            Signals::of(connection, owners).await?,
        ))
    }

    /// Who provides the service now. The bus would start a service that is called by its name, also if an administrator has stopped
    /// it.
    async fn owner(&self, connection: &Connection) -> Result<String, Lost> {
        let Place { title, service, .. } = self.place;
        let asked = connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &service);
        let owner = match asked.await {
            Ok(answer) => answer.body().deserialize(),
            Err(error) => Err(error),
        };
        owner.map_err(|error| match error {
            zbus::Error::FDO(_) | zbus::Error::MethodError(..) => {
                Lost::Missing(format!("{title} does not run ({service})"))
            }
            error => Lost::Ended(format!("the system bus failed: {error}")),
        })
    }

    async fn get(&self, connection: &Connection, owner: &str) -> zbus::Result<OwnedVariant> {
        let Place {
            path,
            interface,
            property,
            ..
        } = self.place;
        let asked = (interface, property);
        let call = connection.call_method(Some(owner), path, Some(PROPERTIES), "Get", &asked);
        call.await?.body().deserialize()
    }
}
