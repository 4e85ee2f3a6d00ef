//! Whether there is input, by alarms on the idle counters of the X server.

use std::convert::Infallible;
use std::sync::Arc;

use x11rb::connection::Connection;
use x11rb::connection::RequestConnection;
use x11rb::errors::{ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::sync::{
    self, Alarm, ConnectionExt as _, Counter, CreateAlarmAux, Int64, TESTTYPE, VALUETYPE,
};

use super::display::Display;
use crate::desktop::inputs::{Inputs, QUIET};
use crate::desktop::{Activity, Lost, Reports, Session, Source, Watching};

/// The source `xsync`: whether there is input, for every X server.
#[derive(Debug)]
pub struct XSync {
    session: Arc<Session>,
    ignored: Vec<String>,
}

impl XSync {
    /// The input of this session's X server. Devices whose names contain one of the `ignored` texts do not count, such as a
    /// game pad whose stick never rests.
    #[must_use]
    pub fn new(session: Arc<Session>, ignored: Vec<String>) -> XSync {
        XSync { session, ignored }
    }
}

impl Source<Activity> for XSync {
    fn name(&self) -> &'static str {
        "xsync"
    }

    fn watch(&mut self, reports: Reports<Activity>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, &self.ignored, reports).await;
            lost
        })
    }
}

async fn watch(
    session: &Session,
    ignored: &[String],
    reports: Reports<Activity>,
) -> Result<Infallible, Lost> {
    Alarms::open(session, ignored)?.watch(reports).await
}

struct Alarms<'a> {
    display: Display,
    ignored: &'a [String],
    counters: Vec<Counter>,
    alarms: Vec<Alarm>,
}

impl<'a> Alarms<'a> {
    fn open(session: &Session, ignored: &'a [String]) -> Result<Alarms<'a>, Lost> {
        let display = Display::open(session)?;
        let extension = display.connection.extension_information(sync::X11_EXTENSION_NAME);
        if extension.map_err(|error| display.lost(error))?.is_none() {
            return Err(Lost::Missing("this X server has no SYNC extension".to_owned()));
        }
        let version = display.connection.sync_initialize(3, 1).map_err(ReplyError::from);
        version
            .and_then(|cookie| cookie.reply())
            .map_err(|error| display.lost(error))?;
        Ok(Alarms {
            display,
            ignored,
            counters: Vec::new(),
            alarms: Vec::new(),
        })
    }

    async fn watch(&mut self, reports: Reports<Activity>) -> Result<Infallible, Lost> {
        self.set_alarms()?;
        let mut inputs = Inputs::new(reports);
        loop {
            inputs.quiet_for(self.quiet()?);
            self.change().await?;
        }
    }

    /// Waits until the answer to "is there input?" may be another one.
    async fn change(&mut self) -> Result<(), Lost> {
        let mut event = Some(self.display.next().await?);
        let mut devices_changed = false;
        while let Some(happened) = event {
            devices_changed |= matches!(happened, Event::XinputHierarchy(_));
            event = self.display.pending()?;
        }
        if devices_changed {
            self.set_alarms()?;
        }
        Ok(())
    }

    /// The milliseconds since the last input.
    fn quiet(&mut self) -> Result<u64, Lost> {
        let mut quiet = self.shortest();
        if let Err(ReplyError::X11Error(_)) = quiet {
            // A counter went away with its device, and that the devices have changed is not read yet.
            self.set_alarms()?;
            quiet = self.shortest();
        }
        quiet.map_err(|error| self.display.lost(error))
    }

    /// The same, if no counter has gone.
    fn shortest(&self) -> Result<u64, ReplyError> {
        let mut shortest = u64::MAX;
        for counter in &self.counters {
            let value = self.display.connection.sync_query_counter(*counter)?.reply()?;
            shortest = shortest.min(number(value.counter_value));
        }
        Ok(shortest)
    }

    /// Two alarms for each counter: when it passes the limit, and when an input sets it back. They go on by themselves.
    fn set_alarms(&mut self) -> Result<(), Lost> {
        let set = self.replace_alarms();
        set.map_err(|error| self.display.lost(error))?;
        if self.counters.is_empty() {
            return Err(Lost::Missing(
                "this X server does not report the time without input (IDLETIME), or all devices are ignored"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn replace_alarms(&mut self) -> Result<(), ReplyOrIdError> {
        let connection = &self.display.connection;
        for alarm in self.alarms.drain(..) {
            // It may have gone with its counter.
            connection.sync_destroy_alarm(alarm)?.ignore_error();
        }
        self.counters = self.display.idle_counters(self.ignored)?;
        for counter in &self.counters {
            for (test, limit) in [
                (TESTTYPE::POSITIVE_TRANSITION, QUIET),
                (TESTTYPE::NEGATIVE_TRANSITION, QUIET - 1),
            ] {
                let alarm = connection.generate_id()?;
                let when = CreateAlarmAux::new()
                    .counter(*counter)
                    .value_type(VALUETYPE::ABSOLUTE)
                    .value(Int64 { hi: 0, lo: limit })
                    .test_type(test)
                    .delta(Int64 { hi: 0, lo: 0 })
                    .events(1);
                connection.sync_create_alarm(alarm, &when)?.check()?;
                self.alarms.push(alarm);
            }
        }
        Ok(())
    }
}

fn number(value: Int64) -> u64 {
    u64::try_from(value.hi).map_or(0, |high| (high << 32) | u64::from(value.lo))
}
