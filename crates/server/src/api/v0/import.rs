//! `POST /api/0/import`: the body, from the socket into the spool, looked at on the way; then it is stored.
//!
//! The socket belongs to an async task, looking is work for a blocking one. Between them is a channel
//! with a few pieces in it, so a slow reader slows the sender down instead of filling memory.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Response, Uri, header};
use tokio::sync::mpsc;

use crate::api::v0::schema;
use crate::app::App;
use crate::http::{ApiError, Query, json, json_answer, pass_over, pieces};
use crate::service::import::{
    FORM_FIELDS, ImportError, Layout, MEMORY_BYTES, Multipart, Spool, read_layout, replay,
};

/// Pieces (of some ten to some hundred KiB) on their way.
const PIECES_IN_FLIGHT: usize = 8;

/// Import a file
///
/// An export of this server or of an ActivityWatch server. Missing buckets are created. Events that are already stored
/// are left out, so the same file can be imported again.
#[utoipa::path(
    post,
    path = "/api/0/import",
    operation_id = "import_buckets",
    tag = "Export and import",
    params(("by_bucket" = Option<String>, Query, description = "`true`: the answer also says what happened to each bucket")),
    request_body(content((schema::ImportFile = "application/json"), (schema::ImportForm = "multipart/form-data"))),
    responses((status = 200, description = "What was imported", body = schema::ImportOutcome)),
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let by_bucket = Query::of(&uri)
        .get("by_bucket")?
        .is_some_and(|value| value == "true");
    let form = match Form::of(&headers) {
        Ok(form) => form,
        Err(error) => {
            pass_over(&headers, body).await;
            return Err(error);
        }
    };
    // A client that sends slowly holds up no other import: what waits in memory is bounded by the pool of bodies.
    let announced = announced(&headers);
    let _share = app.bodies.reserve(in_memory(announced)).await;
    let (spool, layout) = receive(body, form, app.settings.data_dir.clone(), announced).await?;
    let _turn = app
        .importing
        .acquire()
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    let replaying = {
        let app = Arc::clone(&app);
        tokio::task::spawn_blocking(move || replay(&app, &Arc::new(spool), layout))
    };
    let (outcome, receipt) = replaying
        .await
        .map_err(|error| ApiError::Internal(format!("The import broke off: {error}")))??;
    if let Some(receipt) = receipt {
        app.settle(receipt).await?;
    }
    outcome.log();
    Ok(json_answer(outcome.to_json(by_bucket)))
}

/// The bytes of the body, if the client says how many there are.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// What the spool of such a body may hold in memory.
fn in_memory(announced: Option<u64>) -> u64 {
    announced.unwrap_or(u64::MAX).min(MEMORY_BYTES as u64)
}

/// How the file is wrapped.
#[derive(Debug, PartialEq)]
enum Form {
    /// The body is the file.
    Json,
    /// It is a field of a form with this boundary.
    Multipart(String),
}

impl Form {
    /// # Errors
    /// When the content type is neither.
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let content_type = headers.get(header::CONTENT_TYPE);
        if json::is_json(content_type) {
            return Ok(Self::Json);
        }
        content_type
            .and_then(boundary)
            .map(Self::Multipart)
            .ok_or(ApiError::WrongContentType)
    }
}

fn boundary(content_type: &HeaderValue) -> Option<String> {
    let text = content_type.to_str().ok()?;
    let (essence, parameters) = text.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let fits = name.trim().eq_ignore_ascii_case("boundary") && (1..=70).contains(&value.len());
        fits.then(|| value.to_owned())
    })
}

/// Reads `body` to its end. What comes back is complete and correct JSON with known buckets.
///
/// # Errors
/// When the body breaks off, is wrong, or cannot be kept in `dir`.
async fn receive(
    body: Body,
    form: Form,
    dir: PathBuf,
    announced: Option<u64>,
) -> Result<(Spool, Layout), ApiError> {
    let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
    let spool = Spool::new(dir, announced);
    let looking = tokio::task::spawn_blocking(move || look(Pieces::new(receiver), form, spool));
    pieces(body, |piece| {
        let sender = &sender;
        // A closed channel means that enough was seen to refuse it.
        async move { sender.send(piece).await.is_ok() }
    })
    .await;
    drop(sender);
    let looked = looking
        .await
        .map_err(|error| ApiError::Internal(format!("Reading the import broke off: {error}")))?;
    Ok(looked?)
}

fn look(pieces: Pieces, form: Form, mut spool: Spool) -> Result<(Spool, Layout), ImportError> {
    let layout = match form {
        Form::Json => read_layout(Tee {
            source: pieces,
            spool: &mut spool,
        }),
        Form::Multipart(boundary) => read_layout(Tee {
            source: Multipart::open(pieces, &boundary, &FORM_FIELDS).map_err(ImportError::Read)?,
            spool: &mut spool,
        }),
    }?;
    Ok((spool, layout))
}

/// The body as a blocking reader.
struct Pieces {
    receiver: mpsc::Receiver<Result<Bytes, String>>,
    piece: Bytes,
}

impl Pieces {
    fn new(receiver: mpsc::Receiver<Result<Bytes, String>>) -> Self {
        Self {
            receiver,
            piece: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, error));
                }
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(buffer.split_at_mut(count).0);
        Ok(count)
    }
}

/// Keeps what is read.
struct Tee<'a, R> {
    source: R,
    spool: &'a mut Spool,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.spool.write(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(content_type: &'static str) -> Option<Form> {
        let value = HeaderValue::from_static(content_type);
        Form::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)])).ok()
    }

    #[test]
    fn json_and_forms_are_told_apart() {
        assert_eq!(form("application/json"), Some(Form::Json));
        let multipart = Some(Form::Multipart("a b".to_owned()));
        assert_eq!(form("multipart/form-data; boundary=\"a b\""), multipart);
        assert_eq!(form("Multipart/Form-Data; charset=x; Boundary=a b"), multipart);
        assert_eq!(form("multipart/form-data"), None);
        assert_eq!(form("multipart/form-data; boundary="), None);
        assert_eq!(form("text/plain"), None);
    }
}
