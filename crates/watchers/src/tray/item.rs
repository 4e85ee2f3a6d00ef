//! The icon over D-Bus, as `org.kde.StatusNotifierItem`.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use zbus::object_server::SignalEmitter;
use zbus::{ObjectPath, OwnedObjectPath};

use super::icon::{Mood, Pixmap, pixmap};

/// Where the menu is.
pub(super) const MENU: &str = "/MenuBar";

/// How the icon looks now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) mood: Mood,
    /// What is shown under the pointer.
    pub(super) hint: String,
}

/// The service.
pub(super) struct Item {
    pub(super) look: Arc<Mutex<Look>>,
    /// Told when the icon itself is chosen.
    pub(super) activated: UnboundedSender<()>,
}

impl Item {
    fn mood(&self) -> Mood {
        self.look.lock().mood
    }
}

#[zbus::interface(name = "org.kde.StatusNotifierItem")]
impl Item {
    fn activate(&self, _x: i32, _y: i32) {
        // The receiver ends only when the tray does.
        let _ = self.activated.send(());
    }

    fn secondary_activate(&self, _x: i32, _y: i32) {}

    fn context_menu(&self, _x: i32, _y: i32) {}

    fn scroll(&self, _delta: i32, _orientation: String) {}

    #[zbus(signal)]
    pub(super) async fn new_icon(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(super) async fn new_tool_tip(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(super) async fn new_status(emitter: &SignalEmitter<'_>, status: &str) -> zbus::Result<()>;

    #[zbus(property)]
    fn category(&self) -> String {
        "ApplicationStatus".to_owned()
    }

    #[zbus(property)]
    fn id(&self) -> String {
        "timberline".to_owned()
    }

    #[zbus(property)]
    fn title(&self) -> String {
        "Timberline".to_owned()
    }

    #[zbus(property)]
    fn status(&self) -> String {
        status(self.mood()).to_owned()
    }

    #[zbus(property)]
    fn window_id(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn icon_name(&self) -> String {
        String::new()
    }

    #[zbus(property)]
    fn icon_pixmap(&self) -> Vec<Pixmap> {
        vec![pixmap(self.mood())]
    }

    #[zbus(property)]
    fn overlay_icon_name(&self) -> String {
        String::new()
    }

    #[zbus(property)]
    fn attention_icon_name(&self) -> String {
        String::new()
    }

    #[zbus(property)]
    fn attention_icon_pixmap(&self) -> Vec<Pixmap> {
        vec![pixmap(Mood::Alarm)]
    }

    #[zbus(property)]
    fn tool_tip(&self) -> (String, Vec<Pixmap>, String, String) {
        let hint = self.look.lock().hint.clone();
        (String::new(), Vec::new(), "Timberline".to_owned(), hint)
    }

    #[zbus(property)]
    fn item_is_menu(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn menu(&self) -> OwnedObjectPath {
        ObjectPath::from_static_str_unchecked(MENU).into()
    }
}

/// What the specification calls it.
pub(super) fn status(mood: Mood) -> &'static str {
    match mood {
        Mood::Alarm => "NeedsAttention",
        Mood::Recording | Mood::Paused => "Active",
    }
}
