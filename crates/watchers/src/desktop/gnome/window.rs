//! The window in front in GNOME Shell.

use std::convert::Infallible;
use std::sync::Arc;

use zbus::MatchRule;
use zbus::message::Type;

use super::extension::UUID;
use crate::desktop::bus_queue::{BusQueue, Target, is_signal, owner_changed};
use crate::desktop::told::Told;
use crate::desktop::{Lost, Reports, Session, Sighting, Source, Watching};

const SHELL: &str = "org.gnome.Shell";
/// What the extension has on the bus while it is enabled.
const EXTENSION: Target<'static> = Target {
    service: "io.timberline.GnomeWindow",
    path: "/io/timberline/GnomeWindow",
    interface: "io.timberline.GnomeWindow",
};

/// The source `gnome-extension`: the window in front, for GNOME Shell with our extension.
#[derive(Debug)]
pub struct GnomeExtension {
    session: Arc<Session>,
}

impl GnomeExtension {
    /// The windows of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> GnomeExtension {
        GnomeExtension { session }
    }
}

impl Source<Option<Sighting>> for GnomeExtension {
    fn name(&self) -> &'static str {
        "gnome-extension"
    }

    fn watch(&mut self, reports: Reports<Option<Sighting>>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, &reports).await;
            lost
        })
    }
}

async fn watch(session: &Session, reports: &Reports<Option<Sighting>>) -> Result<Infallible, Lost> {
    let mut bus = BusQueue::of_session(session.session_bus.as_deref()).await?;
    bus.subscribe_owner(SHELL).await?;
    bus.subscribe_owner(EXTENSION.service).await?;
    let changed = changed().map_err(|error| bus.lost(&error))?;
    bus.subscribe(changed).await?;
    if !bus.is_there(SHELL).await? {
        return Err(Lost::Missing(
            "GNOME Shell is not on the session bus: this desktop is not GNOME".to_owned(),
        ));
    }
    if !bus.is_there(EXTENSION.service).await? {
        return Err(Lost::Missing(format!(
            "the extension {UUID} of GNOME Shell is not enabled. Install it (`timberline autostart on`), log out and in again, and \
             enable it (`gnome-extensions enable {UUID}`)"
        )));
    }
    let mut told = Told::new(reports);
    ask(&bus, &mut told).await?;
    loop {
        let Some(message) = bus.next_within(told.patience()).await? else {
            told.waited();
            continue;
        };
        match owner_changed(&message) {
            Some((service, _)) if service == SHELL => {
                return Err(Lost::Ended("GNOME Shell has exited or was restarted".to_owned()));
            }
            Some((_, true)) => ask(&bus, &mut told).await?,
            // Extensions are disabled while the screen is locked.
            Some((_, false)) => told.take(None),
            None if is_signal(&message, EXTENSION.interface, "Changed") => {
                if let Ok(text) = message.body().deserialize::<String>() {
                    told.tell(&text);
                }
            }
            None => {}
        }
    }
}

/// Asks for the window that is in front now.
async fn ask(bus: &BusQueue, told: &mut Told<'_>) -> Result<(), Lost> {
    let answer = bus.call::<_, String>(EXTENSION, "Get", &()).await;
    let text = answer.map_err(|error| bus.lost(&error))?;
    if told.tell(&text) {
        Ok(())
    } else {
        Err(Lost::Ended(format!(
            "the extension {UUID} belongs to another version of Timberline: install it again (`timberline autostart on`), then log out and in again"
        )))
    }
}

fn changed() -> zbus::Result<MatchRule<'static>> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(EXTENSION.service)
        .path(EXTENSION.path)
        .interface(EXTENSION.interface)
        .build()
}
