//! Events with titles that no other event has, some of which are purged or redacted: then they must not be found
//! anywhere again, neither in the bucket nor in the log nor in a backup.

use std::io;

use serde_json::json;
use timberline_model::Timestamp;

use crate::client::Client;
use crate::ledger::{Event, Events};

/// Events in the bucket before it stops growing.
const MAX_EVENTS: usize = 3_000;

/// What one client knows of its bucket.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    events: Events,
    /// Titles that were purged or redacted, and of which the server said so.
    pub(crate) forgotten: Vec<String>,
    pending: Option<Unanswered>,
    made: bool,
    count: u64,
}

/// A request that was sent and not answered.
#[derive(Debug)]
enum Unanswered {
    Insert(Vec<Event>),
    /// The event with this title goes, or gets another title.
    Forget {
        title: String,
        replacement: Option<String>,
    },
}

fn bucket(client: &Client<'_>) -> String {
    format!("soak-secret-{}", client.number())
}

/// Inserts two events, purges or redacts an older one.
pub(crate) fn one(client: &mut Client<'_>, secrets: &mut Secrets) -> io::Result<()> {
    let bucket = bucket(client);
    if !secrets.made {
        let body = r#"{"client":"soak","type":"soak","hostname":"soak"}"#;
        let answer = client.request("POST", &format!("/api/0/buckets/{bucket}"), Some(body))?;
        secrets.made = answer.is_success() || answer.status == 304;
    }
    if secrets.events.len() < MAX_EVENTS {
        insert(client, secrets, &bucket)?;
    }
    let picked = client.random.pick(secrets.events.values()).cloned();
    let Some(title) = picked
        .as_ref()
        .and_then(title_of)
        .filter(|title| title.starts_with("secret"))
    else {
        return Ok(());
    };
    let replacement = (client.random.below(2) == 0).then(|| format!("redacted {}", secrets.count));
    forget(client, secrets, &bucket, title, replacement)
}

fn insert(client: &mut Client<'_>, secrets: &mut Secrets, bucket: &str) -> io::Result<()> {
    let now = Timestamp::now().nanos();
    let events: Vec<Event> = (0..2)
        .map(|n| {
            secrets.count += 1;
            let salt = client.random.below(1 << 60);
            Event {
                start: now + n,
                duration: 0,
                data: json!({"title": format!("secret-{}-{}-{salt:x}", client.number(), secrets.count)})
                    .to_string(),
            }
        })
        .collect();
    let texts: Vec<String> = events.iter().map(|event| event.body(None)).collect();
    secrets.pending = Some(Unanswered::Insert(events));
    let target = format!("/api/0/buckets/{bucket}/events");
    let answer = client.request("POST", &target, Some(&format!("[{}]", texts.join(","))))?;
    secrets.pending = None;
    if answer.is_success() {
        client.ledger.acknowledged += 1;
        secrets
            .events
            .extend(Event::read_all(&answer.json()).unwrap_or_default());
    } else {
        client
            .ledger
            .complain(format!("POST {target}: {}", answer.excerpt()));
    }
    Ok(())
}

fn forget(
    client: &mut Client<'_>,
    secrets: &mut Secrets,
    bucket: &str,
    title: String,
    replacement: Option<String>,
) -> io::Result<()> {
    let pattern = format!("^{title}$");
    let (target, body) = match &replacement {
        Some(text) => (
            "/api/1/redact",
            json!({"bucket": bucket, "field": "title", "pattern": pattern, "replacement": text}),
        ),
        None => (
            "/api/1/purge",
            json!({"bucket": bucket, "data": {"pattern": pattern, "field": "title"}}),
        ),
    };
    let preview = client.request("POST", target, Some(&body.to_string()))?;
    let token = json!({"token": preview.json()["token"]}).to_string();
    secrets.pending = Some(Unanswered::Forget {
        title: title.clone(),
        replacement: replacement.clone(),
    });
    let answer = client.request("POST", target, Some(&token))?;
    secrets.pending = None;
    if !answer.is_success() {
        client
            .ledger
            .complain(format!("POST {target}: {}", answer.excerpt()));
        return Ok(());
    }
    client.ledger.acknowledged += 1;
    apply(&mut secrets.events, &title, replacement.as_deref());
    secrets.forgotten.push(title);
    Ok(())
}

fn title_of(event: &Event) -> Option<String> {
    let data: serde_json::Value = serde_json::from_str(&event.data).ok()?;
    Some(data["title"].as_str()?.to_owned())
}

fn apply(events: &mut Events, title: &str, replacement: Option<&str>) {
    match replacement {
        None => events.retain(|_, event| title_of(event).as_deref() != Some(title)),
        Some(text) => {
            for event in events.values_mut() {
                if title_of(event).as_deref() == Some(title) {
                    event.data = json!({ "title": text }).to_string();
                }
            }
        }
    }
}

/// Compares with what the server shows.
pub(crate) fn compare(client: &mut Client<'_>, secrets: &mut Secrets) -> io::Result<()> {
    if !secrets.made {
        return Ok(());
    }
    let bucket = bucket(client);
    let shown = client.shown(&bucket)?.unwrap_or_default();
    let pending = secrets.pending.take();
    if shown == secrets.events {
        return Ok(());
    }
    match pending {
        Some(Unanswered::Insert(sent)) => {
            let mut after = secrets.events.clone();
            after.extend(
                shown
                    .clone()
                    .into_iter()
                    .filter(|(_, event)| sent.contains(event)),
            );
            if after == shown && after.len() == secrets.events.len() + sent.len() {
                secrets.events = shown;
                return Ok(());
            }
        }
        Some(Unanswered::Forget { title, replacement }) => {
            let mut after = secrets.events.clone();
            apply(&mut after, &title, replacement.as_deref());
            if after == shown {
                secrets.events = shown;
                secrets.forgotten.push(title);
                return Ok(());
            }
        }
        None => {}
    }
    let (expected, differing) = (&secrets.events, |a: &Events, b: &Events| {
        a.iter().filter(|(id, event)| b.get(id) != Some(event)).count() as u64
    });
    let (lost, extra) = (differing(expected, &shown), differing(&shown, expected));
    client.ledger.lost += lost;
    client.ledger.wrong += extra;
    client.ledger.say(format!(
        "{bucket}: {lost} events are not as acknowledged, {extra} should not be there"
    ));
    secrets.events = shown;
    Ok(())
}
