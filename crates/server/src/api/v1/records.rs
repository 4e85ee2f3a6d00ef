//! `GET /api/1/log`: what was done, newest first, to choose from what is to be undone.
//!
//! Heartbeats are left out unless asked for: they are nearly all there is, and undo does not take them back. A log may
//! have any number of records, so one answer looks at a stretch of it, and says where to go on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};
use serde_json::{Value, json};
use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_views::record::{Record, RecordKind};
use timberline_views::{BucketKey, HistoryError, Snapshot};

use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Query, json_answer, run_blocking};
use crate::service::record_json::line;

/// The default number of records in an answer, and the maximum.
const LIMIT: (usize, usize) = (100, 1_000);
/// Records that one answer looks at: a second's work.
const MAX_LOOKED_AT: u64 = 1_000_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    from: Seq,
    to: Seq,
    limit: usize,
    kind: Option<RecordKind>,
}

impl Wanted {
    fn of(uri: &Uri, newest: Seq) -> Result<Wanted, ApiError> {
        let query = Query::of(uri);
        let number = |name: &str| -> Result<Option<u64>, ApiError> {
            let Some(text) = query.get(name)? else {
                return Ok(None);
            };
            text.parse().map(Some).map_err(|_| {
                ApiError::Malformed(format!("{name}: '{text}' is not a whole number, such as 100"))
            })
        };
        let kind = match query.get("kind")? {
            None => None,
            Some(text) => Some(kind(&text)?),
        };
        let limit = number("limit")?.map_or(LIMIT.0, |n| usize::try_from(n).unwrap_or(LIMIT.1));
        Ok(Wanted {
            from: number("from")?.map_or(Seq::FIRST, Seq).max(Seq::FIRST),
            to: number("to")?.map_or(newest, Seq).min(newest),
            limit: limit.clamp(1, LIMIT.1),
            kind,
        })
    }

    fn includes(&self, kind: u8) -> bool {
        let kind = RecordKind::from_number(kind);
        match self.kind {
            None => !kind.is_some_and(RecordKind::is_of_heartbeats),
            wanted => kind == wanted,
        }
    }

    /// The oldest record that is looked at.
    fn low(&self) -> Seq {
        let low = self.to.get().saturating_sub(MAX_LOOKED_AT - 1);
        self.from.max(Seq(low))
    }
}

pub(crate) fn kind(text: &str) -> Result<RecordKind, ApiError> {
    RecordKind::from_name(text).ok_or_else(|| {
        let names = RecordKind::ALL.map(RecordKind::name).join(", ");
        ApiError::Malformed(format!("kind: '{text}' is none of {names}"))
    })
}

/// List records of the log
///
/// The changes, the newest first. Heartbeats are left out unless `kind=heartbeat` asks for them. One answer looks at no
/// more than a million records; `next` says where to continue.
#[utoipa::path(
    get,
    path = "/api/1/log",
    operation_id = "list_records",
    tag = "History",
    params(
        ("from" = Option<u64>, Query, description = "The oldest record"),
        ("to" = Option<u64>, Query, description = "The newest record"),
        ("limit" = Option<u64>, Query, description = "The most records, at most 1,000; by default 100"),
        ("kind" = Option<schema::RecordKindName>, Query, description = "Only records of this kind"),
    ),
    responses((status = 200, description = "The records", body = schema::Records)),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let snapshot = app.store.snapshot();
    let wanted = Wanted::of(&uri, snapshot.seq())?;
    let listed = run_blocking(move |cancel| -> Result<_, HistoryError> {
        let (kept_from, _) = app.store.history_from()?;
        let mut listed = read(&app.store.log()?, &snapshot, &wanted, cancel)?;
        listed["history_from"] = json!(kept_from.get());
        Ok(listed)
    });
    Ok(json_answer(listed.await?.to_string().into_bytes()))
}

/// Looks at the records of a stretch twice: at their kinds, to find where the newest that are wanted begin, and at what
/// those say. So no more is decoded than is lines.
fn read(
    log: &LogReader,
    snapshot: &Snapshot,
    wanted: &Wanted,
    cancel: &Cancel,
) -> Result<Value, HistoryError> {
    let low = wanted.low();
    let mut seqs: VecDeque<Seq> = VecDeque::new();
    let mut more = false;
    each(log, low, wanted, cancel, |record| {
        if seqs.len() == wanted.limit {
            seqs.pop_front();
            more = true;
        }
        seqs.push_back(record.seq);
    })?;
    let names = names(snapshot);
    let mut lines = VecDeque::new();
    if let Some(oldest) = seqs.front() {
        each(log, *oldest, wanted, cancel, |record| {
            if lines.len() == wanted.limit {
                lines.pop_back();
            }
            let key = Record::bucket_of(record.kind, record.payload).ok().flatten();
            let bucket = key.and_then(|key| names.get(&key)).copied();
            lines.push_front(line(record, bucket));
        })?;
    }
    let next = match seqs.front() {
        Some(oldest) if more => Some(oldest.prev()),
        _ => (low > wanted.from).then(|| low.prev()),
    };
    let next = next.filter(|next| *next >= wanted.from).map(Seq::get);
    Ok(json!({ "records": lines, "next": next }))
}

/// Shows the wanted records from one on. Damage is passed over: what it held is not known.
fn each(
    log: &LogReader,
    from: Seq,
    wanted: &Wanted,
    cancel: &Cancel,
    mut see: impl FnMut(&timberline_log::Record<'_>),
) -> Result<(), HistoryError> {
    let (mut records, mut looked) = (log.read_from(from)?, 0u64);
    while let Some(record) = records.next() {
        looked += 1;
        if looked.is_multiple_of(4096) {
            cancel.check()?;
        }
        let Ok(record) = record else { continue };
        if record.seq > wanted.to {
            break;
        }
        if wanted.includes(record.kind) {
            see(&record);
        }
    }
    Ok(())
}

/// The ids of the buckets that are there or in the trash; those of purged ones are gone.
fn names(snapshot: &Snapshot) -> HashMap<BucketKey, &str> {
    let deleted = snapshot.trashed().map(timberline_views::Trashed::view);
    let all = deleted.chain(snapshot.buckets());
    all.map(|view| (view.key(), view.bucket().id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Result<Wanted, ApiError> {
        Wanted::of(&format!("/?{query}").parse().unwrap(), Seq(5_000_000))
    }

    #[test]
    fn one_answer_looks_at_a_bounded_stretch() {
        assert_eq!(wanted("").unwrap().low(), Seq(4_000_001));
        assert_eq!(wanted("to=1500000&from=7").unwrap().low(), Seq(500_001));
        assert_eq!(wanted("to=10&from=7").unwrap().low(), Seq(7));
        assert_eq!(wanted("from=0&to=0").unwrap().low(), Seq::FIRST);
        assert_eq!(wanted("limit=99999999999999999").unwrap().limit, LIMIT.1);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for query in ["from=x", "to=-1", "limit=1.5", "kind=event"] {
            let error = wanted(query).unwrap_err();
            assert_eq!(error.status(), 400, "{query}");
            let name = query.split('=').next().unwrap();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
