//! What only newer servers know. Each row is tried until a server says that it does not know it, and then left alone;
//! a new kind of request is a new row.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use timberline_model::Timestamp;

use crate::client::Client;
use crate::kept::{self, Kept};
use crate::ledger::{Event, Events, Pending};
use crate::secrets::{self, Secrets};

/// Whether the server knew what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

type Act = fn(&mut Client<'_>, &mut Own) -> io::Result<Known>;

const TABLE: [(&str, Act); 7] = [
    ("as_of", as_of),
    ("undo", undo),
    ("trash and restore", restore),
    ("purge", purge),
    ("import", import),
    ("purge and redact by pattern", purge_secrets),
    ("retention", keep),
];

/// What one client remembers for its extras.
#[derive(Debug, Default)]
pub(crate) struct Own {
    pub(crate) moment: Option<Moment>,
    pub(crate) kept: Kept,
    pub(crate) secrets: Secrets,
    /// Imported buckets that are still there, oldest first.
    imported: VecDeque<String>,
}

/// What a server was found not to know.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    unknown: [AtomicBool; TABLE.len()],
    done: [AtomicBool; TABLE.len()],
}

impl Extras {
    /// The names of those that were done at least once.
    pub(crate) fn done(&self) -> Vec<&'static str> {
        let done = TABLE
            .iter()
            .zip(&self.done)
            .filter(|(_, done)| done.load(Ordering::Relaxed));
        done.map(|((name, _), _)| *name).collect()
    }
}

impl Extras {
    /// Leaves out what compares instants of this program's clock with the server's: it would be wrong when the
    /// server's clock jumps.
    pub(crate) fn leave_out_instants(&self) {
        for ((name, _), unknown) in TABLE.iter().zip(&self.unknown) {
            unknown.store(*name == "as_of", Ordering::Relaxed);
        }
    }
}

/// Does one of them, by chance.
pub(crate) fn one(client: &mut Client<'_>, own: &mut Own, extras: &Extras) -> io::Result<()> {
    let at = client.random.below(TABLE.len() as u64) as usize;
    let (Some((_, act)), Some(unknown), Some(done)) =
        (TABLE.get(at), extras.unknown.get(at), extras.done.get(at))
    else {
        return Ok(());
    };
    if unknown.load(Ordering::Relaxed) {
        return Ok(());
    }
    match act(client, own)? {
        Known::Yes => done.store(true, Ordering::Relaxed),
        Known::No => unknown.store(true, Ordering::Relaxed),
    }
    Ok(())
}

/// What a bucket held at an instant, at which nothing was being written to it.
#[derive(Debug)]
pub(crate) struct Moment {
    instant: String,
    taken: Instant,
    bucket: String,
    events: Events,
}

/// Older than this, a moment may be beyond the history that is kept.
const MOMENT_AGE: Duration = Duration::from_secs(60);

/// Reads as of an instant that it remembers, and remembers another.
fn as_of(client: &mut Client<'_>, own: &mut Own) -> io::Result<Known> {
    let bucket = client.batch();
    let target = format!("/api/0/buckets/{bucket}/events?limit=1&as_of=nonsense");
    if client.request("GET", &target, None)?.is_success() {
        return Ok(Known::No);
    }
    if let Some(moment) = own
        .moment
        .take()
        .filter(|moment| moment.taken.elapsed() < MOMENT_AGE)
    {
        let target = format!("/api/0/buckets/{}/events?as_of={}", moment.bucket, moment.instant);
        let answer = client.request("GET", &target, None)?;
        let shown = Event::read_all(&answer.json());
        let shown: Option<Events> = shown.map(|events| events.into_iter().collect());
        if shown.as_ref() != Some(&moment.events) {
            let count = shown.map(|events| events.len());
            let expected = moment.events.len();
            let what = answer.excerpt();
            client.ledger.complain(format!(
                "{target}: {expected} events then, shown {count:?}: {what}"
            ));
        }
    }
    // The server's clock and this one are the same; a write begins after what was before has been answered.
    std::thread::sleep(Duration::from_millis(2));
    let instant = Timestamp::now().to_string();
    std::thread::sleep(Duration::from_millis(2));
    own.moment = Some(Moment {
        instant,
        taken: Instant::now(),
        events: client.ledger.events(&bucket).cloned().unwrap_or_default(),
        bucket,
    });
    Ok(Known::Yes)
}

/// Undoes a deletion that it finds in the trash.
fn undo(client: &mut Client<'_>, _: &mut Own) -> io::Result<Known> {
    if client.request("POST", "/api/1/undo", Some("{}"))?.status == 404 {
        return Ok(Known::No);
    }
    let Some(entry) = own_trash(client)? else {
        return Ok(Known::Yes);
    };
    let Some(seq) = entry["id"].as_u64() else {
        return Ok(Known::Yes);
    };
    bring_back(client, "/api/1/undo", Some(&format!("{{\"seq\":{seq}}}")))
}

fn restore(client: &mut Client<'_>, _: &mut Own) -> io::Result<Known> {
    if client.request("GET", "/api/1/trash", None)?.status == 404 {
        return Ok(Known::No);
    }
    let Some(id) = own_trash(client)?.as_ref().and_then(id_of) else {
        return Ok(Known::Yes);
    };
    bring_back(client, &format!("/api/1/trash/{id}/restore"), None)
}

