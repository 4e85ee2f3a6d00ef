//! The service that shows notifications (`org.freedesktop.Notifications`).

use std::collections::HashMap;
use std::time::Duration;

use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, Variant};

use crate::desktop::bus::Signals;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The service has so long to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notification {
    pub(super) title: String,
    pub(super) text: String,
    /// Whether it stays until somebody has seen it.
    pub(super) stays: bool,
    pub(super) buttons: Vec<Button>,
}

impl Notification {
    /// One that only says something.
    pub(super) fn new(title: impl Into<String>, text: impl Into<String>) -> Notification {
        Notification {
            title: title.into(),
            text: text.into(),
            stays: false,
            buttons: Vec::new(),
        }
    }
}

/// Something that the person can choose in a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Button {
    /// A click on the notification itself.
    Whole,
    /// A button with this text.
    Named(&'static str),
    /// A field to write in, which only KDE's service has.
    Field {
        /// What the button is called that opens it.
        label: &'static str,
        /// What is in the field while it is empty.
        placeholder: &'static str,
    },
}

impl Button {
    /// Its key and its label.
    fn action(self) -> [&'static str; 2] {
        match self {
            Button::Whole => ["default", "Open"],
            Button::Named(label) => ["button", label],
            Button::Field { label, .. } => ["inline-reply", label],
        }
    }
}

/// What a service can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Buttons.
    pub(super) buttons: bool,
    /// A field to write in.
    pub(super) field: bool,
}

/// What has happened to a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// It, or its button, was chosen.
    Chosen,
    /// This was written in its field.
    Written(String),
    /// It is not there any more.
    Closed,
}

/// Shows a notification, on a connection of its own: there are few of them. A desktop without notifications shows none.
pub(super) async fn show(bus: &str, notification: &Notification) {
    let shown = async { Service::connect(bus).await?.show(notification).await };
    if let Err(error) = shown.await {
        tracing::debug!(%error, title = notification.title, "a notification is not shown");
    }
}

/// A connection to the service.
pub(super) struct Service(Connection);

impl Service {
    pub(super) async fn connect(bus: &str) -> zbus::Result<Service> {
        let builder = zbus::connection::Builder::address(bus).method_timeout(PATIENCE);
        Ok(Service(builder.build().await?))
    }

    pub(super) async fn capabilities(&self) -> zbus::Result<Capabilities> {
        let names: Vec<String> = self.call("GetCapabilities", &()).await?.body().deserialize()?;
        let has = |name: &str| names.iter().any(|known| known == name);
        Ok(Capabilities {
            buttons: has("actions"),
            field: has("inline-reply"),
        })
    }

    /// Shows a notification. Returns its number.
    pub(super) async fn show(&self, notification: &Notification) -> zbus::Result<u32> {
        let urgency: u8 = if notification.stays { 2 } else { 1 };
        let mut hints: HashMap<&str, Variant<'_>> = HashMap::from([
            ("urgency", Variant::from(urgency)),
            ("desktop-entry", Variant::from("timberline")),
        ]);
        for button in &notification.buttons {
            if let Button::Field { placeholder, .. } = button {
                hints.insert("x-kde-reply-placeholder-text", Variant::from(*placeholder));
            }
        }
        let actions: Vec<&str> = notification
            .buttons
            .iter()
            .flat_map(|button| button.action())
            .collect();
        let new = 0u32;
        let until_closed_by_the_desktop = -1i32;
        let body = (
            "Timberline",
            new,
            "timberline",
            notification.title.as_str(),
            escaped(&notification.text),
            actions,
            hints,
            until_closed_by_the_desktop,
        );
        self.call("Notify", &body).await?.body().deserialize()
    }

    /// Takes a notification off the screen.
    pub(super) async fn close(&self, id: u32) -> zbus::Result<()> {
        self.call("CloseNotification", &id).await.map(drop)
    }

    /// What happens to notifications, those of other programs as well.
    pub(super) async fn reactions(&self) -> zbus::Result<Reactions> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(SERVICE)
            .path(PATH)
            .interface(SERVICE)
            .build()?;
        Ok(Reactions(Signals::of(&self.0, rule).await?))
    }

    async fn call<B>(&self, method: &str, body: &B) -> zbus::Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.0
            .call_method(Some(SERVICE), PATH, Some(SERVICE), method, body)
            .await
    }
}

/// What happens to notifications.
pub(super) struct Reactions(Signals);

impl Reactions {
    /// The next, with the number of the notification. It may be dropped and called again. An error is the end of the connection.
    pub(super) async fn next(&mut self) -> zbus::Result<(u32, Reaction)> {
        loop {
            let message = self.0.next().await?;
            if let Some(reaction) = read(&message) {
                return Ok(reaction);
            }
        }
    }
}

/// `None`: another signal, or one that cannot be read.
fn read(message: &Message) -> Option<(u32, Reaction)> {
    let header = message.header();
    let body = message.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (id, _key): (u32, String) = body.deserialize().ok()?;
            Some((id, Reaction::Chosen))
        }
        "NotificationReplied" => {
            let (id, text): (u32, String) = body.deserialize().ok()?;
            Some((id, Reaction::Written(text)))
        }
        "NotificationClosed" => {
            let (id, _reason): (u32, u32) = body.deserialize().ok()?;
            Some((id, Reaction::Closed))
        }
        _ => None,
    }
}

/// Services may read the text as markup. Names of categories are a person's own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
