//! When keyboard and pointer are used.
//!
//! The compositor runs the timers: it says when there was no input for five seconds, and when there is input again. So the
//! last input is known exactly, and nothing wakes while somebody works, or while nobody is there.
//!
//! Version 2 of `ext_idle_notifier_v1` has two kinds of timers. One is for input alone, the other one also waits while a
//! program keeps the desktop from becoming idle. The second timer is a second shorter. When the first one has run out, the
//! second one has too, unless there is such a program.
//!
//! | module | what it does |
//! |---|---|
//! | `seats` | makes reports of the timers of all seats; knows no protocol |
//! | `listener` | the timers of both protocols |

mod listener;
#[cfg(test)]
mod model;
mod seats;

use std::convert::Infallible;
use std::sync::Arc;

use self::listener::{Protocol, State};
use super::wire::{Wire, in_time};
use crate::desktop::{Activity, Lost, Reports, Session, Source, Watching};

/// Input, from `ext_idle_notifier_v1`. In version 1 a program that keeps the desktop from becoming idle cannot be told from
/// input.
#[derive(Debug)]
pub struct ExtIdleNotify {
    session: Arc<Session>,
}

impl ExtIdleNotify {
    /// Of the compositor of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> ExtIdleNotify {
        ExtIdleNotify { session }
    }
}

impl Source<Activity> for ExtIdleNotify {
    fn name(&self) -> &'static str {
        "ext-idle-notify"
    }

    fn watch(&mut self, reports: Reports<Activity>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, Protocol::Ext, reports).await;
            lost
        })
    }
}

/// Input, from `org_kde_kwin_idle`, which compositors had before `ext_idle_notifier_v1`: sway until 1.7, KWin until 5.26. A
/// program that keeps the desktop from becoming idle cannot be told from input.
#[derive(Debug)]
pub struct KdeIdle {
    session: Arc<Session>,
}

impl KdeIdle {
    /// Of the compositor of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> KdeIdle {
        KdeIdle { session }
    }
}

impl Source<Activity> for KdeIdle {
    fn name(&self) -> &'static str {
        "kde-idle"
    }

    fn watch(&mut self, reports: Reports<Activity>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, Protocol::Kde, reports).await;
            lost
        })
    }
}

async fn watch(
    session: &Session,
    protocol: Protocol,
    reports: Reports<Activity>,
) -> Result<Infallible, Lost> {
    let mut state = State::new(protocol, Arc::clone(reports.clock()));
    let mut wire = in_time(async {
        let mut wire = Wire::open(session, &mut state).await?;
        state.check()?;
        wire.answered(&mut state).await?;
        Ok(wire)
    })
    .await?;
    loop {
        state.check()?;
        for change in state.changes() {
            reports.send_at(change.time, change.report);
        }
        wire.next(&mut state).await?;
    }
}
