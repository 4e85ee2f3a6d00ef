//! The newest absence of today that nobody has explained.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use timberline_model::{Duration, Event, Timestamp};
use tokio::sync::{Notify, watch};

use super::{Absence, absences, answer, answers_bucket};
use crate::afk::Status;
use crate::desk::Calendar;
use crate::{CallError, Client};

const LOOK_EVERY: StdDuration = StdDuration::from_secs(60);

/// The absences of today. Clones are the same.
#[derive(Clone)]
pub struct Absences(Arc<Shared>);

struct Shared {
    client: Client,
    /// How long an absence is at least.
    after: Duration,
    unexplained: watch::Sender<Option<Absence>>,
    /// The start of the newest AFK event at the last look.
    newest: Mutex<Option<Timestamp>>,
    /// Told when it should be looked again.
    look: Notify,
}

impl Absences {
    /// Absences of at least that length, as the server knows them.
    #[must_use]
    pub fn new(client: Client, after: Duration) -> Absences {
        Absences(Arc::new(Shared {
            client,
            after,
            unexplained: watch::Sender::new(None),
            newest: Mutex::new(None),
            look: Notify::new(),
        }))
    }

    /// The newest absence of today that nobody has explained, and its changes.
    #[must_use]
    pub fn unexplained(&self) -> watch::Receiver<Option<Absence>> {
        self.0.unexplained.subscribe()
    }

    /// Records what somebody did in an absence.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn explain(&self, absence: Absence, text: &str) -> Result<(), CallError> {
        let client = &self.0.client;
        let bucket = answers_bucket(&client.buckets().await?, client.hostname());
        client.create_bucket(&bucket).await?;
        client
            .insert_events(&bucket.id, &[answer(&absence, text)])
            .await?;
        self.0.look.notify_one();
        Ok(())
    }

    /// Looks once a minute, and after each answer. Never ends.
    pub async fn keep_looking(self, calendar: Arc<dyn Calendar>) {
        loop {
            if let Err(error) = self.look(calendar.as_ref()).await {
                tracing::debug!(%error, "absences cannot be asked for");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.0.look.notified() => {}
            }
        }
    }

    /// Looks which absence is unexplained now. Only when somebody has come back, or while there is one, it looks at the whole day.
    pub(crate) async fn look(&self, calendar: &dyn Calendar) -> Result<(), CallError> {
        let client = &self.0.client;
        let afk = client.afk_bucket();
        let newest = client.events(&afk.bucket().id, None, None, Some(1)).await?;
        let newest = newest
            .first()
            .filter(|event| Status::of(&event.data) == Some(Status::NotAfk));
        let newest = newest.map(|event| event.start);
        let is_known = newest.is_none() || newest == *self.0.newest.lock();
        if is_known && self.0.unexplained.borrow().is_none() {
            return Ok(());
        }
        let found = self.of_today(calendar).await?;
        *self.0.newest.lock() = newest;
        self.0.unexplained.send_if_modified(|unexplained| {
            let is_new = *unexplained != found;
            *unexplained = found;
            is_new
        });
        Ok(())
    }

    async fn of_today(&self, calendar: &dyn Calendar) -> Result<Option<Absence>, CallError> {
        let client = &self.0.client;
        let start_of_day = client.setting("startOfDay").await?;
        let (now, day) = calendar.now_and_day(start_of_day.as_str());
        let afk = client.afk_bucket();
        let events = client
            .events(&afk.bucket().id, Some(day), Some(now), None)
            .await?;
        let mut absences = absences(&events);
        // What began before the day is the night.
        absences.retain(|absence| absence.is_over && absence.start > day && absence.length() >= self.0.after);
        if absences.is_empty() {
            return Ok(None);
        }
        let explanations = self.explanations(day, now).await?;
        let newest = absences.into_iter().rev();
        let mut unexplained = newest.filter(|absence| !absence.is_explained_by(&explanations));
        Ok(unexplained.next())
    }

    /// Answers, and pauses of the module `afk`, in which nobody wanted to be recorded.
    async fn explanations(&self, start: Timestamp, end: Timestamp) -> Result<Vec<Event>, CallError> {
        let client = &self.0.client;
        let buckets = client.buckets().await?;
        let answers = answers_bucket(&buckets, client.hostname()).id;
        let pauses = client.pauses_bucket().bucket().id.clone();
        let mut explanations = Vec::new();
        if buckets.contains_key(&answers) {
            explanations = client.events(&answers, Some(start), Some(end), None).await?;
        }
        if buckets.contains_key(&pauses) {
            let pauses = client.events(&pauses, Some(start), Some(end), None).await?;
            let of_afk = |event: &Event| event.data.as_str().contains(r#""afk""#);
            explanations.extend(pauses.into_iter().filter(of_afk));
        }
        Ok(explanations)
    }
}
