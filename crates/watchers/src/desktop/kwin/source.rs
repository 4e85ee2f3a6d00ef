//! The source of the window in front in KWin.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use zbus::Message;
use zbus::message::Type;

use super::scripting::{self, KWIN};
use crate::desktop::bus_queue::{BusQueue, owner_changed};
use crate::desktop::told::Told;
use crate::desktop::{Lost, Reports, Session, Sighting, Source, Watching};

/// How often to check that KWin still has the script: somebody else may unload it, and nothing reports that.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The source `kwin-script`: the window in front, for KWin 5.27 and 6.
#[derive(Debug)]
pub struct KWinScript {
    session: Arc<Session>,
    look_every: Duration,
}

impl KWinScript {
    /// The windows of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> KWinScript {
        KWinScript {
            session,
            look_every: LOOK_EVERY,
        }
    }

    /// The same, but it checks more or less often that KWin still has the script: for tests.
    #[must_use]
    pub fn looking_every(self, look_every: Duration) -> KWinScript {
        KWinScript { look_every, ..self }
    }
}

impl Source<Option<Sighting>> for KWinScript {
    fn name(&self) -> &'static str {
        "kwin-script"
    }

    fn watch(&mut self, reports: Reports<Option<Sighting>>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, self.look_every, &reports).await;
            lost
        })
    }
}

async fn watch(
    session: &Session,
    look_every: Duration,
    reports: &Reports<Option<Sighting>>,
) -> Result<Infallible, Lost> {
    let mut bus = BusQueue::of_session(session.session_bus.as_deref()).await?;
    bus.subscribe_owner(KWIN).await?;
    if !bus.is_there(KWIN).await? {
        return Err(Lost::Missing(
            "KWin is not on the session bus: this desktop is not KDE".to_owned(),
        ));
    }
    let folder = session.runtime_dir.as_deref().ok_or_else(|| {
        Lost::Missing(
            "there is no directory for the script that KWin runs: XDG_RUNTIME_DIR is not set".to_owned(),
        )
    })?;
    scripting::unload_left_behind(&bus, folder).await;
    // Unloaded when this future is dropped.
    let script = scripting::load(&bus, folder).await?;
    let mut told = Told::new(reports);
    loop {
        let patience = told.patience();
        let Some(message) = bus.next_within(Some(patience.unwrap_or(look_every))).await? else {
            if patience.is_some() {
                told.waited();
            } else {
                script.check(&bus).await?;
            }
            continue;
        };
        if owner_changed(&message).is_some_and(|(name, _)| name == KWIN) {
            script.has_gone();
            return Err(Lost::Ended("KWin has exited or was restarted".to_owned()));
        }
        if message.message_type() == Type::MethodCall {
            take(&bus, &message, &mut told).await;
        }
    }
}

/// A call of the script, or of somebody else, who gets an answer as well.
async fn take(bus: &BusQueue, call: &Message, told: &mut Told<'_>) {
    let header = call.header();
    let body = call.body();
    let answered = match body.deserialize::<String>() {
        Ok(text) if told.tell(&text) => bus.connection.reply(&header, &()).await,
        _ => {
            let error = "org.freedesktop.DBus.Error.InvalidArgs";
            bus.connection
                .reply_error(&header, error, &"expected the window in front as JSON")
                .await
        }
    };
    if let Err(error) = answered {
        // An answer that cannot be sent is noticed at the next message.
        tracing::debug!(%error, "no answer to KWin");
    }
}
