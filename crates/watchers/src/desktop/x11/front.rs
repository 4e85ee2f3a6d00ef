//! The window in front, as the window manager names it.

use std::convert::Infallible;
use std::sync::Arc;

use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::Window;

use super::display::Display;
use super::window::{Names, numbers};
use crate::desktop::changes::{COALESCE, Changes};
use crate::desktop::{At, Lost, Reports, Session, Sighting, Source, Watching};

/// The source `x11`: the window in front, for every window manager that sets `_NET_ACTIVE_WINDOW`.
#[derive(Debug)]
pub struct X11 {
    session: Arc<Session>,
}

impl X11 {
    /// The windows of this session's X server.
    #[must_use]
    pub fn new(session: Arc<Session>) -> X11 {
        X11 { session }
    }
}

impl Source<Option<Sighting>> for X11 {
    fn name(&self) -> &'static str {
        "x11"
    }

    fn watch(&mut self, reports: Reports<Option<Sighting>>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, &reports).await;
            lost
        })
    }
}

async fn watch(session: &Session, reports: &Reports<Option<Sighting>>) -> Result<Infallible, Lost> {
    Foreground::open(session)?.watch(reports).await
}

/// Which window is in front.
enum Look {
    /// This one.
    Window(Sighting),
    /// None, or one that is no longer there.
    None,
    /// There is no window manager yet.
    Unsaid,
}

struct Foreground {
    display: Display,
    names: Names,
    /// Whether the server knows monitors.
    knows_monitors: bool,
    /// The monitor that was last reported.
    monitor: Option<String>,
    /// The window whose properties the server reports.
    observed: Option<Window>,
}

impl Foreground {
    fn open(session: &Session) -> Result<Foreground, Lost> {
        let display = Display::open(session)?;
        let names = Names::new(&display.connection)
            .map_err(ReplyError::from)
            .and_then(|cookie| cookie.reply())
            .map_err(|error| display.lost(error))?;
        display
            .observe(display.root)
            .map_err(|error| display.lost(error))?;
        let knows_monitors = display.watch_monitors().map_err(|error| display.lost(error))?;
        Ok(Foreground {
            display,
            names,
            knows_monitors,
            monitor: None,
            observed: None,
        })
    }

    async fn watch(&mut self, reports: &Reports<Option<Sighting>>) -> Result<Infallible, Lost> {
        let mut changes = Changes::default();
        let mut waited = false;
        loop {
            let now = reports.clock().read().wall;
            let front = match self.look()? {
                Look::Window(sighting) => Some(sighting),
                Look::None => None,
                Look::Unsaid => {
                    self.change().await?;
                    continue;
                }
            };
            if let Some(At { time, report }) = changes.observe(now, front, waited) {
                reports.send_at(time, report);
            }
            waited = if changes.is_waiting() {
                let changed = tokio::time::timeout(COALESCE, self.change()).await;
                changed.ok().transpose()?.is_none()
            } else {
                self.change().await?;
                false
            };
        }
    }

    /// Waits until something may have changed.
    async fn change(&self) -> Result<(), Lost> {
        while !self.concerns(&self.display.next().await?) {}
        // Whatever else has happened already is seen with it.
        while self.display.pending()?.is_some() {}
        Ok(())
    }

    fn concerns(&self, event: &Event) -> bool {
        match event {
            Event::PropertyNotify(changed) if changed.window == self.display.root => {
                [self.names._NET_ACTIVE_WINDOW, self.names._NET_SUPPORTED].contains(&changed.atom)
            }
            Event::PropertyNotify(changed) => Some(changed.window) == self.observed,
            Event::DestroyNotify(destroyed) => Some(destroyed.window) == self.observed,
            // A window that is dragged is looked at only when it gets to another monitor.
            Event::ConfigureNotify(moved) => Some(moved.window) == self.observed && self.is_elsewhere(),
            Event::RandrNotify(_) | Event::RandrScreenChangeNotify(_) => self.is_elsewhere(),
            _ => false,
        }
    }

    fn look(&mut self) -> Result<Look, Lost> {
        let root = self.display.root;
        let active = self.display.property(root, self.names._NET_ACTIVE_WINDOW, 1);
        let active = active.map_err(|error| self.display.lost(error))?;
        let Some(window) = numbers(&active).next() else {
            return self.unsaid();
        };
        let window = Some(window).filter(|window| *window != x11rb::NONE && *window != root);
        match self.look_at(window) {
            Ok(sighting) => Ok(sighting.map_or(Look::None, Look::Window)),
            Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Window => {
                self.observed = None;
                Ok(Look::None)
            }
            Err(error) => Err(self.display.lost(error)),
        }
    }

    fn look_at(&mut self, window: Option<Window>) -> Result<Option<Sighting>, ReplyError> {
        if self.observed != window {
            if let Some(former) = self.observed.take() {
                // It may have gone already.
                self.display.ignore(former).or_else(ignore_x11_errors)?;
            }
            if let Some(window) = window {
                // Before its properties are read, so that no change is missed.
                self.display.observe(window)?;
            }
            self.observed = window;
        }
        let Some(window) = window else {
            return Ok(None);
        };
        let sighting = self.display.sighting(window, &self.names)?;
        self.monitor = self.monitor_of(window)?;
        Ok(Some(Sighting {
            monitor: self.monitor.clone(),
            ..sighting
        }))
    }

    fn monitor_of(&self, window: Window) -> Result<Option<String>, ReplyError> {
        if self.knows_monitors {
            self.display.monitor_of(window)
        } else {
            Ok(None)
        }
    }

    /// Whether the window in front is on another monitor than was reported, or has vanished.
    fn is_elsewhere(&self) -> bool {
        self.observed
            .is_some_and(|window| self.monitor_of(window).ok().as_ref() != Some(&self.monitor))
    }

    /// `_NET_ACTIVE_WINDOW` is not set. If the window manager supports it, no window is active yet. If it does not, this is
    /// the end. If there is no window manager, one may still start.
    fn unsaid(&self) -> Result<Look, Lost> {
        let root = self.display.root;
        let supported = self
            .display
            .property(root, self.names._NET_SUPPORTED, u32::MAX / 4)
            .map_err(|error| self.display.lost(error))?;
        let known: Vec<_> = numbers(&supported).collect();
        if known.is_empty() {
            Ok(Look::Unsaid)
        } else if known.contains(&self.names._NET_ACTIVE_WINDOW) {
            Ok(Look::None)
        } else {
            Err(Lost::Missing(
                "this window manager does not say which window is in front (_NET_ACTIVE_WINDOW)".to_owned(),
            ))
        }
    }
}

fn ignore_x11_errors(error: ReplyError) -> Result<(), ReplyError> {
    match error {
        ReplyError::X11Error(_) => Ok(()),
        error => Err(error),
    }
}
