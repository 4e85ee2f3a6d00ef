//! A file as an answer (RFC 9110): whole, a range of it, or "you have it already".

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::media_type;
use super::rebase::Kind;
use crate::http::{ApiError, ChunkSender, StreamEnded, stream};
use crate::settings::BasePath;

/// Files up to this size are read at once.
const WHOLE_BYTES: u64 = 128 << 10;
const CHUNK_BYTES: usize = 64 << 10;
/// Pages and style sheets up to this size are put below a base path.
const REBASED_BYTES: u64 = 4 << 20;
/// 9999-12-31T23:59:59Z, the last second that a date of HTTP can express.
const LAST_DATE: u64 = 253_402_300_799;

pub(super) struct Request {
    pub(super) headers: HeaderMap,
    pub(super) head_only: bool,
    pub(super) base: BasePath,
}

/// What a client keeps to ask whether a file is still the same.
struct Validators {
    /// Weak: the same file may go out compressed.
    etag: String,
    /// HTTP dates have whole seconds.
    modified: Option<SystemTime>,
}

/// # Errors
/// 404 when it cannot be opened.
pub(super) fn send(path: &Path, request: &Request) -> Result<Response<Body>, ApiError> {
    // Looked at before it is opened: to open a pipe means to wait for who writes to it.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(ApiError::NoSuchRoute);
    }
    let mut file = File::open(path).map_err(|_| ApiError::NoSuchRoute)?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    let size = metadata.len();
    if let Some(kind) = Kind::of(path).filter(|_| !request.base.as_str().is_empty() && size <= REBASED_BYTES)
    {
        return send_rebased(file, kind, &metadata, request).map_err(|error| unreadable(path, &error));
    }
    let validators = Validators::of(&metadata);
    let mut response = Response::new(Body::empty());
    validators.write(response.headers_mut());
    if validators.match_request(&request.headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type::of(path));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let range = match validators.range(&request.headers, size) {
        Wanted::Whole => 0..size,
        Wanted::Part(range) => {
            let (first, last) = (range.start, range.end.saturating_sub(1));
            insert(
                headers,
                header::CONTENT_RANGE,
                format!("bytes {first}-{last}/{size}"),
            );
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            range
        }
        Wanted::Nothing => {
            insert(headers, header::CONTENT_RANGE, format!("bytes */{size}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    let length = range.end - range.start;
    insert(response.headers_mut(), header::CONTENT_LENGTH, length.to_string());
    if !request.head_only {
        file.seek(SeekFrom::Start(range.start))
            .map_err(|error| unreadable(path, &error))?;
        *response.body_mut() = body(file, length).map_err(|error| unreadable(path, &error))?;
    }
    Ok(response)
}

/// A page or style sheet with its addresses below the base path: whole, because it is rewritten.
fn send_rebased(
    mut file: File,
    kind: Kind,
    metadata: &std::fs::Metadata,
    request: &Request,
) -> io::Result<Response<Body>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = kind.rebase(&String::from_utf8_lossy(&bytes), &request.base);
    let validators = Validators::of(metadata).below(&request.base);
    let mut response = Response::new(Body::empty());
    validators.write(response.headers_mut());
    if validators.match_request(&request.headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind.media_type());
    insert(headers, header::CONTENT_LENGTH, text.len().to_string());
    if !request.head_only {
        *response.body_mut() = Body::from(text);
    }
    Ok(response)
}

fn body(file: File, length: u64) -> io::Result<Body> {
    let mut content = file.take(length);
    if length > WHOLE_BYTES {
        return Ok(stream(move |to| pour(&mut content, to)));
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    Ok(Body::from(bytes))
}

fn pour(content: &mut io::Take<File>, to: &ChunkSender) -> Result<(), StreamEnded> {
    while content.limit() > 0 {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        match content.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk) {
            Ok(0) => {
                to.break_off(&"the file became shorter while it was sent");
                return Ok(());
            }
            Ok(_) => to.send(chunk)?,
            Err(error) => {
                to.break_off(&error);
                return Ok(());
            }
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> ApiError {
    ApiError::Internal(format!("cannot read {}: {error}", path.display()))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    // Digits and punctuation: always a header value.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// What part of a file is asked for.
#[derive(Debug, PartialEq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    /// A range that lies beyond the file.
    Nothing,
}

impl Validators {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self::new(metadata.len(), metadata.modified().ok())
    }

    /// A file may carry any time. One that a date of HTTP cannot express is left out, and the tag still tells the
    /// versions of the file apart.
    fn new(size: u64, modified: Option<SystemTime>) -> Self {
        let since_epoch = modified.map(|time| time.duration_since(UNIX_EPOCH));
        let tag = match &since_epoch {
            Some(Ok(since)) => format!("{:x}", since.as_nanos()),
            Some(Err(before)) => format!("-{:x}", before.duration().as_nanos()),
            None => "0".to_owned(),
        };
        let seconds = since_epoch.and_then(Result::ok).map(|since| since.as_secs());
        Self {
            etag: format!("W/\"{size:x}-{tag}\""),
            modified: seconds
                .filter(|seconds| *seconds <= LAST_DATE)
                .map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    /// Those of the same file below a base path. Its date says nothing about the base path, so it is left out.
    fn below(mut self, base: &BasePath) -> Self {
        let tag = self.etag.trim_end_matches('"');
        self.etag = format!("{tag}-{base}\"");
        self.modified = None;
        self
    }

    fn write(&self, headers: &mut HeaderMap) {
        insert(headers, header::ETAG, self.etag.clone());
        if let Some(modified) = self.modified {
            insert(headers, header::LAST_MODIFIED, httpdate::fmt_http_date(modified));
        }
        // Kept, but asked about each time: a new version of the UI shows at once, and on one machine
        // asking costs nothing.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }

    /// Whether the client has this very file.
    fn match_request(&self, headers: &HeaderMap) -> bool {
        if let Some(known) = text(headers, header::IF_NONE_MATCH) {
            return known
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag.trim_start_matches("W/"));
        }
        let since =
            text(headers, header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
        matches!((self.modified, since), (Some(modified), Some(since)) if modified <= since)
    }

    fn range(&self, headers: &HeaderMap, size: u64) -> Wanted {
        let Some(range) = text(headers, header::RANGE) else {
            return Wanted::Whole;
        };
        // A range of a file that has changed since is of no use.
        if let Some(condition) = text(headers, header::IF_RANGE) {
            let date = httpdate::parse_http_date(condition).ok();
            if date.is_none() || date != self.modified {
                return Wanted::Whole;
            }
        }
        one_range(range, size)
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A single range. Several, or what cannot be read, is as good as none: the whole file is an answer to
/// any of them.
fn one_range(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Wanted::Whole;
    };
    let range = match (first.trim().parse::<u64>(), last.trim()) {
        (Ok(first), "") => first..size,
        (Ok(first), last) => match last.parse::<u64>() {
            Ok(last) if last >= first => first..last.saturating_add(1).min(size),
            _ => return Wanted::Whole,
        },
        (Err(_), last) if first.trim().is_empty() => match last.parse::<u64>() {
            Ok(count) => size.saturating_sub(count)..size,
            Err(_) => return Wanted::Whole,
        },
        _ => return Wanted::Whole,
    };
    if range.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(HeaderName, &str)]) -> Request {
        Request {
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), HeaderValue::try_from(*value).unwrap()))
                .collect(),
            head_only: false,
            base: BasePath::default(),
        }
    }

    fn ask(headers: &[(HeaderName, &str)]) -> Response<Body> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.js");
        std::fs::write(&path, "0123456789").unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
        send(&path, &request(headers)).unwrap()
    }

    #[test]
    fn a_range_is_what_the_header_says() {
        for (range, wanted) in [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=5-100", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=x", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("bytes=0-18446744073709551615", Wanted::Part(0..10)),
        ] {
            assert_eq!(one_range(range, 10), wanted, "{range}");
        }
    }

    #[test]
    fn the_type_and_length_are_told() {
        let response = ask(&[]);
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "10");
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let error = send(&path, &request(&[])).unwrap_err();
        assert_eq!(error.status(), 404);
    }

    #[test]
    fn part_of_a_file_says_which() {
        let response = ask(&[(header::RANGE, "bytes=2-4")]);
        assert_eq!(response.status(), 206);
        assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes 2-4/10");
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "3");
        assert_eq!(ask(&[(header::RANGE, "bytes=99-")]).status(), 416);
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let first = ask(&[]);
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let date = first.headers()[header::LAST_MODIFIED]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(ask(&[(header::IF_NONE_MATCH, &etag)]).status(), 304);
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "\"x\", *")]).status(), 304);
        assert_eq!(ask(&[(header::IF_MODIFIED_SINCE, &date)]).status(), 304);
        let other = [
            (header::IF_NONE_MATCH, "\"other\""),
            (header::IF_MODIFIED_SINCE, &date),
        ];
        assert_eq!(ask(&other).status(), 200);
    }

    #[test]
    fn a_file_may_carry_any_time() {
        let at = |seconds: u64| Validators::new(10, UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let before = |seconds: u64| Validators::new(10, UNIX_EPOCH.checked_sub(Duration::from_secs(seconds)));
        let mut tags = Vec::new();
        for (validators, date) in [
            (before(1), None),
            (before(2), None),
            (before(u64::MAX >> 1), None),
            (at(0), Some("Thu, 01 Jan 1970 00:00:00 GMT")),
            (at(1 << 32), Some("Sun, 07 Feb 2106 06:28:16 GMT")),
            (at(LAST_DATE), Some("Fri, 31 Dec 9999 23:59:59 GMT")),
            (at(LAST_DATE + 1), None),
            (at(u64::MAX >> 1), None),
        ] {
            let mut headers = HeaderMap::new();
            validators.write(&mut headers);
            let sent = headers.get(header::LAST_MODIFIED);
            assert_eq!(sent.map(|date| date.to_str().unwrap()), date);
            let tag = validators.etag.clone();
            assert!(HeaderValue::try_from(&tag).is_ok(), "{tag}");
            assert!(!tags.contains(&tag), "{tag}");
            tags.push(tag);
        }
    }

    #[test]
    fn a_range_of_a_changed_file_is_the_whole_file() {
        let date = "Wed, 01 Jan 2020 00:00:00 GMT";
        let changed = [(header::RANGE, "bytes=0-1"), (header::IF_RANGE, date)];
        assert_eq!(ask(&changed).status(), 200);
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let same = [(header::RANGE, "bytes=0-1"), (header::IF_RANGE, date.as_str())];
        assert_eq!(ask(&same).status(), 206);
    }
}
