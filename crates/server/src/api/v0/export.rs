//! `/api/0/export` and `/api/0/buckets/{bucket}/export`: everything, as one JSON file.
//!
//! The file is written from one snapshot by a blocking task, a piece at a time, so an export of any
//! size is consistent and holds well under a megabyte.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderValue, Response, Uri, header};
use timberline_model::json as model_json;
use timberline_views::{BucketView, Snapshot, TimeRange};

use super::events::{StreamError, write_stored};
use crate::api::as_of::snapshot;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::param::Param;
use crate::api::v0::schema;
use crate::app::App;
use crate::http::{ApiError, ChunkSender, StreamEnded, json, stream};

/// Export everything
///
/// All buckets with their events, as one file. The file shows the data at one moment.
#[utoipa::path(
    get,
    path = "/api/0/export",
    operation_id = "export_buckets",
    tag = "Export and import",
    params(AsOfParameter),
    responses((status = 200, description = "The file", body = schema::Export, headers(("Content-Disposition" = String, description = "The name of the file")))),
)]
pub(crate) async fn all(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let as_of = snapshot(&app, &uri).await?;
    Ok(as_of.mark(answer(Arc::clone(&as_of.snapshot), None)))
}

/// Export a bucket
#[utoipa::path(
    get,
    path = "/api/0/buckets/{bucket}/export",
    operation_id = "export_bucket",
    tag = "Export and import",
    params(("bucket" = String, Path, description = "The id of the bucket"), AsOfParameter),
    responses(
        (status = 200, description = "The file", body = schema::Export, headers(("Content-Disposition" = String, description = "The name of the file"))),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Param(bucket): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let as_of = snapshot(&app, &uri).await?;
    if as_of.snapshot.bucket(&bucket).is_none() {
        return Err(ApiError::NoSuchBucket(bucket));
    }
    Ok(as_of.mark(answer(Arc::clone(&as_of.snapshot), Some(bucket))))
}

fn answer(snapshot: Arc<Snapshot>, only: Option<String>) -> Response<Body> {
    let disposition = match &only {
        Some(_) => disposition("aw-bucket-export", only.as_deref(), "json"),
        None => disposition("aw-buckets-export", None, "json"),
    };
    let mut response = Response::new(stream(move |to| {
        let written = match &only {
            Some(id) => write(snapshot.bucket(id).into_iter(), to),
            None => write(snapshot.buckets(), to),
        };
        match written {
            Ok(()) => Ok(()),
            Err(StreamError::Ended(ended)) => Err(ended),
            Err(StreamError::Damaged(error)) => {
                to.break_off(&error);
                Err(StreamEnded)
            }
        }
    }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    response
}

/// The file name that a browser saves it under. An id may hold anything, a header may not.
pub(crate) fn disposition(stem: &str, bucket: Option<&str>, extension: &str) -> HeaderValue {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let mut name = stem.to_owned();
    if let Some(bucket) = bucket {
        name.push('_');
        name.extend(bucket.chars().take(200).map(plain));
    }
    HeaderValue::try_from(format!("attachment; filename={name}.{extension}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

fn write<'a>(buckets: impl Iterator<Item = &'a BucketView>, to: &ChunkSender) -> Result<(), StreamError> {
    let mut out = br#"{"buckets":{"#.to_vec();
    for (index, view) in buckets.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_string(&mut out, &view.bucket().id);
        out.extend_from_slice(b":{");
        model_json::write_bucket_fields(&mut out, view.bucket(), view.start(), view.end());
        out.extend_from_slice(br#","events":["#);
        for (index, event) in view.events(TimeRange::ALL)?.enumerate() {
            let event = event?;
            if index > 0 {
                out.push(b',');
            }
            write_stored(&mut out, &event, event.start(), event.duration());
            to.send_full(&mut out)?;
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"}}");
    Ok(to.send(out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_holds_nothing_that_a_header_cannot() {
        assert_eq!(
            disposition("aw-bucket-export", Some("aw-watcher\n\"x; ä"), "json"),
            "attachment; filename=aw-bucket-export_aw-watcher__x___.json"
        );
        assert_eq!(
            disposition("aw-buckets-export", None, "json"),
            "attachment; filename=aw-buckets-export.json"
        );
    }
}
