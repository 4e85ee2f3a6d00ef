//! Browser extensions: they record, and read nothing that they did not make.
//!
//! Every Firefox add-on sends an origin that begins with `moz-extension://`, whoever wrote it, so the
//! origin says nothing about whom the user trusts. On a server without credentials, such an origin may do
//! what aw-watcher-web does: create a bucket, send heartbeats, read `/api/0/info`, and see the buckets that
//! it created. An entry in `cors` gives an extension everything; on a server with credentials, these decide.
//!
//! A bucket has its creator in its data ([`CREATOR_KEY`]), so that the creator is known after a restart.

use http::{HeaderValue, Method};

/// The member of a bucket's data that holds the origin of the extension that created it.
pub(crate) const CREATOR_KEY: &str = "origin";

/// In a request's extensions: it came from the browser extension of this origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FromExtension(pub(crate) String);

impl FromExtension {
    pub(super) fn new(origin: &HeaderValue) -> Self {
        Self(String::from_utf8_lossy(origin.as_bytes()).into_owned())
    }
}

/// Whether an extension may send this request. The routes decide the rest: which buckets are its own.
pub(super) fn permits(method: &Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/0/") else {
        return false;
    };
    let reads = method == Method::GET || method == Method::HEAD;
    let posts = method == Method::POST;
    let mut segments = rest.strip_suffix('/').unwrap_or(rest).split('/');
    match (segments.next(), segments.next(), segments.next(), segments.next()) {
        (Some("info"), None, ..) => reads,
        // Posting to the list itself does nothing, but clients ask in advance whether they may.
        (Some("buckets"), None, ..) | (Some("buckets"), Some(_), None, _) => reads || posts,
        (Some("buckets"), Some(_), Some("heartbeat"), None) => posts,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_may_send_what_the_watcher_sends() {
        for (method, path) in [
            (Method::GET, "/api/0/info"),
            (Method::GET, "/api/0/buckets/"),
            (Method::GET, "/api/0/buckets/aw-watcher-web-firefox_h"),
            (Method::POST, "/api/0/buckets/aw-watcher-web-firefox_h"),
            (Method::POST, "/api/0/buckets/aw-watcher-web-firefox_h/heartbeat"),
            (Method::POST, "/api/0/buckets/aw-watcher-web-firefox_h/heartbeat/"),
        ] {
            assert!(permits(&method, path), "{method} {path}");
        }
    }

    #[test]
    fn it_may_send_nothing_else() {
        for (method, path) in [
            (Method::DELETE, "/api/0/buckets/x"),
            (Method::PUT, "/api/0/buckets/x"),
            (Method::GET, "/api/0/buckets/x/events"),
            (Method::POST, "/api/0/buckets/x/events"),
            (Method::GET, "/api/0/buckets/x/events/count"),
            (Method::GET, "/api/0/buckets/x/events/1"),
            (Method::DELETE, "/api/0/buckets/x/events/1"),
            (Method::POST, "/api/0/buckets/x/events/1"),
            (Method::GET, "/api/0/buckets/x/export"),
            (Method::GET, "/api/0/export"),
            (Method::POST, "/api/0/import"),
            (Method::POST, "/api/0/query"),
            (Method::GET, "/api/0/settings"),
            (Method::POST, "/api/0/settings/x"),
            (Method::GET, "/api/0/log"),
            (Method::GET, "/api/1/log"),
            (Method::GET, "/api/1/trash"),
            (Method::POST, "/api/1/undo"),
            (Method::POST, "/api/1/purge"),
            (Method::POST, "/api/1/redact"),
            (Method::GET, "/metrics"),
            (Method::GET, "/pages/x/"),
            (Method::POST, "/api/0/buckets/x/heartbeat/more"),
        ] {
            assert!(!permits(&method, path), "{method} {path}");
        }
    }
}