/// Asks for something to come back, and sees that nothing else has changed.
fn bring_back(client: &mut Client<'_>, target: &str, body: Option<&str>) -> io::Result<Known> {
    let bucket = client.batch();
    client.ledger.pending = Some(Pending::Restore {
        bucket: bucket.clone(),
    });
    let answer = client.request("POST", target, body)?;
    if answer.is_success() {
        // Pending until it is known what came back: a kill may come before that.
        let shown = client.shown(&bucket)?.unwrap_or_default();
        client.ledger.pending = None;
        if !client.ledger.is_after_restore(&bucket, &shown) {
            client
                .ledger
                .complain(format!("{bucket} after POST {target}: {}", answer.excerpt()));
        }
        *client.ledger.events_mut(&bucket) = shown;
        return Ok(Known::Yes);
    }
    client.ledger.pending = None;
    if answer.status >= 500 {
        client
            .ledger
            .complain(format!("POST {target}: {}", answer.excerpt()));
    }
    Ok(Known::Yes)
}

/// Purges something of its own that it had deleted; then it must not come back.
fn purge(client: &mut Client<'_>, own: &mut Own) -> io::Result<Known> {
    if client.request("POST", "/api/1/purge", Some("{}"))?.status == 404 {
        return Ok(Known::No);
    }
    let Some(entry) = own_trash(client)? else {
        return Ok(Known::Yes);
    };
    let Some(id) = id_of(&entry).filter(|_| entry["what"] == "events") else {
        return Ok(Known::Yes);
    };
    let selection = json!({ "bucket": entry["bucket"], "events": entry["events"] }).to_string();
    let preview = client.request("POST", "/api/1/purge", Some(&selection))?.json();
    let token = json!({ "token": preview["token"] }).to_string();
    // What is purged is gone from the past as well.
    own.moment = None;
    let receipt = client.request("POST", "/api/1/purge", Some(&token))?;
    if receipt.is_success() {
        let target = format!("/api/1/trash/{id}/restore");
        let restored = client.request("POST", &target, None)?;
        if restored.is_success() {
            let told = restored.excerpt();
            client.ledger.complain(format!("{target} after a purge: {told}"));
        }
    } else if receipt.status >= 500 {
        client.ledger.complain(format!("purge: {}", receipt.excerpt()));
    }
    Ok(Known::Yes)
}

/// Events in an import.
const IMPORT_EVENTS: u64 = 60;
/// Imported buckets that stay.
const MAX_IMPORTED: usize = 4;

/// Imports a bucket. An import that is cut off may have stored a part of it; one that was answered is there, whole.
fn import(client: &mut Client<'_>, own: &mut Own) -> io::Result<Known> {
    let bucket = format!("soak-import-{}-{:x}", client.number(), client.random.next());
    let events: Vec<Event> = (0..IMPORT_EVENTS)
        .map(|n| Event {
            start: 1_709_251_200_000_000_000 + n.cast_signed() * 1_000_000_000,
            duration: 1_000_000_000,
            data: format!(r#"{{"n":{}}}"#, n % 7),
        })
        .collect();
    let texts: Vec<String> = events.iter().map(|event| event.body(None)).collect();
    let body = format!(
        r#"{{"buckets":{{"{bucket}":{{"id":"{bucket}","type":"soak","client":"soak","hostname":"soak","created":"2024-03-01T00:00:00Z","events":[{}]}}}}}}"#,
        texts.join(",")
    );
    let answer = client.request("POST", "/api/0/import", Some(&body))?;
    if !answer.is_success() {
        client.ledger.complain(format!("an import: {}", answer.excerpt()));
        return Ok(Known::Yes);
    }
    client.ledger.acknowledged += 1;
    let shown = client.shown(&bucket)?.unwrap_or_default();
    let (mut there, mut sent): (Vec<&Event>, Vec<&Event>) =
        (shown.values().collect(), events.iter().collect());
    there.sort();
    sent.sort();
    if there != sent {
        let (has, count) = (there.len(), sent.len());
        client.ledger.complain(format!(
            "{bucket}: {count} events were imported, {has} are there or differ"
        ));
    }
    *client.ledger.events_mut(&bucket) = shown;
    own.imported.push_back(bucket);
    if own.imported.len() > MAX_IMPORTED
        && let Some(oldest) = own.imported.pop_front()
    {
        client.drop_bucket(&oldest)?;
    }
    Ok(Known::Yes)
}

fn purge_secrets(client: &mut Client<'_>, own: &mut Own) -> io::Result<Known> {
    secrets::one(client, &mut own.secrets).map(|()| Known::Yes)
}

fn keep(client: &mut Client<'_>, own: &mut Own) -> io::Result<Known> {
    kept::insert(client, &mut own.kept).map(|()| Known::Yes)
}

/// Something in the trash that this client has deleted from its batch bucket.
fn own_trash(client: &mut Client<'_>) -> io::Result<Option<Value>> {
    let name = format!("\"{}\"", client.batch());
    let answer = client.request("GET", "/api/1/trash", None)?;
    let trash = answer.json();
    // A list, or an object with one in it.
    let entries = trash
        .as_array()
        .or_else(|| trash.as_object()?.values().find_map(Value::as_array));
    let own: Vec<&Value> = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.to_string().contains(&name))
        .collect();
    Ok(client.random.pick(own.into_iter()).cloned())
}

fn id_of(entry: &Value) -> Option<String> {
    ["id", "seq"].into_iter().find_map(|name| match &entry[name] {
        Value::Null => None,
        Value::String(id) => Some(id.clone()),
        id => Some(id.to_string()),
    })
}
