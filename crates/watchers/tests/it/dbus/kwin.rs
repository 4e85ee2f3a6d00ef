//! The window in front in KWin, by our script.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use timberline_test_support::poll;
use timberline_watchers::desktop::kwin::KWinScript;
use timberline_watchers::desktop::{Lost, Sighting};
use timberline_watchers::window::Front;
use zbus::{Connection, fdo};

use super::bus::Bus;
use crate::watched::Watched;

const KWIN: &str = "org.kde.KWin";
const NUMBER: i32 = 4;

/// What a mock of KWin was asked for.
#[derive(Clone, Default)]
struct Scripting {
    calls: Arc<Mutex<Vec<String>>>,
    file: Arc<Mutex<Option<PathBuf>>>,
    /// Another program has unloaded the script.
    unloaded: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.kde.kwin.Scripting")]
impl Scripting {
    #[zbus(name = "loadScript")]
    fn load_script(&self, path: String, name: String) -> i32 {
        self.calls.lock().push(format!("load {name}"));
        *self.file.lock() = Some(path.into());
        NUMBER
    }

    #[zbus(name = "isScriptLoaded")]
    fn is_script_loaded(&self, _name: String) -> bool {
        !self.unloaded.load(Ordering::SeqCst)
    }

    #[zbus(name = "unloadScript")]
    fn unload_script(&self, name: String) -> bool {
        self.calls.lock().push(format!("unload {name}"));
        false
    }
}

struct Script(Scripting);

#[zbus::interface(name = "org.kde.kwin.Script")]
impl Script {
    #[zbus(name = "run")]
    fn run(&self) -> fdo::Result<()> {
        self.0.calls.lock().push("run".to_owned());
        Ok(())
    }
}

struct Kde {
    kwin: Connection,
    scripting: Scripting,
    bus: Bus,
}

impl Kde {
    /// KWin 6 and KWin 5.27 have their scripts at different places.
    async fn start(script: &str) -> Option<Kde> {
        let bus = Bus::start()?;
        let kwin = Kde::kwin(&bus, script).await;
        let (kwin, scripting) = kwin;
        Some(Kde { kwin, scripting, bus })
    }

    async fn kwin(bus: &Bus, script: &str) -> (Connection, Scripting) {
        let scripting = Scripting::default();
        let kwin = bus.service().serve_at("/Scripting", scripting.clone());
        let kwin = kwin
            .serve_at(script.to_owned(), Script(scripting.clone()))
            .name(KWIN);
        (kwin.build().await.unwrap(), scripting)
    }

    fn watch(&self) -> Watched<Option<Sighting>> {
        Watched::start(KWinScript::new(self.bus.session()))
    }

    /// Waits until the script was loaded, and says whom it would call.
    async fn service(&self) -> String {
        let (scripting, told) = (self.scripting.clone(), self.scripting.calls.clone());
        let ran = move || told.lock().contains(&"run".to_owned()).then_some(());
        tokio::task::spawn_blocking(|| poll("the script runs", ran))
            .await
            .unwrap();
        let file = scripting.file.lock().clone().unwrap();
        let script = std::fs::read_to_string(file).unwrap();
        let (_, call) = script.split_once("callDBus(\"").unwrap();
        call.split_once('"').unwrap().0.to_owned()
    }

    /// What the script does.
    async fn call(&self, service: &str, text: &str) -> zbus::Result<zbus::Message> {
        let interface = Some("timberline.Window");
        self.kwin
            .call_method(Some(service), "/", interface, "Changed", &text)
            .await
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.scripting.calls.lock())
    }

    /// The files of scripts.
    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.bus.folder.path()).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|kind| kind == "js"))
            .collect()
    }
}

/// What KWin knows the script by that calls this service.
fn plugin(service: &str) -> String {
    format!("timberline-window-{}", service.trim_start_matches(':'))
}

/// What KWin is asked for to load it.
fn loading(service: &str) -> [String; 3] {
    let plugin = plugin(service);
    [
        format!("unload {plugin}"),
        format!("load {plugin}"),
        "run".to_owned(),
    ]
}

const NOTES: &str = r#"{"app":"kate","title":"notes.txt","pid":1,"full_screen":true,"monitor":"HDMI-1"}"#;

