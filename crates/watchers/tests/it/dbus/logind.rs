//! Sleep, locks and switches of the user.

use std::io::{PipeReader, Read};
use std::os::fd::OwnedFd;

use timberline_watchers::afk::Fact;
use timberline_watchers::desktop::Lost;
use timberline_watchers::desktop::logind::Logind;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath, fdo};

use super::bus::{Bus, no_bus};
use crate::watched::Watched;

const MANAGER: &str = "/org/freedesktop/login1";
const SESSION: &str = "/org/freedesktop/login1/session/_37";
const OTHER: &str = "/org/freedesktop/login1/session/c2";

/// What a mock of logind's manager knows.
struct Manager {
    /// Our end of each delay that somebody took.
    delays: UnboundedSender<PipeReader>,
    /// Which of the three ways to a session work.
    by_id: bool,
    by_process: bool,
    display: Option<&'static str>,
}

fn path(path: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(path.to_owned()).unwrap()
}

fn none<T>() -> fdo::Result<T> {
    Err(fdo::Error::Failed("no such session".to_owned()))
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn inhibit(&self, what: String, _who: String, why: String, mode: String) -> zbus::OwnedFd {
        assert_eq!((what.as_str(), mode.as_str()), ("sleep", "delay"));
        assert!(!why.is_empty());
        let (ours, theirs) = std::io::pipe().unwrap();
        let _ = self.delays.send(ours);
        OwnedFd::from(theirs).into()
    }

    fn get_session(&self, id: String) -> fdo::Result<OwnedObjectPath> {
        if self.by_id && id == "7" {
            Ok(path(SESSION))
        } else {
            none()
        }
    }

    #[zbus(name = "GetSessionByPID")]
    fn get_session_by_pid(&self, pid: u32) -> fdo::Result<OwnedObjectPath> {
        assert_eq!(pid, std::process::id());
        if self.by_process {
            Ok(path(SESSION))
        } else {
            none()
        }
    }

    #[zbus(name = "GetUserByPID")]
    fn get_user_by_pid(&self, _pid: u32) -> fdo::Result<OwnedObjectPath> {
        if self.display.is_some() {
            Ok(path("/org/freedesktop/login1/user/_1000"))
        } else {
            none()
        }
    }

    #[zbus(property)]
    fn preparing_for_sleep(&self) -> bool {
        false
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn session_new(emitter: &SignalEmitter<'_>, id: &str, path: OwnedObjectPath) -> zbus::Result<()>;
}

struct User(&'static str);

#[zbus::interface(name = "org.freedesktop.login1.User")]
impl User {
    #[zbus(property)]
    fn display(&self) -> (String, OwnedObjectPath) {
        ("7".to_owned(), path(self.0))
    }
}

#[derive(Clone, Copy)]
struct OneSession {
    locked: bool,
    active: bool,
    /// Its user has logged out, and one of its processes lives.
    closing: bool,
}

/// A session that somebody uses.
const IN_USE: OneSession = OneSession {
    locked: false,
    active: true,
    closing: false,
};

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl OneSession {
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.locked
    }

    #[zbus(property)]
    fn active(&self) -> bool {
        self.active
    }

    #[zbus(property)]
    fn state(&self) -> &'static str {
        match self {
            OneSession { closing: true, .. } => "closing",
            OneSession { active: true, .. } => "active",
            OneSession { active: false, .. } => "online",
        }
    }
}

/// A logind, and what the source reports.
struct Desktop {
    /// Ends last.
    bus: Bus,
    logind: Connection,
    delays: UnboundedReceiver<PipeReader>,
    watched: Watched<Fact>,
}

impl Desktop {
    async fn start(manager: impl FnOnce(&mut Manager), session: OneSession) -> Option<Desktop> {
        let bus = Bus::start()?;
        let (to, delays) = unbounded_channel();
        let mut mock = Manager {
            delays: to,
            by_id: true,
            by_process: false,
            display: None,
        };
        manager(&mut mock);
        let user = User(mock.display.unwrap_or("/"));
        let logind = bus.service().serve_at(MANAGER, mock).serve_at(SESSION, session);
        let logind = logind
            .serve_at(OTHER, IN_USE)
            .serve_at("/org/freedesktop/login1/user/_1000", user);
        let logind = logind.name("org.freedesktop.login1").build().await.unwrap();
        let watched = Watched::start(Logind::new(bus.session()));
        Some(Desktop {
            bus,
            logind,
            delays,
            watched,
        })
    }

    async fn in_use(manager: impl FnOnce(&mut Manager)) -> Option<Desktop> {
        Desktop::start(manager, IN_USE).await
    }

    async fn lock(&self, session: &str, locked: bool) {
        let object = self
            .logind
            .object_server()
            .interface::<_, OneSession>(session)
            .await
            .unwrap();
        let mut session = object.get_mut().await;
        session.locked = locked;
        session
            .locked_hint_changed(object.signal_emitter())
            .await
            .unwrap();
    }

    async fn switch(&self, active: bool) {
        let object = self
            .logind
            .object_server()
            .interface::<_, OneSession>(SESSION)
            .await
            .unwrap();
        let mut session = object.get_mut().await;
        session.active = active;
        session.active_changed(object.signal_emitter()).await.unwrap();
    }

    /// logind does not signal this.
    async fn log_out(&self) {
        let object = self.logind.object_server();
        let object = object.interface::<_, OneSession>(SESSION).await.unwrap();
        object.get_mut().await.closing = true;
    }

    async fn sleep(&self, start: bool) {
        let object = self
            .logind
            .object_server()
            .interface::<_, Manager>(MANAGER)
            .await
            .unwrap();
        Manager::prepare_for_sleep(object.signal_emitter(), start)
            .await
            .unwrap();
    }

    async fn next(&mut self) -> Fact {
        self.watched.next().await
    }
}

#[tokio::test]
async fn locks_and_switches_are_reported_in_their_order() {
    let Some(mut desktop) = Desktop::in_use(|_| {}).await else {
        return;
    };
    desktop.delays.recv().await.unwrap();
    desktop.lock(SESSION, true).await;
    assert_eq!(desktop.next().await, Fact::Locked);
    desktop.lock(OTHER, true).await;
    desktop.lock(SESSION, true).await;
    desktop.switch(false).await;
    assert_eq!(desktop.next().await, Fact::SwitchedAway);
    desktop.switch(true).await;
    desktop.lock(SESSION, false).await;
    assert_eq!(desktop.next().await, Fact::SwitchedBack);
    assert_eq!(desktop.next().await, Fact::Unlocked);
}

#[tokio::test]
async fn the_state_at_the_start_is_reported_at_once() {
    let session = OneSession {
        locked: true,
        active: false,
        closing: false,
    };
    let Some(mut desktop) = Desktop::start(|_| {}, session).await else {
        return;
    };
    assert_eq!(desktop.next().await, Fact::Locked);
    assert_eq!(desktop.next().await, Fact::SwitchedAway);
}

#[tokio::test]
async fn a_session_is_found_by_its_process_or_its_user_where_its_id_says_nothing() {
    for by_process in [true, false] {
        let manager = |manager: &mut Manager| {
            manager.by_id = false;
            manager.by_process = by_process;
            manager.display = (!by_process).then_some(SESSION);
        };
        let Some(mut desktop) = Desktop::in_use(manager).await else {
            return;
        };
        desktop.delays.recv().await.unwrap();
        desktop.lock(SESSION, true).await;
        assert_eq!(desktop.next().await, Fact::Locked);
    }
}

#[tokio::test]
async fn a_session_that_begins_later_is_found_and_sleep_is_reported_without_one() {
    let manager = |manager: &mut Manager| manager.by_id = false;
    let Some(mut desktop) = Desktop::in_use(manager).await else {
        return;
    };
    desktop.delays.recv().await.unwrap();
    desktop.lock(SESSION, true).await;
    desktop.sleep(true).await;
    assert_eq!(
        desktop.next().await,
        Fact::SleepBegan,
        "no lock: it is nobody's session"
    );
    let manager = desktop
        .logind
        .object_server()
        .interface::<_, Manager>(MANAGER)
        .await
        .unwrap();
    manager.get_mut().await.by_id = true;
    Manager::session_new(manager.signal_emitter(), "7", path(SESSION))
        .await
        .unwrap();
    assert_eq!(desktop.next().await, Fact::Locked);
}

/// This process outlives its session, which logind keeps for its sake.
#[tokio::test]
async fn a_session_whose_user_has_logged_out_is_left_for_the_one_that_the_user_sees() {
    let closing = OneSession {
        active: false,
        closing: true,
        ..IN_USE
    };
    let manager = |manager: &mut Manager| manager.display = Some(OTHER);
    let Some(mut desktop) = Desktop::start(manager, closing).await else {
        return;
    };
    desktop.delays.recv().await.unwrap();
    desktop.lock(OTHER, true).await;
    assert_eq!(desktop.next().await, Fact::Locked, "nobody has switched away");
}

#[tokio::test]
async fn a_log_out_is_no_input_and_no_absence_without_end() {
    let Some(mut desktop) = Desktop::in_use(|_| {}).await else {
        return;
    };
    desktop.delays.recv().await.unwrap();
    desktop.lock(SESSION, true).await;
    assert_eq!(desktop.next().await, Fact::Locked);
    desktop.log_out().await;
    desktop.switch(false).await;
    assert_eq!(desktop.next().await, Fact::LockUnknown);
    desktop.sleep(true).await;
    assert_eq!(desktop.next().await, Fact::SleepBegan, "and no other user");
}

#[tokio::test]
async fn the_machine_sleeps_only_after_the_report() {
    let Some(mut desktop) = Desktop::in_use(|_| {}).await else {
        return;
    };
    for _ in 0..2 {
        let mut delay = desktop.delays.recv().await.unwrap();
        desktop.sleep(true).await;
        let released = tokio::task::spawn_blocking(move || delay.read(&mut [0]).unwrap());
        assert_eq!(released.await.unwrap(), 0, "the end of the pipe: logind goes on");
        assert_eq!(desktop.watched.unread(), [Fact::SleepBegan]);
        desktop.sleep(false).await;
        assert_eq!(desktop.next().await, Fact::SleepEnded);
    }
}

#[tokio::test]
async fn the_source_ends_when_logind_or_the_bus_exits() {
    let Some(mut desktop) = Desktop::in_use(|_| {}).await else {
        return;
    };
    desktop.delays.recv().await.unwrap();
    desktop
        .logind
        .release_name("org.freedesktop.login1")
        .await
        .unwrap();
    let lost = desktop.watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("logind")),
        "{lost:?}"
    );
    let watched = Watched::start(Logind::new(desktop.bus.session()));
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("logind")),
        "{lost:?}"
    );

    let Some(mut desktop) = Desktop::in_use(|_| {}).await else {
        return;
    };
    desktop.delays.recv().await.unwrap();
    desktop.bus.kill();
    let lost = desktop.watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("system bus")),
        "{lost:?}"
    );
    let lost = Watched::start(Logind::new(no_bus())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("cannot be reached")),
        "{lost:?}"
    );
}
