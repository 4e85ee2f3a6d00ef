//! The source of sleep, locks and switches of the user.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use zbus::message::Type;
use zbus::{MatchRule, Message, OwnedObjectPath, OwnedVariant};

use super::inhibitor::SleepDelay;
use super::session::{self, SessionState};
use super::{MANAGER, PROPERTIES, SERVICE};
use crate::afk::Fact;
use crate::desktop::bus_queue::{BusQueue, Target, is_signal, owner_changed};
use crate::desktop::{Lost, Reports, Session, Source, Watching};

/// From the report of a sleep to the sleep itself. What happened before it is in the queue on disk long before, and has a chance
/// to be sent, too.
const TIME_TO_RECORD: Duration = Duration::from_millis(500);

/// The source `logind`: sleep, locks (`LockedHint`), and other users' sessions on the screen. It reports nothing while the session
/// is in use.
#[derive(Debug)]
pub struct Logind {
    session: Arc<Session>,
}

impl Logind {
    /// What happens to this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Logind {
        Logind { session }
    }
}

impl Source<Fact> for Logind {
    fn name(&self) -> &'static str {
        "logind"
    }

    fn watch(&mut self, reports: Reports<Fact>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, reports).await;
            lost
        })
    }
}

async fn watch(session: &Session, reports: Reports<Fact>) -> Result<Infallible, Lost> {
    Watch::begin(session, reports).await?.run().await
}

struct Watch<'a> {
    bus: BusQueue,
    session: &'a Session,
    reports: Reports<Fact>,
    /// logind's object of this session, if it knows it.
    path: Option<OwnedObjectPath>,
    state: SessionState,
    delay: Option<SleepDelay>,
}

impl<'a> Watch<'a> {
    async fn begin(session: &'a Session, reports: Reports<Fact>) -> Result<Watch<'a>, Lost> {
        let bus = BusQueue::of_system(session.system_bus.as_deref()).await?;
        bus.subscribe_owner(SERVICE).await?;
        for (interface, member) in [
            (MANAGER.interface, "PrepareForSleep"),
            (MANAGER.interface, "SessionNew"),
            (MANAGER.interface, "SessionRemoved"),
            (PROPERTIES, "PropertiesChanged"),
        ] {
            let rule = signals(interface, member).map_err(|error| bus.lost(&error))?;
            bus.subscribe(rule).await?;
        }
        // This starts logind where it is started on demand.
        let properties = Target {
            interface: PROPERTIES,
            ..MANAGER
        };
        let asked = (MANAGER.interface, "PreparingForSleep");
        let answer = bus.call::<_, OwnedVariant>(properties, "Get", &asked).await;
        answer.map_err(|error| {
            Lost::Missing(format!(
                "there is no logind, so sleep and locks of the session are not reported: {error}"
            ))
        })?;
        let delay = SleepDelay::of_next_sleep(&bus).await;
        let mut watch = Watch {
            bus,
            session,
            reports,
            path: None,
            state: SessionState::default(),
            delay,
        };
        watch.find_session().await;
        Ok(watch)
    }

    async fn run(mut self) -> Result<Infallible, Lost> {
        loop {
            let message = self.bus.next().await?;
            if let Some((_, false)) = owner_changed(&message) {
                return Err(Lost::Ended("logind has exited".to_owned()));
            } else if is_signal(&message, MANAGER.interface, "PrepareForSleep") {
                let body = message.body();
                if let Ok(asleep) = body.deserialize::<bool>() {
                    self.sleep(asleep).await;
                }
            } else if is_signal(&message, PROPERTIES, "PropertiesChanged") {
                if self.is_about_this_session(&message) {
                    self.take_up(session::after(self.state, &message)).await;
                }
            } else if message.message_type() == Type::Signal {
                // A session began or ended: this may be another one now.
                self.find_session().await;
            }
        }
    }

    async fn sleep(&mut self, asleep: bool) {
        if asleep {
            self.reports.send(Fact::SleepBegan);
            if let Some(delay) = self.delay.take() {
                tokio::time::sleep(TIME_TO_RECORD).await;
                drop(delay);
            }
        } else {
            self.reports.send(Fact::SleepEnded);
            self.delay = SleepDelay::of_next_sleep(&self.bus).await;
        }
    }

    async fn find_session(&mut self) {
        match session::find(&self.bus, self.session.id.as_deref()).await {
            Some((path, state)) => {
                self.path = Some(path);
                self.change(state, Fact::Unlocked, Fact::SwitchedBack);
            }
            // Nobody has unlocked anything by this.
            None => {
                self.path = None;
                let state = SessionState::default();
                self.change(state, Fact::LockUnknown, Fact::SwitchUnknown);
            }
        }
    }

    /// This session has changed.
    async fn take_up(&mut self, state: SessionState) {
        if state.away && !self.state.away {
            // Its user may have logged out: then it is not this one any more.
            self.find_session().await;
        } else {
            self.change(state, Fact::Unlocked, Fact::SwitchedBack);
        }
    }

    fn is_about_this_session(&self, message: &Message) -> bool {
        let header = message.header();
        let about = header.path().map(zbus::ObjectPath::as_str);
        self.path.is_some() && about == self.path.as_ref().map(|path| path.as_str())
    }

    /// Reports what is different now; the end of a lock, and that of another user's turn, as these facts.
    fn change(&mut self, state: SessionState, unlocked: Fact, back: Fact) {
        let former = std::mem::replace(&mut self.state, state);
        if former.locked != state.locked {
            let fact = if state.locked { Fact::Locked } else { unlocked };
            self.reports.send(fact);
        }
        if former.away != state.away {
            let fact = if state.away { Fact::SwitchedAway } else { back };
            self.reports.send(fact);
        }
    }
}

fn signals(interface: &'static str, member: &'static str) -> zbus::Result<MatchRule<'static>> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(SERVICE)
        .interface(interface)
        .member(member)
        .build()
}
