//! Whether there is input, in GNOME.

use std::sync::Arc;

use parking_lot::Mutex;
use timberline_model::Duration;
use timberline_watchers::desktop::gnome::MutterIdle;
use timberline_watchers::desktop::{Activity, Lost};
use zbus::Connection;
use zbus::object_server::SignalEmitter;

use super::bus::Bus;
use crate::watched::Watched;

const SERVICE: &str = "org.gnome.Mutter.IdleMonitor";
const PATH: &str = "/org/gnome/Mutter/IdleMonitor/Core";

/// What a mock of the monitor was asked for, and what it answers.
#[derive(Default)]
struct Asked {
    /// Milliseconds. The last one is the answer from then on.
    idle: Vec<u64>,
    calls: Vec<String>,
}

#[derive(Clone, Default)]
struct Monitor(Arc<Mutex<Asked>>);

impl Monitor {
    fn note(&self, call: String) -> u32 {
        let mut asked = self.0.lock();
        asked.calls.push(call);
        u32::try_from(asked.calls.len()).unwrap()
    }
}

#[zbus::interface(name = "org.gnome.Mutter.IdleMonitor")]
impl Monitor {
    fn get_idletime(&self) -> u64 {
        let mut asked = self.0.lock();
        if asked.idle.len() > 1 {
            asked.idle.remove(0)
        } else {
            asked.idle[0]
        }
    }

    fn add_idle_watch(&self, interval: u64) -> u32 {
        self.note(format!("idle {interval}"))
    }

    fn add_user_active_watch(&self) -> u32 {
        self.note("active".to_owned())
    }

    fn remove_watch(&self, id: u32) {
        self.note(format!("remove {id}"));
    }

    #[zbus(signal)]
    async fn watch_fired(emitter: &SignalEmitter<'_>, id: u32) -> zbus::Result<()>;
}

/// A monitor that begins with these answers, and what is reported of it.
struct Gnome {
    bus: Bus,
    service: Connection,
    monitor: Monitor,
    watched: Watched<Activity>,
}

impl Gnome {
    async fn start(idle: &[u64]) -> Option<Gnome> {
        let bus = Bus::start()?;
        let monitor = Monitor::default();
        monitor.0.lock().idle = idle.to_vec();
        let service = bus.service().serve_at(PATH, monitor.clone()).name(SERVICE);
        let service = service.build().await.unwrap();
        let watched = Watched::start(MutterIdle::new(bus.session()));
        Some(Gnome {
            bus,
            service,
            monitor,
            watched,
        })
    }

    /// Something fires, and these are the answers from now on.
    async fn fire(&self, idle: &[u64]) {
        self.monitor.0.lock().idle = idle.to_vec();
        let object = self
            .service
            .object_server()
            .interface::<_, Monitor>(PATH)
            .await
            .unwrap();
        Monitor::watch_fired(object.signal_emitter(), 1).await.unwrap();
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.monitor.0.lock().calls)
    }
}

#[tokio::test]
async fn the_last_input_and_the_next_one_are_reported() {
    let Some(mut gnome) = Gnome::start(&[200]).await else {
        return;
    };
    assert_eq!(gnome.watched.next().await, Activity::Active);
    gnome.fire(&[5_001]).await;
    let idle = gnome.watched.next_at().await;
    assert_eq!(idle.report, Activity::Idle);
    gnome.fire(&[30]).await;
    let active = gnome.watched.next_at().await;
    assert_eq!(active.report, Activity::Active);
    let between = active.time.since(idle.time);
    assert!(
        between > Duration::from_secs(4),
        "each has the time of its input: {between:?}"
    );
    assert_eq!(gnome.calls(), ["idle 5000", "active"]);
}

#[tokio::test]
async fn an_input_just_after_the_last_one_is_not_lost() {
    let Some(mut gnome) = Gnome::start(&[60_000, 20]).await else {
        return;
    };
    assert_eq!(gnome.watched.next().await, Activity::Idle);
    assert_eq!(gnome.watched.next().await, Activity::Active);
    gnome.fire(&[7_000]).await;
    assert_eq!(gnome.watched.next().await, Activity::Idle);
    gnome.fire(&[10]).await;
    assert_eq!(gnome.watched.next().await, Activity::Active);
    assert_eq!(gnome.calls(), ["idle 5000", "active", "remove 2", "active"]);
}

#[tokio::test]
async fn the_source_ends_when_the_shell_exits_and_is_missing_on_other_desktops() {
    let Some(mut gnome) = Gnome::start(&[200]).await else {
        return;
    };
    gnome.watched.next().await;
    gnome.service.release_name(SERVICE).await.unwrap();
    let lost = gnome.watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("GNOME Shell")),
        "{lost:?}"
    );
    let lost = Watched::start(MutterIdle::new(gnome.bus.session())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("not GNOME")),
        "{lost:?}"
    );
}
