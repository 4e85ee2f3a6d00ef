//! Whether there is input, as GNOME's idle monitor says.

use std::convert::Infallible;
use std::sync::Arc;

use zbus::MatchRule;
use zbus::message::Type;

use crate::desktop::bus_queue::{BusQueue, Target, is_signal, owner_changed};
use crate::desktop::inputs::{Inputs, QUIET};
use crate::desktop::{Activity, Lost, Reports, Session, Source, Watching};

const SERVICE: &str = "org.gnome.Mutter.IdleMonitor";
/// The monitor of all devices together.
const MONITOR: Target<'static> = Target {
    service: SERVICE,
    path: "/org/gnome/Mutter/IdleMonitor/Core",
    interface: SERVICE,
};

/// The source `mutter-idle`: whether there is input, for GNOME. Programs that keep the screen on are no input for it.
#[derive(Debug)]
pub struct MutterIdle {
    session: Arc<Session>,
}

impl MutterIdle {
    /// The input of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> MutterIdle {
        MutterIdle { session }
    }
}

impl Source<Activity> for MutterIdle {
    fn name(&self) -> &'static str {
        "mutter-idle"
    }

    fn watch(&mut self, reports: Reports<Activity>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, reports).await;
            lost
        })
    }
}

async fn watch(session: &Session, reports: Reports<Activity>) -> Result<Infallible, Lost> {
    let bus = BusQueue::of_session(session.session_bus.as_deref()).await?;
    bus.subscribe_owner(SERVICE).await?;
    let fired = fired().map_err(|error| bus.lost(&error))?;
    bus.subscribe(fired).await?;
    if !bus.is_there(SERVICE).await? {
        return Err(Lost::Missing(
            "GNOME's idle monitor is not on the session bus: this desktop is not GNOME".to_owned(),
        ));
    }
    let inputs = Inputs::new(reports);
    let mut monitor = Monitor { bus, inputs };
    // Fires each time, not only once.
    monitor.ask::<_, u32>("AddIdleWatch", &u64::from(QUIET)).await?;
    loop {
        monitor.look().await?;
        monitor.change().await?;
    }
}

struct Monitor {
    bus: BusQueue,
    inputs: Inputs,
}

impl Monitor {
    /// Asks whether there is input, and reports what is new. After it, something fires when the answer changes.
    async fn look(&mut self) -> Result<(), Lost> {
        let idle = self.ask("GetIdletime", &()).await?;
        if self.inputs.quiet_for(idle) == Activity::Idle {
            // Fires once, at the next input. There may have been one before it was set.
            let watch: u32 = self.ask("AddUserActiveWatch", &()).await?;
            let idle = self.ask("GetIdletime", &()).await?;
            if self.inputs.quiet_for(idle) == Activity::Active {
                self.ask::<_, ()>("RemoveWatch", &watch).await?;
            }
        }
        Ok(())
    }

    /// Waits until a watch has fired.
    async fn change(&mut self) -> Result<(), Lost> {
        loop {
            let message = self.bus.next().await?;
            if owner_changed(&message).is_some() {
                return Err(Lost::Ended("GNOME Shell has exited or was restarted".to_owned()));
            }
            if is_signal(&message, SERVICE, "WatchFired") {
                return Ok(());
            }
        }
    }

    async fn ask<B, R>(&self, method: &str, arguments: &B) -> Result<R, Lost>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: serde::de::DeserializeOwned + zbus::wire::Type,
    {
        let answer = self.bus.call(MONITOR, method, arguments).await;
        answer.map_err(|error| self.bus.lost(&error))
    }
}

fn fired() -> zbus::Result<MatchRule<'static>> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(SERVICE)
        .path(MONITOR.path)
        .member("WatchFired")
        .build()
}