fn notes() -> Option<Sighting> {
    Some(Sighting {
        front: Front {
            app: "kate".to_owned(),
            title: "notes.txt".to_owned(),
        },
        pid: Some(1),
        full_screen: Some(true),
        monitor: Some("HDMI-1".to_owned()),
        sandbox: None,
    })
}

#[tokio::test]
async fn the_script_is_loaded_in_both_versions_of_kwin_and_its_calls_are_reports() {
    for script in ["/Scripting/Script4", "/4"] {
        let Some(kde) = Kde::start(script).await else {
            return;
        };
        let mut watched = kde.watch();
        let service = kde.service().await;
        assert_eq!(kde.calls(), loading(&service));
        kde.call(&service, "null").await.unwrap();
        assert_eq!(watched.next().await, None);
        kde.call(&service, NOTES).await.unwrap();
        kde.call(&service, NOTES).await.unwrap();
        assert_eq!(watched.next().await, notes());
        kde.call(&service, "something else").await.unwrap_err();
        kde.call(&service, "null").await.unwrap();
        assert_eq!(watched.next().await, None);
        assert_eq!(watched.unread(), []);
    }
}

#[tokio::test]
async fn the_source_ends_when_somebody_else_unloads_the_script() {
    let Some(kde) = Kde::start("/4").await else { return };
    let source = KWinScript::new(kde.bus.session()).looking_every(Duration::from_millis(10));
    let watched = Watched::start(source);
    kde.service().await;
    kde.scripting.unloaded.store(true, Ordering::SeqCst);
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("unloaded")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn the_script_is_unloaded_at_the_end() {
    let Some(kde) = Kde::start("/4").await else { return };
    let watched = kde.watch();
    let service = kde.service().await;
    let file = kde.scripting.file.lock().clone().unwrap();
    kde.calls();
    drop(watched);
    let (calls, expected) = (
        kde.scripting.calls.clone(),
        [format!("unload {}", plugin(&service))],
    );
    let unloaded = move || (*calls.lock() == expected && !file.exists()).then_some(());
    tokio::task::spawn_blocking(|| poll("the script is unloaded", unloaded))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_source_ends_when_kwin_restarts_and_loads_the_script_again() {
    let Some(mut kde) = Kde::start("/4").await else {
        return;
    };
    let watched = kde.watch();
    kde.service().await;
    kde.kwin.release_name(KWIN).await.unwrap();
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("KWin has exited")),
        "{lost:?}"
    );
    let lost = kde.watch().lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("not KDE")),
        "{lost:?}"
    );

    (kde.kwin, kde.scripting) = Kde::kwin(&kde.bus, "/4").await;
    let mut watched = kde.watch();
    let service = kde.service().await;
    kde.call(&service, NOTES).await.unwrap();
    assert_eq!(watched.next().await, notes());
}

#[tokio::test]
async fn several_processes_watch_each_with_a_script_of_its_own() {
    let Some(kde) = Kde::start("/4").await else { return };
    let mut first = kde.watch();
    let first_service = kde.service().await;
    assert_eq!(kde.calls(), loading(&first_service));
    let mut second = kde.watch();
    let second_service = kde.service().await;
    assert_ne!(first_service, second_service);
    assert_eq!(kde.calls(), loading(&second_service));
    assert_eq!(kde.files().len(), 2);
    for (watched, service) in [(&mut first, &first_service), (&mut second, &second_service)] {
        kde.call(service, NOTES).await.unwrap();
        assert_eq!(watched.next().await, notes());
    }
}

#[tokio::test]
async fn the_script_of_a_process_that_was_killed_is_unloaded_by_the_next() {
    let Some(kde) = Kde::start("/4").await else { return };
    let left_behind = kde.bus.folder.path().join("timberline-window-1.4711.js");
    let of_another = kde.bus.folder.path().join("timberline-window-notes.js");
    for file in [&left_behind, &of_another] {
        std::fs::write(file, "").unwrap();
    }
    let _watched = kde.watch();
    let service = kde.service().await;
    let calls = kde.calls();
    assert_eq!(calls[0], "unload timberline-window-1.4711");
    assert_eq!(calls[1..], loading(&service));
    assert!(!left_behind.exists() && of_another.exists());
}
