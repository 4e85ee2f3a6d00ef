//! Keeps the icon in the tray, and carries out what is chosen.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use timberline_model::Duration as Length;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use zbus::Connection;
use zbus::MatchRule;
use zbus::message::Type;
use zbus::object_server::SignalEmitter;

use super::dbusmenu::{Menu, Shown};
use super::icon::Mood;
use super::item::{self, Item, Look, MENU};
use super::menu::{self, Action, Entry};
use crate::away::Absence;
use crate::desk::Desk;
use crate::desktop::bus::Signals;
use crate::supervisor::{Handle, WatcherStatus, Which};

const ITEM: &str = "/StatusNotifierItem";
/// The service that knows all icons and tells trays about them.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const BUS: &str = "org.freedesktop.DBus";
/// How often a bus is tried that does not answer.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the tray may show of absences: the one that is to be explained.
type Unexplained = watch::Receiver<Option<Absence>>;

/// Shows the icon wherever there is a tray. Never ends; without a bus it waits.
pub async fn show(bus: Option<String>, handle: Handle, unexplained: Unexplained, desk: Arc<dyn Desk>) {
    let Some(bus) = bus else {
        return std::future::pending().await;
    };
    loop {
        if let Err(error) = stay(&bus, &handle, &unexplained, desk.as_ref()).await {
            tracing::debug!(%error, "no icon in the tray for now");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// The icon on one connection.
struct Tray<'a> {
    connection: Connection,
    handle: &'a Handle,
    unexplained: &'a Unexplained,
    desk: &'a dyn Desk,
    shown: Arc<Mutex<Shown>>,
    look: Arc<Mutex<Look>>,
}

/// Shows the icon until the bus has gone.
async fn stay(bus: &str, handle: &Handle, unexplained: &Unexplained, desk: &dyn Desk) -> zbus::Result<()> {
    let (chosen, choices) = unbounded_channel();
    let (activated, activations) = unbounded_channel();
    let watchers = handle.list();
    let shown = Arc::new(Mutex::new(Shown {
        entries: entries(&watchers, unexplained, desk),
        revision: 1,
    }));
    let look = Arc::new(Mutex::new(look(&watchers, handle.queue_alarm())));
    let item = Item {
        look: Arc::clone(&look),
        activated,
    };
    let menu = Menu {
        shown: Arc::clone(&shown),
        chosen,
    };
    let connection = zbus::connection::Builder::address(bus)
        .method_timeout(PATIENCE)
        .serve_at(ITEM, item)
        .serve_at(MENU, menu)
        .build()
        .await?;
    let tray = Tray {
        connection,
        handle,
        unexplained,
        desk,
        shown,
        look,
    };
    tray.run(choices, activations).await
}

impl Tray<'_> {
    async fn run(
        &self,
        mut choices: UnboundedReceiver<i32>,
        mut activations: UnboundedReceiver<()>,
    ) -> zbus::Result<()> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BUS)
            .interface(BUS)
            .member("NameOwnerChanged")
            .arg(0, WATCHER)
            .build()?;
        let mut owners = Signals::of(&self.connection, rule).await?;
        let mut news = self.handle.news();
        let mut unexplained = self.unexplained.clone();
        self.register().await;
        loop {
            tokio::select! {
                owner = owners.next() => {
                    let message = owner?;
                    let body = message.body();
                    if let Ok((_, _, owner)) = body.deserialize::<(String, String, String)>()
                        && !owner.is_empty()
                    {
                        self.register().await;
                    }
                }
                Some(id) = choices.recv() => {
                    if let Some(action) = menu::action(id, &self.handle.list(), *self.unexplained.borrow()) {
                        self.carry_out(action);
                    }
                }
                Some(()) = activations.recv() => self.desk.open_dashboard(),
                Ok(()) = unexplained.changed() => self.update().await?,
                changed = news.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.update().await?;
                }
            }
        }
    }

    /// Asks to be shown. Without anybody who knows of trays, that comes later.
    async fn register(&self) {
        let name = self.connection.unique_name().map(ToString::to_string);
        let name = name.unwrap_or_default();
        let asked = self.connection.call_method(
            Some(WATCHER),
            "/StatusNotifierWatcher",
            Some(WATCHER),
            "RegisterStatusNotifierItem",
            &name,
        );
        match asked.await {
            Ok(_) => tracing::debug!("the icon is in the tray"),
            Err(error) => tracing::debug!(%error, "there is no tray yet"),
        }
    }

    /// Shows what has changed.
    async fn update(&self) -> zbus::Result<()> {
        let watchers = self.handle.list();
        let entries = entries(&watchers, self.unexplained, self.desk);
        let revision = {
            let mut shown = self.shown.lock();
            if shown.entries == entries {
                None
            } else {
                shown.entries = entries;
                shown.revision = shown.revision.wrapping_add(1);
                Some(shown.revision)
            }
        };
        if let Some(revision) = revision {
            let emitter = SignalEmitter::new(&self.connection, MENU)?;
            Menu::layout_updated(&emitter, revision, 0).await?;
        }
        let look = look(&watchers, self.handle.queue_alarm());
        let before = std::mem::replace(&mut *self.look.lock(), look.clone());
        if before != look {
            let emitter = SignalEmitter::new(&self.connection, ITEM)?;
            Item::new_icon(&emitter).await?;
            Item::new_tool_tip(&emitter).await?;
            Item::new_status(&emitter, item::status(look.mood)).await?;
        }
        Ok(())
    }

    fn carry_out(&self, action: Action) {
        let done = match action {
            Action::OpenDashboard => return self.desk.open_dashboard(),
            Action::Explain(absence) => return self.desk.open_absence(&absence),
            Action::Quit => return self.desk.quit(),
            Action::Resume => self.handle.resume(Which::All),
            Action::Switch(name, true) => self.handle.enable(Which::One(&name)),
            Action::Switch(name, false) => self.handle.disable(Which::One(&name)),
            Action::Pause(length) => {
                let (now, tomorrow) = self.desk.now_and_tomorrow();
                let until = match length {
                    menu::Length::Minutes(minutes) => {
                        Some(now.saturating_add(Length::from_secs(60 * minutes)))
                    }
                    menu::Length::Tomorrow => Some(tomorrow),
                    menu::Length::UntilResumed => None,
                };
                self.handle.pause(Which::All, until)
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a choice in the tray menu was not carried out, or not stored");
        }
    }
}

fn entries(watchers: &[WatcherStatus], unexplained: &Unexplained, desk: &dyn Desk) -> Vec<Entry> {
    let unexplained = *unexplained.borrow();
    menu::menu(watchers, unexplained, |time| desk.local_time(time))
}

/// How the icon looks for these watchers.
fn look(watchers: &[WatcherStatus], queue_alarm: Option<String>) -> Look {
    let mut alarms = menu::alarms(watchers);
    alarms.extend(queue_alarm);
    let mut on = watchers.iter().filter(|watcher| watcher.enabled).peekable();
    let all_paused = on.peek().is_some() && on.all(|watcher| watcher.paused.is_some());
    if !alarms.is_empty() {
        Look {
            mood: Mood::Alarm,
            hint: alarms.join("\n"),
        }
    } else if all_paused {
        Look {
            mood: Mood::Paused,
            hint: "Paused".to_owned(),
        }
    } else {
        Look {
            mood: Mood::Recording,
            hint: "Recording".to_owned(),
        }
    }
}
