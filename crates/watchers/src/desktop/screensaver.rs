//! Locks, as screen lockers report them on the session bus.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use zbus::message::Type;
use zbus::{MatchRule, Message};

use super::bus_queue::{BusQueue, Target, owner_changed};
use super::{Lost, Reports, Session, Source, Watching};
use crate::afk::Fact;

/// The services of screen lockers. Each has an interface of the same name.
const LOCKERS: [Target<'static>; 5] = [
    locker("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
    locker("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    locker("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"),
    locker("org.mate.ScreenSaver", "/org/mate/ScreenSaver"),
    locker("org.xfce.ScreenSaver", "/org/xfce/ScreenSaver"),
];

const fn locker(service: &'static str, path: &'static str) -> Target<'static> {
    Target {
        service,
        path,
        interface: service,
    }
}

/// The source `screensaver`: locks, for all lockers with an interface `org.*.ScreenSaver`. It reports nothing while the screen is
/// not locked, and waits if there is no locker.
#[derive(Debug)]
pub struct ScreenSaver {
    session: Arc<Session>,
}

impl ScreenSaver {
    /// The locks of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> ScreenSaver {
        ScreenSaver { session }
    }
}

impl Source<Fact> for ScreenSaver {
    fn name(&self) -> &'static str {
        "screensaver"
    }

    fn watch(&mut self, reports: Reports<Fact>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, &reports).await;
            lost
        })
    }
}

async fn watch(session: &Session, reports: &Reports<Fact>) -> Result<Infallible, Lost> {
    let mut bus = BusQueue::of_session(session.session_bus.as_deref()).await?;
    let mut locked = Locked::default();
    for locker in &LOCKERS {
        let rule = changes(locker).map_err(|error| bus.lost(&error))?;
        bus.subscribe(rule).await?;
        bus.subscribe_owner(locker.service).await?;
        if bus.is_there(locker.service).await?
            && let Ok(active) = bus.call::<_, bool>(*locker, "GetActive", &()).await
        {
            locked.set(locker.service, active, reports);
        }
    }
    loop {
        let message = bus.next().await?;
        if let Some((service, there)) = owner_changed(&message) {
            if !there {
                // A locker that crashed locks nothing any more.
                locked.set(&service, false, reports);
            }
        } else if let Some((service, active)) = active_changed(&message) {
            locked.set(&service, active, reports);
        }
    }
}

/// Who says that the screen is locked. A desktop may have several services for one locker.
#[derive(Debug, Default)]
struct Locked {
    by: BTreeSet<String>,
}

impl Locked {
    fn set(&mut self, service: &str, active: bool, reports: &Reports<Fact>) {
        let before = !self.by.is_empty();
        if active {
            self.by.insert(service.to_owned());
        } else {
            self.by.remove(service);
        }
        let now = !self.by.is_empty();
        if now != before {
            reports.send(if now { Fact::Locked } else { Fact::Unlocked });
        }
    }
}

/// The service that says that it is active, or no longer.
fn active_changed(message: &Message) -> Option<(String, bool)> {
    let header = message.header();
    let service = header.interface()?.as_str().to_owned();
    let is_locker = LOCKERS.iter().any(|locker| locker.interface == service);
    let body = message.body();
    let active = body.deserialize::<bool>().ok()?;
    is_locker.then_some((service, active))
}

fn changes(locker: &Target<'static>) -> zbus::Result<MatchRule<'static>> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .interface(locker.interface)
        .member("ActiveChanged")
        .build()
}
