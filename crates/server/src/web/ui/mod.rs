//! Timberline's own web UI, which is part of the program: at `/`, unless the standard one is served there, and always at
//! `/timberline/`.
//!
//! | file | what it does |
//! |---|---|
//! | `choice` | which web UI is at `/`, and the switch |
//! | `encoding` | which form of a file a client takes |

pub(crate) mod choice;
mod encoding;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use timberline_webui::File;

use self::encoding::Encoding;
use super::files::media_type;

/// Where it always is.
pub(crate) const PATH: &str = "/timberline/";

/// What its pages may do: load their own files, and ask this server. No script or style in a page, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The build puts a hash of their content into the names of these files.
const HASHED: &str = "assets/";

/// Whether this program has it.
pub(crate) fn is_built() -> bool {
    !timberline_webui::FILES.is_empty()
}

/// A file of it, by its path without the slash at its beginning; none for what it does not have.
pub(crate) fn answer(path: &str, method: &Method, asked: &HeaderMap) -> Option<Response<Body>> {
    let path = if path.is_empty() { "index.html" } else { path };
    let file = timberline_webui::find(path)?;
    Some(respond(file, *method == Method::HEAD, asked))
}

fn respond(file: &'static File, head_only: bool, asked: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    // Weak, because it is the same for all forms of the file.
    let etag = format!("W/\"{}\"", file.tag);
    if let Ok(value) = HeaderValue::try_from(&etag) {
        headers.insert(header::ETAG, value);
    }
    let caching = match file.path.starts_with(HASHED) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    protect(headers);
    if is_known(asked, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, media_type::of(file.path.as_ref()));
    let (encoding, bytes) = encoding::choose(file, asked);
    if encoding != Encoding::Plain {
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(encoding.name()),
        );
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if !head_only {
        *response.body_mut() = Body::from(bytes);
    }
    response
}

/// Headers that say what the page may do, and what others may do with it.
pub(crate) fn protect(headers: &mut HeaderMap) {
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(opener, HeaderValue::from_static("same-origin"));
}

/// Whether the client has this very file.
fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let tag = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    known.is_some_and(|known| {
        known
            .split(',')
            .map(tag)
            .any(|known| known == "*" || known == tag(etag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCRIPT: File = File {
        path: "assets/index-abc.js",
        tag: "0123",
        plain: b"let x = 1;",
        brotli: Some(b"br"),
        gzip: Some(b"gzip"),
    };
    static PAGE: File = File {
        path: "index.html",
        tag: "4567",
        plain: b"<!doctype html>",
        brotli: None,
        gzip: None,
    };

    fn ask(file: &'static File, name: HeaderName, value: &'static str) -> Response<Body> {
        let mut asked = HeaderMap::new();
        asked.insert(name, HeaderValue::from_static(value));
        respond(file, false, &asked)
    }

    fn text(response: &Response<Body>, name: HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn a_file_with_a_hash_is_kept_for_ever_and_the_page_is_asked_about() {
        let script = ask(&SCRIPT, header::ACCEPT_ENCODING, "br");
        assert_eq!(
            text(&script, header::CACHE_CONTROL),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(
            text(&script, header::CONTENT_TYPE),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(text(&script, header::CONTENT_ENCODING), "br");
        assert_eq!(text(&script, header::CONTENT_LENGTH), "2");
        let page = ask(&PAGE, header::ACCEPT_ENCODING, "br, gzip");
        assert_eq!(text(&page, header::CACHE_CONTROL), "no-cache");
        assert_eq!(text(&page, header::CONTENT_ENCODING), "");
        assert_eq!(text(&page, header::VARY), "accept-encoding");
    }

    #[test]
    fn the_policy_allows_nothing_from_elsewhere_and_nothing_inline() {
        let page = ask(&PAGE, header::ACCEPT, "*/*");
        let policy = text(&page, header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(text(&page, header::REFERRER_POLICY), "no-referrer");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let first = ask(&PAGE, header::ACCEPT, "*/*");
        assert_eq!(text(&first, header::ETAG), "W/\"4567\"");
        for known in ["W/\"4567\"", "\"4567\"", "\"x\", W/\"4567\"", "*"] {
            assert_eq!(ask(&PAGE, header::IF_NONE_MATCH, known).status(), 304, "{known}");
        }
        assert_eq!(ask(&PAGE, header::IF_NONE_MATCH, "\"0123\"").status(), 200);
    }
}
