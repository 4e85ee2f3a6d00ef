//! The menu over D-Bus, as `com.canonical.dbusmenu`: version 3 of what Ubuntu has specified and every tray speaks.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use zbus::object_server::SignalEmitter;
use zbus::{Structure, Variant};

use super::menu::{Entry, Face};

/// The number of the menu itself.
const ROOT: i32 = 0;

/// The menu as it is now. Shared by the service and by who changes it.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) entries: Vec<Entry>,
    pub(super) revision: u32,
}

/// The service.
pub(super) struct Menu {
    pub(super) shown: Arc<Mutex<Shown>>,
    /// Gets the number of each entry that is chosen.
    pub(super) chosen: UnboundedSender<i32>,
}

type Properties = HashMap<String, Variant<'static>>;
/// An entry with those below it.
type Node = (i32, Properties, Vec<Variant<'static>>);

#[zbus::interface(name = "com.canonical.dbusmenu")]
impl Menu {
    fn get_layout(&self, parent: i32, depth: i32, _names: Vec<String>) -> zbus::fdo::Result<(u32, Node)> {
        let shown = self.shown.lock();
        let node = if parent == ROOT {
            root(&shown.entries, depth)
        } else {
            let entry = find(&shown.entries, parent);
            node(entry.ok_or_else(|| unknown(parent))?, depth)
        };
        Ok((shown.revision, node))
    }

    fn get_group_properties(&self, ids: Vec<i32>, _names: Vec<String>) -> Vec<(i32, Properties)> {
        let shown = self.shown.lock();
        let ids = if ids.is_empty() { all(&shown.entries) } else { ids };
        let known = ids.into_iter().filter_map(|id| {
            let entry = find(&shown.entries, id)?;
            Some((id, properties(entry)))
        });
        known.collect()
    }

    fn get_property(&self, id: i32, name: String) -> zbus::fdo::Result<Variant<'static>> {
        let shown = self.shown.lock();
        let mut properties = find(&shown.entries, id)
            .map(properties)
            .ok_or_else(|| unknown(id))?;
        let value = properties.remove(&name);
        value.ok_or_else(|| zbus::fdo::Error::InvalidArgs(format!("entry {id} has no property {name}")))
    }

    fn event(&self, id: i32, event: String, _data: Variant<'_>, _time: u32) {
        if event == "clicked" {
            // The receiver ends only when the tray does.
            let _ = self.chosen.send(id);
        }
    }

    fn event_group(&self, events: Vec<(i32, String, Variant<'_>, u32)>) -> Vec<i32> {
        for (id, event, data, time) in events {
            self.event(id, event, data, time);
        }
        Vec::new()
    }

    fn about_to_show(&self, _id: i32) -> bool {
        false
    }

    fn about_to_show_group(&self, _ids: Vec<i32>) -> (Vec<i32>, Vec<i32>) {
        (Vec::new(), Vec::new())
    }

    #[zbus(signal)]
    pub(super) async fn layout_updated(
        emitter: &SignalEmitter<'_>,
        revision: u32,
        parent: i32,
    ) -> zbus::Result<()>;

    #[zbus(property)]
    fn version(&self) -> u32 {
        3
    }

    #[zbus(property)]
    fn text_direction(&self) -> String {
        "ltr".to_owned()
    }

    #[zbus(property)]
    fn status(&self) -> String {
        "normal".to_owned()
    }

    #[zbus(property)]
    fn icon_theme_path(&self) -> Vec<String> {
        Vec::new()
    }
}

fn unknown(id: i32) -> zbus::fdo::Error {
    zbus::fdo::Error::InvalidArgs(format!("there is no entry {id}"))
}

fn find(entries: &[Entry], id: i32) -> Option<&Entry> {
    entries.iter().find_map(|entry| match &entry.face {
        _ if entry.id == id => Some(entry),
        Face::Menu { entries, .. } => find(entries, id),
        _ => None,
    })
}

fn all(entries: &[Entry]) -> Vec<i32> {
    let with_those_below = |entry: &Entry| match &entry.face {
        Face::Menu { entries, .. } => [vec![entry.id], all(entries)].concat(),
        _ => vec![entry.id],
    };
    entries.iter().flat_map(with_those_below).collect()
}

fn root(entries: &[Entry], depth: i32) -> Node {
    let properties = HashMap::from([("children-display".to_owned(), Variant::from("submenu"))]);
    (ROOT, properties, children(entries, depth))
}

fn node(entry: &Entry, depth: i32) -> Node {
    let below = match &entry.face {
        Face::Menu { entries, .. } => children(entries, depth),
        _ => Vec::new(),
    };
    (entry.id, properties(entry), below)
}

/// `depth`: how many levels are asked for; negative: all.
fn children(entries: &[Entry], depth: i32) -> Vec<Variant<'static>> {
    if depth == 0 {
        return Vec::new();
    }
    let child = |entry| Variant::from(Structure::from(node(entry, depth.saturating_sub(1).max(-1))));
    entries.iter().map(child).collect()
}

fn properties(entry: &Entry) -> Properties {
    let text = |text: &str| Variant::from(text.to_owned());
    let pairs: Vec<(&str, Variant<'static>)> = match &entry.face {
        Face::Separator => vec![("type", text("separator"))],
        Face::Command(label) => vec![("label", text(&escaped(label)))],
        Face::Switch { label, on } => vec![
            ("label", text(&escaped(label))),
            ("toggle-type", text("checkmark")),
            ("toggle-state", Variant::from(i32::from(*on))),
        ],
        Face::Menu { label, .. } => vec![
            ("label", text(&escaped(label))),
            ("children-display", text("submenu")),
        ],
    };
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// An underscore marks the key of an entry; two are one.
fn escaped(label: &str) -> String {
    label.replace('_', "__")
}
