//! The sources of the modules on this system, in the order of preference.

use std::sync::Arc;

use super::options::Options;
use crate::afk::Fact;
use crate::desktop::{Activity, Counts, Session, Sighting, Source};
#[cfg(target_os = "linux")]
use crate::desktop::{
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
            activity: Box::new(move |session| {
                let session = || Arc::clone(session);
                vec![
                    Box::new(ExtIdleNotify::new(session())),
                    Box::new(KdeIdle::new(session())),
                    Box::new(MutterIdle::new(session())),
                    Box::new(XSync::new(session(), ignored.clone())),
                ]
            }),
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
