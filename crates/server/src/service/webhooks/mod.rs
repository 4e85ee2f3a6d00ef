//! Webhooks: requests to other programs when something happens.
//!
//! Each webhook has a task. It delivers in order, one delivery at a time, and again until it arrives or a person is needed.
//! How far it has come is written before each attempt: whatever interrupts the server, nothing is left out, and what is
//! sent a second time has the same id.
//!
//! | file | what it does |
//! |---|---|
//! | `definition` | what a webhook is |
//! | `target` | where it may send |
//! | `files` | what is stored |
//! | `hook` | how far a webhook has come; what happened lately |
//! | `worker` | the task of a webhook |
//! | `record_source`, `silence`, `usage` | what there is to deliver |
//! | `body`, `sign`, `send` | one delivery: its text, its signature, an attempt |
//! | `backoff` | the time between attempts |

mod backoff;
mod body;
mod definition;
mod files;
mod hook;
mod record_source;
mod send;
mod sign;
mod silence;
mod target;
mod usage;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::StatusCode;
use parking_lot::Mutex;
use timberline_log::Seq;
use tokio::task::AbortHandle;

use self::files::{Definitions, State, States};
use self::send::TlsSetup;
use crate::app::App;
use crate::causes::with_causes;

pub(crate) use self::definition::{Definition, DefinitionError, Trigger, Webhook};
pub(crate) use self::files::{FileError, damaged};
pub(crate) use self::hook::{Attempt, Hook};
pub(crate) use self::send::SendError;

/// Webhooks of one server.
const MAX_WEBHOOKS: usize = 100;

/// Why webhooks cannot be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    #[error("there is no webhook with the id {0}")]
    Unknown(String),
    #[error("there are {MAX_WEBHOOKS} webhooks already: delete one first")]
    TooMany,
    #[error("from: {0}")]
    Replay(String),
    #[error("the webhooks could not be read when the server started, so they are not changed: {0}")]
    Unreadable(String),
    #[error("not stored")]
    File(#[from] FileError),
    #[error("the system gives no random bytes")]
    NoRandomness(#[source] std::io::Error),
}

/// A change of a webhook. What is `None` stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) definition: Option<Definition>,
    /// Whether it sends nothing.
    pub(crate) paused: Option<bool>,
    /// Whether it gets another secret.
    pub(crate) new_secret: bool,
}

/// The webhooks of a server.
#[derive(Debug)]
pub(crate) struct Webhooks {
    data_dir: PathBuf,
    running: Mutex<BTreeMap<String, Running>>,
    /// Why they could not be read.
    unreadable: Option<String>,
    /// One change of the files at a time. It is taken before `running`.
    writing: Mutex<()>,
    /// What connections with https need; read when the first one is made.
    tls: TlsSetup,
}

#[derive(Debug)]
struct Running {
    hook: Arc<Hook>,
    task: Option<AbortHandle>,
}

impl Webhooks {
    /// Those of a data directory. `newest` is the newest record: a webhook without a state begins behind it.
    pub(crate) fn open(data_dir: &Path, newest: Seq) -> Webhooks {
        let read = Definitions::read(data_dir).and_then(|found| Ok((found, States::read(data_dir)?)));
        let (definitions, states, unreadable) = match read {
            Ok((definitions, states)) => (definitions, states, None),
            Err(error) => {
                let error = with_causes(&error);
                tracing::error!(error, "no webhook sends anything until this is mended");
                (Definitions::default(), States::default(), Some(error))
            }
        };
        let running = definitions.webhooks.into_iter().map(|webhook| {
            let state = states.webhooks.get(&webhook.id).cloned();
            let state = state.unwrap_or_else(|| State {
                paused: Some("where it was is not known: tell it where to begin (replay)".to_owned()),
                ..State::at(newest)
            });
            let (id, hook) = (webhook.id.clone(), Arc::new(Hook::new(webhook, state)));
            (id, Running { hook, task: None })
        });
        Webhooks {
            data_dir: data_dir.to_owned(),
            running: Mutex::new(running.collect()),
            unreadable,
            writing: Mutex::new(()),
            tls: TlsSetup::default(),
        }
    }

    /// Starts the tasks.
    pub(crate) fn start(&self, app: &Arc<App>) {
        for running in self.running.lock().values_mut() {
            running.start(app);
        }
    }

