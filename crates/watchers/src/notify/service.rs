//! Shows a notification.

use std::collections::HashMap;
use std::time::Duration;

use zbus::Variant;

const SERVICE: &str = "org.freedesktop.Notifications";
/// The service has so long to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notification {
    pub(super) title: String,
    pub(super) text: String,
    /// Whether it stays until somebody has seen it.
    pub(super) stays: bool,
}

/// Shows a notification, on a connection of its own: there are few of them. A desktop without notifications shows none.
pub(super) async fn show(bus: &str, notification: &Notification) {
    if let Err(error) = try_to_show(bus, notification).await {
        tracing::debug!(%error, title = notification.title, "a notification is not shown");
    }
}

async fn try_to_show(bus: &str, notification: &Notification) -> zbus::Result<()> {
    let connection = zbus::connection::Builder::address(bus)
        .method_timeout(PATIENCE)
        .build()
        .await?;
    let urgency: u8 = if notification.stays { 2 } else { 1 };
    let hints: HashMap<&str, Variant<'_>> = HashMap::from([
        ("urgency", Variant::from(urgency)),
        ("desktop-entry", Variant::from("timberline")),
    ]);
    let until_closed_by_the_desktop = -1i32;
    let body = (
        "Timberline",
        0u32,
        "timberline",
        notification.title.as_str(),
        escaped(&notification.text),
        Vec::<&str>::new(),
        hints,
        until_closed_by_the_desktop,
    );
    connection
        .call_method(
            Some(SERVICE),
            "/org/freedesktop/Notifications",
            Some(SERVICE),
            "Notify",
            &body,
        )
        .await?;
    Ok(())
}

/// Services may read the text as markup. Names of categories are a person's own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
