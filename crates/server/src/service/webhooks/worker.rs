//! The task of one webhook: waits for something to deliver, and delivers it, in order. A receiver that does not answer
//! holds up nobody else.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use timberline_log::Seq;
use timberline_views::Erasures;

use super::backoff;
use super::body;
use super::definition::{Trigger, Webhook};
use super::files::{Pending, PendingWhat};
use super::hook::{Attempt, Hook};
use super::record_source::RecordSource;
use super::send::{Delivery, Reach, SendError, send};
use super::sign::hex;
use super::silence::{SilenceWatch, Silent};
use super::usage::{Spent, UsageWatch};
use crate::app::App;
use crate::causes::with_causes;
use crate::service::live::Listener;

/// How long to wait for what is published to be durable: a receiver must not hear of what a power cut takes back.
const DURABLE_SOON: Duration = Duration::from_millis(250);

/// How long to wait before the usage is added up again.
const ADD_UP_AGAIN: Duration = Duration::from_secs(5);

/// Delivers until the server stops, the webhook is paused, or the task is aborted.
pub(super) async fn run(app: Arc<App>, hook: Arc<Hook>) {
    let listener = Listener::begin(&app);
    let mut stop = listener.clone();
    let mut worker = Worker::new(app, hook, listener);
    tokio::select! {
        () = stop.stopped() => {}
        () = worker.work() => {}
    }
}

struct Worker {
    app: Arc<App>,
    hook: Arc<Hook>,
    listener: Listener,
    source: Source,
}

/// Where deliveries come from.
enum Source {
    Records(RecordSource),
    Silence(SilenceWatch, u64),
    Usage(UsageWatch, u64),
}

impl Worker {
    fn new(app: Arc<App>, hook: Arc<Hook>, listener: Listener) -> Worker {
        let trigger = &hook.webhook.definition.trigger;
        let source = match trigger {
            Trigger::Records { changes, .. } => {
                Source::Records(RecordSource::new(Arc::clone(&app), trigger.filter(), *changes))
            }
            Trigger::Silence { seconds, .. } => {
                let limit = Duration::from_secs(*seconds);
                Source::Silence(SilenceWatch::new(trigger.filter(), limit), *seconds)
            }
            Trigger::Usage {
                category,
                seconds,
                zone,
            } => Source::Usage(UsageWatch::new(category.clone(), zone.clone()), *seconds),
        };
        Worker {
            app,
            hook,
            listener,
            source,
        }
    }

    async fn work(&mut self) {
        loop {
            let state = self.hook.state();
            if state.paused.is_some() {
                return;
            }
            // From before it is made: whatever is erased later is not to be sent.
            let erasures = self.app.store.snapshot().erasures();
            let delivery = match state.pending {
                Some(pending) => self.remake(Seq(state.position), pending).await,
                None => Some(self.next().await),
            };
            let Some(delivery) = delivery else {
                self.hook.delivered();
                continue;
            };
            // After a restart it is sent again under the same id.
            self.app.webhooks.save(&self.app).await;
            self.deliver(&delivery, &erasures).await;
        }
    }

    /// Waits for something to deliver, and makes it the pending delivery.
    async fn next(&mut self) -> Delivery {
        let (app, webhook) = (&self.app, &self.hook.webhook);
        if self.hook.is_dirty() && !matches!(self.source, Source::Records(_)) {
            // The next one may be hours away.
            app.webhooks.save(app).await;
        }
        match &mut self.source {
            Source::Records(_) => self.next_records().await,
            Source::Silence(watch, seconds) => {
                let silent = next_silence(app, watch).await;
                let id = random_id(webhook);
                let body = body::silence(webhook, &id, *seconds, &silent);
                let delivery = body::whole(&id, &body);
                self.hook.begin(id, PendingWhat::Body(body));
                delivery
            }
            Source::Usage(watch, seconds) => {
                let reached = self.hook.state().reached;
                let spent = next_reached(app, watch, *seconds, reached, &mut self.listener).await;
                let id = random_id(webhook);
                let body = body::usage(webhook, &id, &webhook.definition.trigger, &spent);
                let delivery = body::whole(&id, &body);
                self.hook.begin_reached(spent.day, id, PendingWhat::Body(body));
                delivery
            }
        }
    }

    async fn next_records(&mut self) -> Delivery {
        loop {
            let (position, until) = self.wait_for_records().await;
            let Source::Records(source) = &mut self.source else {
                // A webhook has one trigger.
                return std::future::pending().await;
            };
            let (to, messages) = source.read(position, until).await;
            if messages.is_empty() {
                self.hook.pass(to);
                continue;
            }
            let (webhook, replays) = (&self.hook.webhook, self.hook.state().replays);
            let id = format!("{}-{replays}-{}-{to}", webhook.id, position.next());
            let delivery = body::records(webhook, &id, position.next(), to, &messages);
            self.hook.begin(id, PendingWhat::Through(to.get()));
            return delivery;
        }
    }