    /// All webhooks, by id.
    pub(crate) fn list(&self) -> Vec<Arc<Hook>> {
        let running = self.running.lock();
        running
            .values()
            .map(|running| Arc::clone(&running.hook))
            .collect()
    }

    /// One of them.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Hook>> {
        self.running
            .lock()
            .get(id)
            .map(|running| Arc::clone(&running.hook))
    }

    /// Makes a webhook that begins now. Writes files.
    ///
    /// # Errors
    /// When it cannot be made or stored.
    pub(crate) fn create(&self, app: &Arc<App>, definition: Definition) -> Result<Arc<Hook>, WebhookError> {
        check(app, &definition)?;
        let random = timberline_disk::random::<6>().map_err(WebhookError::NoRandomness)?;
        let webhook = Webhook {
            id: sign::hex(&random),
            secret: sign::Secret::random().map_err(WebhookError::NoRandomness)?,
            created: app.store.now().to_string(),
            definition,
        };
        let state = State::at(app.store.snapshot().seq());
        let hook = Arc::new(Hook::new(webhook, state));
        self.change_list(app, |list| {
            if list.len() >= MAX_WEBHOOKS {
                return Err(WebhookError::TooMany);
            }
            list.insert(hook.webhook.id.clone(), Arc::clone(&hook));
            Ok(())
        })?;
        Ok(hook)
    }

    /// Changes a webhook. What it was about to deliver it delivers as it is then. Writes files.
    ///
    /// # Errors
    /// When there is none of this id, or the change cannot be made or stored.
    pub(crate) fn update(&self, app: &Arc<App>, id: &str, change: Change) -> Result<Arc<Hook>, WebhookError> {
        if let Some(definition) = &change.definition {
            check(app, definition)?;
        }
        let secret = match change.new_secret {
            true => Some(sign::Secret::random().map_err(WebhookError::NoRandomness)?),
            false => None,
        };
        self.replace(app, id, |hook| {
            let mut webhook = hook.webhook.clone();
            webhook.secret = secret.unwrap_or(webhook.secret);
            let mut is_other = false;
            if let Some(definition) = change.definition {
                is_other = definition.trigger != webhook.definition.trigger;
                webhook.definition = definition;
            }
            Ok(hook.changed(webhook, |state| {
                if is_other {
                    state.pending = None;
                    state.reached = None;
                }
                match change.paused {
                    Some(true) => state.paused = Some("paused by a person".to_owned()),
                    Some(false) => state.paused = None,
                    None => {}
                }
            }))
        })
    }

    /// Has a webhook deliver again from a record on. Writes files.
    ///
    /// # Errors
    /// When there is none of this id, it does not deliver records, or there is no such record.
    pub(crate) fn replay(&self, app: &Arc<App>, id: &str, from: Seq) -> Result<Arc<Hook>, WebhookError> {
        let newest = app.store.snapshot().seq();
        self.replace(app, id, |hook| {
            if !matches!(hook.webhook.definition.trigger, Trigger::Records { .. }) {
                return Err(WebhookError::Replay(
                    "this webhook does not deliver records".to_owned(),
                ));
            }
            if from == Seq::NONE || from > newest.next() {
                return Err(WebhookError::Replay(format!(
                    "expected the number of a record, from 1 to {newest}, or {} for the next one",
                    newest.next()
                )));
            }
            Ok(hook.changed(hook.webhook.clone(), |state| {
                state.position = from.prev().get();
                state.replays += 1;
                state.pending = None;
                state.paused = None;
            }))
        })
    }

    /// Removes a webhook. Writes files.
    ///
    /// # Errors
    /// When there is none of this id, or the file cannot be written.
    pub(crate) fn delete(&self, app: &Arc<App>, id: &str) -> Result<(), WebhookError> {
        self.change_list(app, |list| {
            let removed = list.remove(id);
            removed
                .map(drop)
                .ok_or_else(|| WebhookError::Unknown(id.to_owned()))
        })
    }

    /// Sends a delivery that only shows that deliveries arrive, once.
    ///
    /// # Errors
    /// When it did not arrive.
    pub(crate) async fn test(app: &Arc<App>, hook: &Hook) -> Result<StatusCode, SendError> {
        let id = worker::random_id(&hook.webhook);
        let delivery = body::test(&hook.webhook, &id);
        send::send(&hook.webhook, &delivery, app.store.now(), worker::reach(app)).await
    }

    /// Writes how far webhooks have come, if that has changed. A failure is logged: then more is sent again after a
    /// restart.
    async fn save(&self, app: &Arc<App>) {
        let app = Arc::clone(app);
        let saving = move || {
            let _one_at_a_time = app.webhooks.writing.lock();
            if let Err(error) = app.webhooks.write_states() {
                let error = with_causes(&error);
                tracing::warn!(error, "how far webhooks have come cannot be written");
            }
        };
        // It breaks off only if the server does.
        let _ = tokio::task::spawn_blocking(saving).await;
    }

    /// Writes how far webhooks have come: the server stops.
    pub(crate) fn close(&self) {
        let _one_at_a_time = self.writing.lock();
        if let Err(error) = self.write_states() {
            let error = with_causes(&error);
            tracing::warn!(error, "how far webhooks have come cannot be written");
        }
    }

    fn write_states(&self) -> Result<(), FileError> {
        let hooks = self.list();
        if self.unreadable.is_some() || !hooks.iter().any(|hook| hook.is_dirty()) {
            return Ok(());
        }
        let states = hooks
            .iter()
            .map(|hook| (hook.webhook.id.clone(), hook.take_state()));
        let states = States {
            webhooks: states.collect(),
        };
        states
            .write(&self.data_dir)
            .inspect_err(|_| hooks.iter().for_each(|hook| hook.mark_dirty()))
    }

    fn replace(
        &self,
        app: &Arc<App>,
        id: &str,
        change: impl FnOnce(&Hook) -> Result<Hook, WebhookError>,
    ) -> Result<Arc<Hook>, WebhookError> {
        let unknown = || WebhookError::Unknown(id.to_owned());
        let mut made = None;
        self.change_list(app, |list| {
            let hook = list.get_mut(id).ok_or_else(unknown)?;
            *hook = Arc::new(change(hook)?);
            made = Some(Arc::clone(hook));
            Ok(())
        })?;
        made.ok_or_else(unknown)
    }

    /// Changes the list, stores it, and starts and ends tasks.
    fn change_list(
        &self,
        app: &Arc<App>,
        change: impl FnOnce(&mut BTreeMap<String, Arc<Hook>>) -> Result<(), WebhookError>,
    ) -> Result<(), WebhookError> {
        if let Some(reason) = &self.unreadable {
            return Err(WebhookError::Unreadable(reason.clone()));
        }
        let _one_at_a_time = self.writing.lock();
        let before = self.list();
        let mut list: BTreeMap<String, Arc<Hook>> = before
            .iter()
            .map(|hook| (hook.webhook.id.clone(), Arc::clone(hook)))
            .collect();
        change(&mut list)?;
        let webhooks = list.values().map(|hook| hook.webhook.clone()).collect();
        let states = list.iter().map(|(id, hook)| (id.clone(), hook.state()));
        // First the states: a webhook without one would not know where to begin.
        let states = States {
            webhooks: states.collect(),
        };
        states.write(&self.data_dir)?;
        Definitions { webhooks }.write(&self.data_dir)?;
        self.run_these(app, list);
        Ok(())
    }

    fn run_these(&self, app: &Arc<App>, list: BTreeMap<String, Arc<Hook>>) {
        let mut running = self.running.lock();
        running.retain(|id, old| {
            let stays = list.get(id).is_some_and(|hook| Arc::ptr_eq(hook, &old.hook));
            if !stays {
                old.stop();
            }
            stays
        });
        for (id, hook) in list {
            running.entry(id).or_insert_with(|| {
                let mut new = Running { hook, task: None };
                new.start(app);
                new
            });
        }
    }
}

impl Running {
    fn start(&mut self, app: &Arc<App>) {
        let task = tokio::spawn(worker::run(Arc::clone(app), Arc::clone(&self.hook)));
        self.task = Some(task.abort_handle());
    }

    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Checks a definition.
fn check(app: &App, definition: &Definition) -> Result<(), DefinitionError> {
    let target = definition.check()?;
    Ok(target.check(&app.settings.webhooks.allow, &app.started.addresses)?)
}
