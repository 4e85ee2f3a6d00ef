//! `GET /api/1/export`: history in one of several formats. `POST /api/1/export`: the same for the result of a query.
//!
//! The answer is streamed from one snapshot. A database is made in a file without a name first, because its first page is
//! only known when it is complete.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use serde::Deserialize;
use timberline_cancel::Cancel;
use timberline_model::Timestamp;
use timberline_query::Query as EngineQuery;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::access::Granted;
use crate::api::as_of::{AsOf, as_of, snapshot};
use crate::api::openapi::Error;
use crate::api::openapi::parameters::{AsOfParameter, TimeRangeParameters};
use crate::api::v0::events::time_range;
use crate::api::v0::export::disposition;
use crate::api::v0::query::{Request as QueryRequest, run};
use crate::api::v0::schema as v0_schema;
use crate::api::v1::schema::FormatName;
use crate::app::App;
use crate::http::answer::CHUNK_BYTES;
use crate::http::{ApiError, ChunkSender, Query, StreamEnded, collect_json, run_blocking, stream};
use crate::service::export::{Content, ExportError, Exporter, Format, HistoryContent, ResultContent};

/// Databases are made one at a time: each may need as much space as the whole history.
static DATABASE: Semaphore = Semaphore::const_new(1);

/// How the answer is written.
struct Wanted {
    format: Format,
    fields: Vec<String>,
    /// The end of the file's name.
    name: Option<String>,
    now: Timestamp,
}

impl Wanted {
    fn new(
        app: &App,
        format: Option<&str>,
        headers: &HeaderMap,
        fields: Vec<String>,
    ) -> Result<Wanted, ApiError> {
        let format = match (format, headers.get(header::ACCEPT)) {
            (Some(name), _) => name
                .parse()
                .map_err(|error| ApiError::Malformed(format!("format: {error}")))?,
            (None, None) => Format::Json,
            (None, Some(accept)) => {
                let accept = accept.to_str().unwrap_or_default();
                Format::accepted(accept).ok_or(ApiError::NotAcceptable)?
            }
        };
        Exporter::check(format, &fields)?;
        if format == Format::Sqlite && app.started.opened.encrypted() {
            return Err(ApiError::Unfit(
                "The data are encrypted, and a database needs a temporary file that is not: export at \
                 the command line, which reads the data itself"
                    .to_owned(),
            ));
        }
        Ok(Wanted {
            format,
            fields,
            name: None,
            now: app.store.now(),
        })
    }

    fn exporter<'a>(&self, cancel: &'a Cancel) -> Exporter<'a> {
        Exporter {
            fields: self.fields.clone(),
            now: self.now,
            cancel,
            progress: &|_| {},
        }
    }

    fn response(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(self.format.media_type());
        headers.insert(header::CONTENT_TYPE, media_type);
        let name = disposition("timberline-export", self.name.as_deref(), self.format.extension());
        headers.insert(header::CONTENT_DISPOSITION, name);
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        response
    }
}

/// Export history in one of several formats
///
/// The parameter `format` selects the format, or else the header `Accept`. The default is `json`. A token with
/// `--bucket` gets the buckets that it is for.
#[utoipa::path(
    get,
    path = "/api/1/export",
    operation_id = "export_history",
    tag = "Export and import",
    params(
        ("format" = Option<FormatName>, Query, description = "The format"),
        ("fields" = Option<String>, Query, description = "For tables: the fields of the data that become columns, separated by commas"),
        ("bucket" = Option<Vec<String>>, Query, description = "Only these buckets; `*` stands for any text"),
        TimeRangeParameters,
        AsOfParameter,
    ),
    responses(
        (
            status = 200,
            description = "The file",
            content(
                (v0_schema::Export = "application/json"),
                (String = "application/x-ndjson"),
                (String = "text/csv; charset=utf-8"),
                (String = "text/calendar; charset=utf-8"),
                (Vec<u8> = "application/vnd.sqlite3"),
                (Vec<u8> = "application/vnd.apache.parquet"),
            ),
            headers(("Content-Disposition" = String, description = "The name of the file")),
        ),
        (status = 404, description = "A bucket that is named does not exist", body = Error),
        (status = 406, description = "There is no format that the header `Accept` allows", body = Error),
        (status = 422, description = "The format does not fit what is asked for", body = Error),
    ),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let query = Query::of(&uri);
    let fields = query
        .get("fields")?
        .map(|list| list_of(&list))
        .unwrap_or_default();
    let mut wanted = Wanted::new(&app, query.get("format")?.as_deref(), &headers, fields)?;
    let patterns: Vec<String> = query.get_all("bucket")?;
    let range = time_range(query)?;
    let state = snapshot(&app, &uri).await?;
    let may_see = |id: &str| granted.as_ref().is_none_or(|granted| granted.covers(id));
    let content = HistoryContent::select(Arc::clone(&state.snapshot), &patterns, range, may_see)?;
    wanted.name = content.only_bucket().map(str::to_owned);
    // A token for some buckets does not open the settings, even if there are no other buckets.
    let content = match granted {
        Some(_) => content.without_settings(),
        None => content,
    };
    answer(&app, wanted, content, &state).await
}

/// The body of `POST /api/0/query`, and how to export its result.
#[derive(Deserialize, ToSchema)]
#[schema(as = ExportRequest)]
pub(crate) struct Request {
    #[serde(flatten)]
    query: QueryRequest,
    #[schema(value_type = Option<FormatName>)]
    format: Option<String>,
    /// For tables: the fields of the data that become columns.
    #[serde(default)]
    fields: Vec<String>,
}

