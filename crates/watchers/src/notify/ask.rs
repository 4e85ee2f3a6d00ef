//! Asks what the person did while away.

use std::sync::Arc;
use std::time::Duration;

use timberline_model::Duration as Length;
use tokio::sync::watch;

use super::service::{Button, Capabilities, Notification, Reaction, Service};
use crate::away::{Absence, Absences};
use crate::desk::Desk;

/// How often a bus is tried that does not answer.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// Nobody is asked about an absence that ended longer ago.
const RECENT: Length = Length::from_secs(600);

/// Asks about each absence once, soon after it. Never ends; without a bus it waits.
pub async fn ask(bus: Option<String>, absences: Absences, desk: Arc<dyn Desk>) {
    let Some(bus) = bus else {
        return std::future::pending().await;
    };
    let mut asker = Asker {
        unexplained: absences.unexplained(),
        absences,
        desk,
        asked: None,
    };
    loop {
        if let Err(error) = asker.stay(&bus).await {
            tracing::debug!(%error, "nobody is asked about absences for now");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

struct Asker {
    absences: Absences,
    unexplained: watch::Receiver<Option<Absence>>,
    desk: Arc<dyn Desk>,
    /// The absence that was asked about last.
    asked: Option<Absence>,
}

/// A question on the screen.
struct Question {
    id: u32,
    absence: Absence,
}

impl Asker {
    /// Asks until the bus has gone.
    async fn stay(&mut self, bus: &str) -> zbus::Result<()> {
        let service = Service::connect(bus).await?;
        let mut reactions = service.reactions().await?;
        let mut question: Option<Question> = None;
        loop {
            let unexplained = *self.unexplained.borrow_and_update();
            if let Some(old) = question.take_if(|question| Some(question.absence) != unexplained) {
                service.close(old.id).await?;
            }
            if let Some(absence) = unexplained.filter(|absence| self.is_to_be_asked(absence)) {
                let id = service
                    .show(&self.notification(&absence, service.capabilities().await?))
                    .await?;
                self.asked = Some(absence);
                question = Some(Question { id, absence });
            }
            tokio::select! {
                // The sender is part of the absences.
                _ = self.unexplained.changed() => {}
                reaction = reactions.next() => {
                    let (id, reaction) = reaction?;
                    if let Some(asked) = question.take_if(|question| question.id == id) {
                        self.react(&service, asked.absence, reaction).await?;
                    }
                }
            }
        }
    }

    fn is_to_be_asked(&self, absence: &Absence) -> bool {
        let (now, _) = self.desk.now_and_tomorrow();
        self.asked != Some(*absence) && now.since(absence.end) < RECENT
    }

    fn notification(&self, absence: &Absence, service: Capabilities) -> Notification {
        let minutes = absence.length().nanos() / Length::from_secs(60).nanos();
        let away = format!("You were away for {minutes} minutes.");
        let text = if service.buttons {
            away
        } else {
            format!("{away} To say what you did: timberline away '…'")
        };
        let buttons = match service {
            Capabilities { buttons: false, .. } => Vec::new(),
            Capabilities { field: true, .. } => {
                let field = Button::Field {
                    label: "Answer",
                    placeholder: "Lunch, a meeting, …",
                };
                vec![Button::Whole, field]
            }
            Capabilities { field: false, .. } => vec![Button::Whole, Button::Named("Answer…")],
        };
        Notification {
            buttons,
            ..Notification::new(absence.question(|time| self.desk.local_time(time)), text)
        }
    }

    async fn react(&self, service: &Service, absence: Absence, reaction: Reaction) -> zbus::Result<()> {
        match reaction {
            Reaction::Chosen => self.desk.open_absence(&absence),
            Reaction::Closed => {}
            Reaction::Written(text) if text.trim().is_empty() => {}
            Reaction::Written(text) => {
                if let Err(error) = self.absences.explain(absence, &text).await {
                    tracing::warn!(%error, "what somebody did while away is not recorded");
                    let lost = format!("{error}. You wrote: {}", text.trim());
                    service
                        .show(&Notification::new("Your answer was not recorded", lost))
                        .await?;
                }
            }
        }
        Ok(())
    }
}
