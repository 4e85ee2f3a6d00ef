//! What a delivery says.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use timberline_log::Seq;

use super::definition::{Trigger, Webhook};
use super::send::Delivery;
use super::silence::Silent;
use super::usage::Spent;
use crate::service::live::Message;

/// The body of a delivery of records.
#[derive(Serialize)]
struct Records<'a> {
    delivery: &'a str,
    webhook: &'a str,
    name: &'a str,
    on: &'a str,
    from: u64,
    to: u64,
    records: Vec<&'a RawValue>,
    gaps: Vec<&'a RawValue>,
}

/// Records and gaps from one record to another.
pub(super) fn records(hook: &Webhook, id: &str, from: Seq, to: Seq, messages: &[Message]) -> Delivery {
    let of = |event: &str| {
        let messages = messages.iter().filter(|message| message.event == event);
        messages
            // Messages are JSON.
            .filter_map(|message| serde_json::from_str(&message.data).ok())
            .collect()
    };
    let body = Records {
        delivery: id,
        webhook: &hook.id,
        name: &hook.definition.name,
        on: "records",
        from: from.get(),
        to: to.get(),
        records: of("record"),
        gaps: of("gap"),
    };
    Delivery {
        id: id.to_owned(),
        // Texts and numbers can always be written.
        body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()),
    }
}

/// Buckets that have become silent.
pub(super) fn silence(hook: &Webhook, id: &str, seconds: u64, silent: &[Silent]) -> Value {
    let silent: Vec<Value> = silent
        .iter()
        .map(|silent| {
            json!({
                "bucket": silent.bucket,
                "seconds": seconds,
                "last_event": silent.last_event.map(|time| time.to_string()),
            })
        })
        .collect();
    with_head(hook, id, "silence", &json!({ "silent": silent }))
}

/// So much time was spent on a category today.
pub(super) fn usage(hook: &Webhook, id: &str, trigger: &Trigger, spent: &Spent) -> Value {
    // The trigger is JSON, and has what is to be said: the category and the time.
    let mut rest = serde_json::to_value(trigger).unwrap_or_default();
    rest["day"] = json!(spent.day);
    rest["duration"] = json!(spent.nanos as f64 / 1e9);
    with_head(hook, id, "usage", &rest)
}

/// A delivery that only shows that deliveries arrive.
pub(super) fn test(hook: &Webhook, id: &str) -> Delivery {
    whole(id, &with_head(hook, id, "test", &json!({})))
}

/// A delivery of a body that was made before.
pub(super) fn whole(id: &str, body: &Value) -> Delivery {
    Delivery {
        id: id.to_owned(),
        body: Bytes::from(body.to_string()),
    }
}

fn with_head(hook: &Webhook, id: &str, on: &str, rest: &Value) -> Value {
    let mut body = json!({
        "delivery": id,
        "webhook": hook.id,
        "name": hook.definition.name,
        "on": on,
    });
    for (key, value) in rest.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    body
}