/// Export the result of a query
///
/// The body is that of a query (`POST /api/0/query`), and `format` and `fields` as for an export of history.
#[utoipa::path(
    post,
    path = "/api/1/export",
    operation_id = "export_query",
    tag = "Export and import",
    params(("name" = Option<String>, Query, description = "A name for the log"), AsOfParameter),
    request_body = Request,
    responses(
        (
            status = 200,
            description = "The file",
            content(
                (v0_schema::Export = "application/json"),
                (String = "application/x-ndjson"),
                (String = "text/csv; charset=utf-8"),
                (String = "text/calendar; charset=utf-8"),
                (Vec<u8> = "application/vnd.sqlite3"),
                (Vec<u8> = "application/vnd.apache.parquet"),
            ),
            headers(("Content-Disposition" = String, description = "The name of the file")),
        ),
        (status = 406, description = "There is no format that the header `Accept` allows", body = Error),
        (status = 422, description = "The body is no query, the query takes more than the limit, or its result is no list of events", body = Error),
    ),
)]
pub(crate) async fn query(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let name = Query::of(&uri).get("name")?.unwrap_or_default().into_owned();
    let (wanted, mut query, moment) = {
        let body = collect_json(&headers, body, &app.bodies).await?;
        let mut request: Request = QueryRequest::parse_as(&body)?;
        let wanted = Wanted::new(&app, request.format.as_deref(), &headers, request.fields)?;
        let moment = request.query.take_as_of();
        (wanted, request.query.into_query(name)?, moment)
    };
    let state = match moment {
        Some(moment) => as_of(&app, &moment).await?,
        None => snapshot(&app, &uri).await?,
    };
    query.past = state.past;
    let content = result_of(&app, &state, query, wanted.now).await?;
    answer(&app, wanted, content, &state).await
}

async fn result_of(
    app: &Arc<App>,
    state: &AsOf,
    query: EngineQuery,
    now: Timestamp,
) -> Result<ResultContent, ApiError> {
    let answer = run(app, &state.snapshot, query).await?;
    app.warned.log(answer.warnings());
    let hostname = app.identity.hostname.clone();
    run_blocking(move |_| ResultContent::new(&answer.to_json(), &hostname, now)).await
}

async fn answer<C: Content + Send + Sync + 'static>(
    app: &Arc<App>,
    wanted: Wanted,
    content: C,
    state: &AsOf,
) -> Result<Response<Body>, ApiError> {
    if wanted.format == Format::Sqlite {
        return Ok(state.mark(database(app, wanted, content).await?));
    }
    let response = wanted.response(Body::empty());
    let body = stream(move |to| {
        let cancel = Cancel::new();
        let mut out = Chunks::new(to);
        let written = wanted
            .exporter(&cancel)
            .stream(&content, wanted.format, &mut out)
            .map(drop)
            .and_then(|()| out.flush().map_err(broken));
        ended(to, written, out.is_closed)
    });
    Ok(state.mark(response.map(|_| body)))
}

fn broken(source: io::Error) -> ExportError {
    ExportError::Write(timberline_exchange::Error::Io {
        op: "write",
        path: "the export".into(),
        source,
    })
}

/// Breaks the answer off if the export failed and somebody still waits for it.
fn ended(to: &ChunkSender, written: Result<(), ExportError>, is_closed: bool) -> Result<(), StreamEnded> {
    match written {
        Ok(()) => Ok(()),
        Err(_) if is_closed => Err(StreamEnded),
        Err(error) => {
            to.break_off(&error);
            Err(StreamEnded)
        }
    }
}

/// Makes the whole database before the answer begins, so that a full disk is an error that the client understands.
async fn database<C: Content + Send + Sync + 'static>(
    app: &Arc<App>,
    wanted: Wanted,
    content: C,
) -> Result<Response<Body>, ApiError> {
    let turn = DATABASE
        .acquire()
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    let dir = app.settings.data_dir.clone();
    let (wanted, file) = run_blocking(move |cancel| {
        let scratch = tempfile::Builder::new()
            .prefix(".timberline-export-")
            .tempdir_in(dir)
            .map_err(broken)?;
        let path = scratch.path().join("export.db");
        let file = wanted.exporter(cancel).unnamed_database(&content, &path)?;
        Ok::<_, ExportError>((wanted, file))
    })
    .await?;
    let length = file
        .metadata()
        .map_err(|error| ApiError::from(broken(error)))?
        .len();
    let mut response = wanted.response(stream(move |to| {
        let sent = send(file, to);
        drop(turn);
        sent
    }));
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

fn send(mut file: File, to: &ChunkSender) -> Result<(), StreamEnded> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        match Read::by_ref(&mut file)
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut chunk)
        {
            Ok(0) => return Ok(()),
            Ok(_) => to.send(chunk)?,
            Err(error) => {
                to.break_off(&error);
                return Err(StreamEnded);
            }
        }
    }
}

/// `a,b,c` as a list.
fn list_of(text: &str) -> Vec<String> {
    text.split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Writes into the pieces of a stream.
struct Chunks<'a> {
    to: &'a ChunkSender,
    buffer: Vec<u8>,
    /// Whether the client has gone.
    is_closed: bool,
}

impl<'a> Chunks<'a> {
    fn new(to: &'a ChunkSender) -> Chunks<'a> {
        Chunks {
            to,
            buffer: Vec::new(),
            is_closed: false,
        }
    }

    fn sent(&mut self, sent: Result<(), StreamEnded>) -> io::Result<()> {
        self.is_closed = sent.is_err();
        sent.map_err(|ended| io::Error::new(io::ErrorKind::BrokenPipe, ended))
    }
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        let sent = self.to.send_full(&mut self.buffer);
        self.sent(sent)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.buffer);
        let sent = self.to.send(rest);
        self.sent(sent)
    }
}
