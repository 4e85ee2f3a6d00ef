//! `POST /api/1/heartbeats`: many heartbeats for many buckets, an answer for each, one write.

use std::io::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Request, Response, header, request};
use timberline_model::json as model_json;
use timberline_views::{Again, BatchOutcome, BeatAnswer, HeartbeatBatch, Receipt, Refusal};

use crate::access::Granted;
use crate::api::openapi::Error;
use crate::api::v0::heartbeat::only_records;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Echo, Query, collect, in_place, json, json_answer, parse_mended, pass_over};
use crate::service::heartbeats::{Judged, Read};

/// So many heartbeats may be in one request: their records fit a log segment, and their answers in memory.
const MAX_HEARTBEATS: usize = 10_000;
/// The longest name of a request.
const MAX_BATCH_ID: usize = 128;
/// Bytes of one answer, about.
const TYPICAL_ANSWER: usize = 80;

/// Which answers a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    All,
    /// Of those that were not stored, each with its place in the list.
    Errors,
    None,
}

/// How to answer a request.
struct Reply<'a> {
    batch: Option<&'a str>,
    wanted: Answers,
    /// The sender may only record: it gets back what it sent, and learns nothing about what is stored.
    echo: bool,
    read: &'a [Read<'a>],
}

/// What became of a request.
struct Taken {
    /// `None`: it was carried out before, and what became of each heartbeat is not known any more.
    answers: Option<Vec<BeatAnswer>>,
    receipt: Receipt,
    repeated: bool,
}

/// Send many heartbeats
///
/// Heartbeats for any number of buckets, in one write. The result is the same as if they were sent one by one. With a `batch` id,
/// the same request is carried out once, however often it is sent. The body may also have one heartbeat a line, as `application/x-ndjson`;
/// then `batch` and `answers` are parameters.
#[utoipa::path(
    post,
    path = "/api/1/heartbeats",
    operation_id = "heartbeats",
    tag = "Events",
    params(
        ("batch" = Option<schema::BatchId>, Query, description = "The client's name for the request, if the body has none"),
        ("answers" = Option<schema::AnswersWanted>, Query, description = "Which answers to give, if the body does not say it"),
    ),
    request_body(content((schema::Heartbeats = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "The result for each heartbeat", body = schema::HeartbeatsTaken),
        (status = 409, description = "The batch id was used for other heartbeats; these are not stored", body = Error),
    ),
)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (head, body) = request.into_parts();
    let lines = is_lines(&head.headers);
    if !lines && !json::is_json(head.headers.get(header::CONTENT_TYPE)) {
        pass_over(&head.headers, body).await;
        return Err(ApiError::WrongContentType);
    }
    let body = collect(body, &app.bodies).await?;
    let mut mended = Vec::new();
    let parse = match lines {
        true => model_json::parse_heartbeat_lines,
        false => model_json::parse_heartbeats,
    };
    let parsed = in_place(body.len(), || parse_mended(&body, &mut mended, parse))?;
    if parsed.heartbeats.len() > MAX_HEARTBEATS {
        return Err(ApiError::TooLarge(format!(
            "One request may have {MAX_HEARTBEATS} heartbeats, not {}: send them in several",
            parsed.heartbeats.len()
        )));
    }
    let query = Query::of(&head.uri);
    let batch = match parsed.batch {
        Some(id) => Some(id),
        None => query.get("batch")?.map(|id| id.into_owned()),
    };
    let wanted = match parsed.answers {
        Some(text) => Some(text),
        None => query.get("answers")?.map(|text| text.into_owned()),
    };
    let reply = Reply {
        batch: batch.as_deref().map(batch_id).transpose()?,
        wanted: wanted.as_deref().map_or(Ok(Answers::All), answers)?,
        echo: only_records(&head),
        read: &parsed.heartbeats,
    };
    let taken = take(&app, &head, &reply, body.len()).await?;
    app.settle(taken.receipt).await?;
    Ok(json_answer(reply.write(&taken)))
}

/// Carries a request out, or finds what became of it when it was.
async fn take(app: &App, head: &request::Parts, reply: &Reply<'_>, bytes: usize) -> Result<Taken, ApiError> {
    let granted = head.extensions.get::<Granted>();
    let judged = {
        let snapshot = app.store.snapshot();
        let filters = app.privacy.filters(&snapshot);
        in_place(bytes, || Judged::new(reply.read, granted, &filters, &snapshot))
    };
    let (buckets, sent) = (judged.buckets(), judged.sent());
    let batch = HeartbeatBatch {
        client: granted.map_or("", Granted::name),
        id: reply.batch,
        digest: judged.digest,
        buckets: &buckets,
        sent: &sent,
    };
    let outcome = app
        .hold
        .write(bytes, || in_place(bytes, || app.store.heartbeats(&batch)))
        .await?;
    match outcome {
        BatchOutcome::Done(answers, receipt) => Ok(Taken {
            answers: Some(answers),
            receipt,
            repeated: false,
        }),
        BatchOutcome::Known(receipt) => {
            let again = tokio::task::block_in_place(|| app.store.heartbeats_again(receipt.seq, &batch))?;
            let answers = match again {
                Again::Answers(answers) => Some(answers),
                Again::Unknown => None,
                Again::Another => return Err(reused(reply.batch.unwrap_or_default())),
            };
            Ok(Taken {
                answers,
                receipt,
                repeated: true,
            })
        }
    }
}

