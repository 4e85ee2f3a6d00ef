//! Whether xscreensaver has locked the screen.

use std::convert::Infallible;
use std::sync::Arc;

use x11rb::errors::ReplyError;
use x11rb::protocol::Event;

use super::display::Display;
use super::window::numbers;
use crate::afk::Fact;
use crate::desktop::{Lost, Reports, Session, Source, Watching};

x11rb::atom_manager! {
    Names: NamesCookie {
        _SCREENSAVER_STATUS,
        LOCK,
    }
}

/// The source `xscreensaver`: locks, from the property in which xscreensaver says what it does. It reports nothing while the
/// screen is not locked, and waits if xscreensaver does not run.
#[derive(Debug)]
pub struct XScreenSaver {
    session: Arc<Session>,
}

impl XScreenSaver {
    /// The locks of this session's X server.
    #[must_use]
    pub fn new(session: Arc<Session>) -> XScreenSaver {
        XScreenSaver { session }
    }

    async fn locks(&self, reports: &Reports<Fact>) -> Result<Infallible, Lost> {
        let display = Display::open(&self.session)?;
        let lost = |error: ReplyError| display.lost(error);
        let names = Names::new(&display.connection)
            .map_err(ReplyError::from)
            .and_then(|cookie| cookie.reply())
            .map_err(lost)?;
        display.observe(display.root).map_err(lost)?;
        let mut known = false;
        loop {
            let status = display.property(display.root, names._SCREENSAVER_STATUS, 1);
            let locked = numbers(&status.map_err(lost)?).next() == Some(names.LOCK);
            if locked != known {
                reports.send(if locked { Fact::Locked } else { Fact::Unlocked });
                known = locked;
            }
            loop {
                if let Event::PropertyNotify(changed) = display.next().await?
                    && changed.atom == names._SCREENSAVER_STATUS
                {
                    break;
                }
            }
        }
    }
}

impl Source<Fact> for XScreenSaver {
    fn name(&self) -> &'static str {
        "xscreensaver"
    }

    fn watch(&mut self, reports: Reports<Fact>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = self.locks(&reports).await;
            lost
        })
    }
}
