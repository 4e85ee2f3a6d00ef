//! A plan as an export of ActivityWatch: what `GET /api/0/export` would answer, without ids.

use std::io::{self, Write};

use timberline_model::json;

use crate::plan::Plan;

/// Writes an export.
///
/// # Errors
/// When it cannot be written.
pub fn write_export(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let mut buffer = Vec::new();
    buffer.extend_from_slice(b"{\"buckets\":{");
    // An export has one bucket after the other, a plan one day after the other. To invent all of it again for each bucket
    // takes less than to keep it.
    for (number, bucket) in plan.buckets().iter().enumerate() {
        if number > 0 {
            buffer.push(b',');
        }
        json::write_string(&mut buffer, &bucket.id);
        for (name, text) in [
            (":{\"id\":", bucket.id.as_str()),
            (",\"type\":", bucket.type_),
            (",\"client\":", bucket.client),
            (",\"hostname\":", bucket.hostname),
            (",\"created\":", &plan.period().0.to_string()),
        ] {
            buffer.extend_from_slice(name.as_bytes());
            json::write_string(&mut buffer, text);
        }
        buffer.extend_from_slice(b",\"data\":");
        buffer.extend_from_slice(bucket.data.as_str().as_bytes());
        buffer.extend_from_slice(b",\"events\":[");
        let mut comma = false;
        for batch in plan.batches().filter(|batch| batch.bucket == number) {
            for event in &batch.events {
                buffer.extend_from_slice(if comma { b",\n" } else { b"\n" });
                comma = true;
                json::write_event_without_id(&mut buffer, event.start, event.duration, &event.data);
            }
            out.write_all(&buffer)?;
            buffer.clear();
        }
        buffer.extend_from_slice(b"]}");
    }
    buffer.extend_from_slice(b"}}\n");
    out.write_all(&buffer)?;
    out.flush()
}