fn reused(id: &str) -> ApiError {
    ApiError::Conflict {
        message: format!(
            "The batch '{id}' was sent before, with other heartbeats. These are not stored: send them under an id that \
             was never used, such as a random UUID"
        ),
        conflicts: Vec::new(),
    }
}

/// Whether the body is one heartbeat a line.
fn is_lines(headers: &HeaderMap) -> bool {
    const TYPES: [&[u8]; 3] = [
        b"application/x-ndjson",
        b"application/ndjson",
        b"application/jsonl",
    ];
    let value = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    let essence = value.and_then(|value| value.split(|byte| *byte == b';').next());
    let essence = essence.unwrap_or_default().trim_ascii();
    TYPES.iter().any(|name| essence.eq_ignore_ascii_case(name))
}

fn batch_id(id: &str) -> Result<&str, ApiError> {
    if (1..=MAX_BATCH_ID).contains(&id.len()) && !id.chars().any(char::is_control) {
        return Ok(id);
    }
    Err(ApiError::Unfit(format!(
        "batch: expected 1 to {MAX_BATCH_ID} bytes without control characters, such as a UUID, not '{}'",
        Echo(id)
    )))
}

fn answers(text: &str) -> Result<Answers, ApiError> {
    match text {
        "all" => Ok(Answers::All),
        "errors" => Ok(Answers::Errors),
        "none" => Ok(Answers::None),
        other => Err(ApiError::Unfit(format!(
            "answers: expected all, errors or none, not '{}'",
            Echo(other)
        ))),
    }
}

impl Reply<'_> {
    fn write(&self, taken: &Taken) -> Vec<u8> {
        let all = taken.answers.as_deref().unwrap_or_default();
        let stored = all.iter().filter(|answer| self.shows_stored(answer)).count();
        let room = match self.wanted {
            Answers::All => all.len() * TYPICAL_ANSWER,
            Answers::Errors | Answers::None => 0,
        };
        let mut out = Vec::with_capacity(room + 128);
        out.extend_from_slice(b"{\"batch\":");
        match self.batch {
            Some(id) => model_json::write_string(&mut out, id),
            None => out.extend_from_slice(b"null"),
        }
        // Writing to a vector cannot fail.
        let _ = write!(out, ",\"repeated\":{}", taken.repeated);
        if taken.answers.is_some() {
            let _ = write!(out, ",\"stored\":{stored},\"refused\":{}", all.len() - stored);
        }
        if !self.echo {
            let _ = write!(out, ",\"seq\":{}", taken.receipt.seq);
        }
        match (&taken.answers, self.wanted) {
            (_, Answers::None) => {}
            (None, _) => out.extend_from_slice(b",\"answers\":null"),
            (Some(_), _) => self.write_answers(all, &mut out),
        }
        out.push(b'}');
        out
    }

    /// Whether the client is to believe that a heartbeat was stored: who may only record does not learn what is filtered.
    fn shows_stored(&self, answer: &BeatAnswer) -> bool {
        match answer {
            BeatAnswer::Stored { .. } => true,
            BeatAnswer::Refused(Refusal::Filtered) => self.echo,
            BeatAnswer::Refused(_) => false,
        }
    }

    fn write_answers(&self, all: &[BeatAnswer], out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"answers\":[");
        let mut first = true;
        for (index, (answer, read)) in all.iter().zip(self.read).enumerate() {
            let shown = self.shows_stored(answer);
            if shown && self.wanted == Answers::Errors {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            match (answer, read) {
                (_, Ok(read)) if shown && self.echo => {
                    write_times(out, None, read.heartbeat.start, read.heartbeat.duration);
                }
                (BeatAnswer::Stored { id, start, duration }, _) => {
                    write_times(out, Some(*id), *start, *duration)
                }
                (BeatAnswer::Refused(refusal), read) => self.write_refusal(out, index, *refusal, read),
            }
        }
        out.push(b']');
    }

    fn write_refusal(&self, out: &mut Vec<u8>, index: usize, refusal: Refusal, read: &Read<'_>) {
        out.push(b'{');
        if self.wanted == Answers::Errors {
            let _ = write!(out, "\"index\":{index},");
        }
        let bucket = read.as_ref().map(|read| &*read.bucket).unwrap_or_default();
        let (kind, message) = match (refusal, read) {
            (Refusal::Unreadable, Err(error)) => ("not readable", error.to_string()),
            (Refusal::Unreadable, Ok(_)) => ("not readable", "It could not be read".to_owned()),
            (Refusal::NoSuchBucket, _) => (
                "no such bucket",
                ApiError::NoSuchBucket(bucket.to_owned()).to_string(),
            ),
            (Refusal::Filtered, _) => ("filtered", "A privacy filter drops it".to_owned()),
            (Refusal::NotAllowed, _) => (
                "not in the scope of the token",
                format!("The token is not for bucket '{}' (docs/access.md)", Echo(bucket)),
            ),
        };
        let _ = write!(out, "\"error\":{{\"type\":\"{kind}\",\"message\":");
        model_json::write_string(out, &message);
        out.extend_from_slice(b"}}");
    }
}

/// The event that a heartbeat is part of, without its data.
fn write_times(
    out: &mut Vec<u8>,
    id: Option<timberline_model::EventId>,
    start: timberline_model::Timestamp,
    duration: timberline_model::Duration,
) {
    match id {
        Some(id) => {
            let _ = write!(out, "{{\"id\":{id},\"timestamp\":\"");
        }
        None => out.extend_from_slice(b"{\"timestamp\":\""),
    }
    start.write(out);
    out.extend_from_slice(b"\",\"duration\":");
    duration.write(out);
    out.push(b'}');
}
