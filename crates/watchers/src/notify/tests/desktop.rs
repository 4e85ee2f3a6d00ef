//! A service that shows notifications to the test, and reacts to them as the test says.

use std::collections::HashMap;

use timberline_test_support::PrivateBus;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedVariant};

const PATH: &str = "/org/freedesktop/Notifications";

/// What was asked of the service.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Show(Shown),
    Close(u32),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) urgency: u8,
    pub(super) actions: Vec<String>,
}

struct Service {
    capabilities: &'static [&'static str],
    asked: UnboundedSender<Asked>,
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.iter().map(|name| (*name).to_owned()).collect()
    }

    fn close_notification(&self, id: u32) {
        let _ = self.asked.send(Asked::Close(id));
    }

    #[allow(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &mut self,
        program: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        _expires: i32,
    ) -> u32 {
        assert_eq!(program, "Timberline");
        let urgency = hints
            .get("urgency")
            .and_then(|urgency| u8::try_from(urgency).ok());
        let _ = self.asked.send(Asked::Show(Shown {
            title,
            text,
            urgency: urgency.expect("an urgency"),
            actions,
        }));
        self.last += 1;
        self.last
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_replied(emitter: &SignalEmitter<'_>, id: u32, text: &str) -> zbus::Result<()>;
}

/// The service on a bus.
pub(super) struct Desktop {
    connection: Connection,
    asked: UnboundedReceiver<Asked>,
}

impl Desktop {
    pub(super) async fn on(bus: &PrivateBus, capabilities: &'static [&'static str]) -> Desktop {
        let (asked, receiver) = unbounded_channel();
        let service = Service {
            capabilities,
            asked,
            last: 0,
        };
        let connection = zbus::connection::Builder::address(bus.address.as_str())
            .serve_at(PATH, service)
            .name("org.freedesktop.Notifications")
            .build()
            .await
            .expect("a service");
        Desktop {
            connection,
            asked: receiver,
        }
    }

    /// The next thing that is asked of it.
    pub(super) async fn asked(&mut self) -> Asked {
        self.asked.recv().await.expect("a request")
    }

    pub(super) async fn shown(&mut self) -> Shown {
        match self.asked().await {
            Asked::Show(shown) => shown,
            Asked::Close(id) => panic!("{id} is closed"),
        }
    }

    pub(super) async fn choose(&self, id: u32, key: &str) {
        Service::action_invoked(&self.emitter(), id, key)
            .await
            .expect("sent");
    }

    pub(super) async fn write(&self, id: u32, text: &str) {
        Service::notification_replied(&self.emitter(), id, text)
            .await
            .expect("sent");
    }

    fn emitter(&self) -> SignalEmitter<'_> {
        SignalEmitter::new(&self.connection, PATH).expect("a path")
    }
}
