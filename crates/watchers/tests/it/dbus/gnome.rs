//! The window in front in GNOME Shell, by our extension.

use std::sync::Arc;

use parking_lot::Mutex;
use timberline_watchers::desktop::gnome::{GnomeExtension, UUID};
use timberline_watchers::desktop::{Lost, Sighting};
use timberline_watchers::window::Front;
use zbus::Connection;
use zbus::object_server::SignalEmitter;

use super::bus::Bus;
use crate::watched::Watched;

const SHELL: &str = "org.gnome.Shell";
const EXTENSION: &str = "io.timberline.GnomeWindow";
const PATH: &str = "/io/timberline/GnomeWindow";

const NOTES: &str =
    r#"{"app":"Editor","title":"notes.txt – 草稿","pid":null,"full_screen":false,"sandbox":null}"#;
const FILM: &str =
    r#"{"app":"Player","title":"A film","pid":1,"full_screen":true,"sandbox":"org.example.Player"}"#;

fn notes() -> Option<Sighting> {
    Some(Sighting {
        front: Front {
            app: "Editor".to_owned(),
            title: "notes.txt – 草稿".to_owned(),
        },
        full_screen: Some(false),
        ..Sighting::default()
    })
}

fn film() -> Option<Sighting> {
    Some(Sighting {
        front: Front {
            app: "Player".to_owned(),
            title: "A film".to_owned(),
        },
        pid: Some(1),
        full_screen: Some(true),
        monitor: None,
        sandbox: Some("org.example.Player".to_owned()),
    })
}

/// What the extension answers.
struct Extension(Arc<Mutex<&'static str>>);

#[zbus::interface(name = "io.timberline.GnomeWindow")]
impl Extension {
    fn get(&self) -> String {
        (*self.0.lock()).to_owned()
    }

    #[zbus(signal)]
    async fn changed(emitter: &SignalEmitter<'_>, window: &str) -> zbus::Result<()>;
}

struct Gnome {
    bus: Bus,
    shell: Connection,
    now: Arc<Mutex<&'static str>>,
}

impl Gnome {
    async fn start(now: &'static str) -> Option<Gnome> {
        let bus = Bus::start()?;
        let now = Arc::new(Mutex::new(now));
        let shell = bus
            .service()
            .serve_at(PATH, Extension(Arc::clone(&now)))
            .name(SHELL);
        let shell = shell.build().await.unwrap();
        Some(Gnome { bus, shell, now })
    }

    async fn enable(&self) {
        self.shell.request_name(EXTENSION).await.unwrap();
    }

    fn watch(&self) -> Watched<Option<Sighting>> {
        Watched::start(GnomeExtension::new(self.bus.session()))
    }

    async fn tell(&self, window: &'static str) {
        let object = self
            .shell
            .object_server()
            .interface::<_, Extension>(PATH)
            .await
            .unwrap();
        Extension::changed(object.signal_emitter(), window).await.unwrap();
    }
}

#[tokio::test]
async fn windows_are_reported_from_the_first_one_on() {
    let Some(gnome) = Gnome::start(NOTES).await else {
        return;
    };
    gnome.enable().await;
    let mut watched = gnome.watch();
    assert_eq!(watched.next().await, notes());
    gnome.tell(NOTES).await;
    gnome.tell(FILM).await;
    assert_eq!(watched.next().await, film());
    gnome.tell("null").await;
    assert_eq!(watched.next().await, None);
    gnome.tell("something else").await;
    gnome.tell(NOTES).await;
    assert_eq!(watched.next().await, notes());
    assert_eq!(watched.unread(), []);
}

#[tokio::test]
async fn no_window_is_in_front_while_the_extension_is_disabled_by_the_lock_screen() {
    let Some(gnome) = Gnome::start(NOTES).await else {
        return;
    };
    gnome.enable().await;
    let mut watched = gnome.watch();
    assert_eq!(watched.next().await, notes());
    gnome.shell.release_name(EXTENSION).await.unwrap();
    assert_eq!(watched.next().await, None);
    *gnome.now.lock() = FILM;
    gnome.enable().await;
    assert_eq!(watched.next().await, film());
}

#[tokio::test]
async fn what_is_missing_is_said_with_what_to_do() {
    let Some(gnome) = Gnome::start(NOTES).await else {
        return;
    };
    let lost = gnome.watch().lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains(UUID) && why.contains("log out")),
        "{lost:?}"
    );

    *gnome.now.lock() = r#"{"of":"another version"}"#;
    gnome.enable().await;
    let lost = gnome.watch().lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("another version")),
        "{lost:?}"
    );

    *gnome.now.lock() = NOTES;
    let mut watched = gnome.watch();
    assert_eq!(watched.next().await, notes());
    gnome.shell.release_name(SHELL).await.unwrap();
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("GNOME Shell has exited")),
        "{lost:?}"
    );
    let lost = gnome.watch().lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("not GNOME")),
        "{lost:?}"
    );
}
