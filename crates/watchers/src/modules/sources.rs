//! The sources of the modules on this system, in the order of preference.

use std::sync::Arc;

use super::options::Options;
use crate::afk::Fact;
use crate::desktop::{Activity, Counts, Session, Sighting, Source};
#[cfg(target_os = "linux")]
use crate::desktop::{
    SessionKind,
    evdev::Evdev,
    gnome::{GnomeExtension, MutterIdle},
    kwin::KWinScript,
    logind::Logind,
    screensaver::ScreenSaver,
    services,
    wayland::{CosmicToplevel, ExtIdleNotify, HyprlandLock, KdeIdle, WlrForeignToplevel},
    x11::{X11, XInput, XScreenSaver, XSync},
};

/// Makes sources for a session.
pub(super) type Make<R> = Box<dyn Fn(&Arc<Session>) -> Vec<Box<dyn Source<R>>> + Send + Sync>;

/// The sources of all modules. Tests have others.
pub(super) struct Sources {
    /// Of windows. The best that works is used.
    pub(super) window: Make<Option<Sighting>>,
    /// Of input. The best that works is used.
    pub(super) activity: Make<Activity>,
    /// Of locks, other users and sleep. All of them are used.
    pub(super) facts: Make<Fact>,
    /// Of the lid: whether it is closed. The best that works is used.
    pub(super) lid: Make<Option<bool>>,
    /// Of the use of keyboard and pointer. The best that works is used.
    pub(super) counts: Make<Counts>,
}

impl Sources {
    /// Those of this system.
    #[cfg(target_os = "linux")]
    pub(super) fn of_this_system(options: &Options) -> Sources {
        let allowed = options.input.evdev;
        let ignored = options.afk.ignored_devices.clone();
        Sources {
            window: Box::new(|session| {
                let session = || Arc::clone(session);
                vec![
                    Box::new(WlrForeignToplevel::new(session())),
                    Box::new(CosmicToplevel::new(session())),
                    Box::new(KWinScript::new(session())),
                    Box::new(GnomeExtension::new(session())),
                    Box::new(X11::new(session())),
                ]
            }),
            activity: Box::new(move |session| activity(session, &ignored)),
            facts: Box::new(|session| {
                let session = || Arc::clone(session);
                vec![
                    Box::new(Logind::new(session())),
                    Box::new(ScreenSaver::new(session())),
                    Box::new(HyprlandLock::new(session())),
                    Box::new(XScreenSaver::new(session())),
                ]
            }),
            lid: Box::new(|session| vec![Box::new(services::lid(Arc::clone(session)))]),
            counts: Box::new(move |session| {
                vec![
                    Box::new(XInput::new(Arc::clone(session))),
                    Box::new(Evdev { allowed }),
                ]
            }),
        }
    }

    /// None: `docs/platforms.md` says what each of the other systems needs.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_this_system(_options: &Options) -> Sources {
        Sources {
            window: Box::new(|_| Vec::new()),
            activity: Box::new(|_| Vec::new()),
            facts: Box::new(|_| Vec::new()),
            lid: Box::new(|_| Vec::new()),
            counts: Box::new(|_| Vec::new()),
        }
    }
}

/// The sources of input. Only `xsync` can tell devices apart, so it comes first where it works and some devices do not count.
#[cfg(target_os = "linux")]
fn activity(session: &Arc<Session>, ignored: &[String]) -> Vec<Box<dyn Source<Activity>>> {
    let of_session = || Arc::clone(session);
    let xsync = Box::new(XSync::new(of_session(), ignored.to_vec()));
    let mut sources: Vec<Box<dyn Source<Activity>>> = vec![
        Box::new(ExtIdleNotify::new(of_session())),
        Box::new(KdeIdle::new(of_session())),
        Box::new(MutterIdle::new(of_session())),
    ];
    if ignored.is_empty() || session.kind == SessionKind::Wayland {
        sources.push(xsync);
    } else {
        sources.insert(0, xsync);
    }
    sources
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    /// The sources of input, in the order of preference.
    fn activity_on(session_type: &str, options: &str) -> Vec<&'static str> {
        let options = Options::from_toml(options).expect("good");
        let session =
            Session::from_environment(|name| (name == "XDG_SESSION_TYPE").then(|| session_type.into()));
        let sources = (Sources::of_this_system(&options).activity)(&Arc::new(session));
        sources.iter().map(|source| source.name()).collect()
    }

    #[test]
    fn on_x11_devices_are_told_apart_if_some_do_not_count() {
        let ignoring = "[afk]\nignored_devices = ['game pad']";
        assert_eq!(activity_on("x11", ignoring)[0], "xsync");
        assert_eq!(activity_on("x11", "")[2..], ["mutter-idle", "xsync"]);
        assert_eq!(activity_on("wayland", ignoring)[2..], ["mutter-idle", "xsync"]);
    }
}
