//! The body of an import, from the socket into the spool, looked at on the way.
//!
//! The socket belongs to an async task, looking is work for a blocking one; between them is a channel
//! with a few pieces in it, so a slow reader slows the sender down instead of filling memory.

use std::io::{self, Read};
use std::path::PathBuf;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::mpsc;

use super::multipart::Multipart;
use super::{Layout, Spool, layout};
use crate::http::{ApiError, json, pieces};

/// Pieces (of some ten to some hundred KiB) on their way.
const PIECES_IN_FLIGHT: usize = 8;
/// Names of the form field that holds the file; the web UI sends the first.
pub(super) const FIELDS: [&str; 2] = ["buckets.json", "buckets"];

/// How the file is wrapped.
#[derive(Debug, PartialEq)]
pub(super) enum Form {
    /// The body is the file.
    Json,
    /// It is a field of a form with this boundary.
    Multipart(String),
}

impl Form {
    /// # Errors
    /// When the content type is neither.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
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
pub(super) async fn receive(
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
    looking
        .await
        .map_err(|error| ApiError::Internal(format!("Reading the import broke off: {error}")))?
}

fn look(pieces: Pieces, form: Form, mut spool: Spool) -> Result<(Spool, Layout), ApiError> {
    let layout = match form {
        Form::Json => layout::read(Tee {
            source: pieces,
            spool: &mut spool,
        }),
        Form::Multipart(boundary) => layout::read(Tee {
            source: Multipart::open(pieces, &boundary, &FIELDS).map_err(|e| super::read_error(&e))?,
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