    /// Waits until there are durable records behind those that are delivered; says where they begin and end.
    async fn wait_for_records(&mut self) -> (Seq, Seq) {
        loop {
            let published = self.app.store.snapshot().seq();
            // The log may have lost its end, or be another one: it was restored from a backup.
            let position = Seq(self.hook.state().position).min(published);
            let until = published.min(self.app.store.durable_seq());
            if position < until {
                return (position, until);
            }
            if self.hook.is_dirty() {
                self.app.webhooks.save(&self.app).await;
            }
            if position < published {
                tokio::time::sleep(DURABLE_SOON).await;
            } else if !self.listener.published_after(position).await {
                // The server stops, and ends this task.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The pending delivery, as it was before a restart. `None` if nothing of it is left, because it was erased.
    async fn remake(&mut self, position: Seq, pending: Pending) -> Option<Delivery> {
        match (pending.what, &mut self.source) {
            (PendingWhat::Body(body), _) => Some(body::whole(&pending.id, &body)),
            (PendingWhat::Through(to), Source::Records(source)) => {
                let messages = source.read_all(position, Seq(to)).await;
                let (webhook, from) = (&self.hook.webhook, position.next());
                (!messages.is_empty()).then(|| body::records(webhook, &pending.id, from, Seq(to), &messages))
            }
            // The trigger has changed.
            (PendingWhat::Through(_), _) => None,
        }
    }

    /// Sends a delivery until it arrives, until the webhook is paused, or until something is erased: then it is made again
    /// before the next attempt.
    async fn deliver(&self, delivery: &Delivery, erasures: &Erasures) {
        while self.app.store.snapshot().erasures() == *erasures {
            let (failed, outcome) = attempt(&self.app, &self.hook, delivery).await;
            let Err(error) = outcome else {
                return self.hook.delivered();
            };
            let is_gone = error.status() == Some(StatusCode::GONE);
            if is_gone || failed >= self.hook.webhook.definition.max_tries {
                let error = with_causes(&error);
                tracing::warn!(
                    webhook = self.hook.webhook.id,
                    failed,
                    error,
                    "a webhook is paused"
                );
                self.hook
                    .pause(format!("given up after {failed} attempts: {error}"));
                return self.app.webhooks.save(&self.app).await;
            }
            tokio::time::sleep(backoff::pause(failed, backoff::random())).await;
        }
    }
}

/// Waits until buckets have become silent.
async fn next_silence(app: &App, watch: &mut SilenceWatch) -> Vec<Silent> {
    loop {
        let now = timberline_clock::monotonic();
        let silent = watch.look(&app.store.snapshot(), now, app.store.now());
        if !silent.is_empty() {
            return silent;
        }
        tokio::time::sleep(watch.interval()).await;
    }
}

/// Waits until the time of a category is reached, on another day than the one on which it was reached last.
async fn next_reached(
    app: &Arc<App>,
    watch: &UsageWatch,
    seconds: u64,
    reached: Option<String>,
    listener: &mut Listener,
) -> Spent {
    let limit = i128::from(seconds) * 1_000_000_000;
    loop {
        let seq = match watch.look(app).await {
            Ok(spent) if spent.nanos >= limit && reached.as_ref() != Some(&spent.day) => return spent,
            Ok(spent) => spent.seq,
            Err(error) => {
                tracing::warn!(error, "a webhook cannot know how a category was used");
                app.store.snapshot().seq()
            }
        };
        tokio::time::sleep(ADD_UP_AGAIN).await;
        if !listener.published_after(seq).await {
            // The server stops, and ends this task.
            std::future::pending::<()>().await;
        }
    }
}

/// The id of a delivery that no record gives one.
pub(super) fn random_id(hook: &Webhook) -> String {
    let random = timberline_disk::random::<8>().unwrap_or_default();
    format!("{}-{}", hook.id, hex(&random))
}

/// Where webhooks may send.
pub(super) fn reach(app: &App) -> Reach<'_> {
    Reach {
        allowed: &app.settings.webhooks.allow,
        own: &app.started.addresses,
        tls: &app.webhooks.tls,
    }
}

/// Sends a delivery once, and notes how it went. Gives back how many attempts have failed.
pub(super) async fn attempt(
    app: &App,
    hook: &Hook,
    delivery: &Delivery,
) -> (u32, Result<StatusCode, SendError>) {
    let now = app.store.now();
    let outcome = send(&hook.webhook, delivery, now, reach(app)).await;
    let failed = hook.note(Attempt::of(&delivery.id, now, &outcome));
    (failed, outcome)
}
