//! Who may ask: a request is looked at here before anything of it is carried out.
//!
//! A browser carries any web page's requests to a server on this machine. Two headers, which a page
//! cannot forge, keep foreign pages out: `Host` (a page that had its own name point to 127.0.0.1
//! still sends its own name: DNS rebinding) and `Origin` (who the page is: CORS). Both rules are the
//! reference server's; where they differ, the file says so.

mod host;
mod origin;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request};

use super::ApiError;
use crate::config::Settings;

use host::HostRule;
use origin::OriginRule;

/// Both rules, made once from the settings.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: HostRule,
    origins: OriginRule,
}

/// What the guard says about a request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Carry it out. The origin, if the request had an accepted one, belongs in the answer.
    Pass(Option<HeaderValue>),
    /// It was a preflight, or may not be carried out: this is the answer.
    Answer(Box<Response<()>>),
    /// It may not be carried out.
    Refuse(ApiError),
}

impl Guard {
    /// # Errors
    /// When one of the configured expressions is not one.
    pub(crate) fn new(
        settings: &Settings,
        port: u16,
        hostname: &str,
    ) -> Result<Self, crate::config::ConfigError> {
        Ok(Self {
            hosts: HostRule::new(settings, hostname),
            origins: OriginRule::new(settings, port)?,
        })
    }

    /// Looks at a request's head.
    pub(crate) fn check(&self, head: &request::Parts) -> Verdict {
        let host = head.headers.get(HOST);
        if let Err(error) = self.hosts.check(host) {
            return Verdict::Refuse(error);
        }
        let Some(origin) = head.headers.get(ORIGIN) else {
            if head.method == Method::OPTIONS {
                return Verdict::Answer(Box::new(Response::new(())));
            }
            return Verdict::Pass(None);
        };
        let allowed = self.origins.allows(origin, host);
        if head.method == Method::OPTIONS {
            return preflight(allowed, origin, &head.headers);
        }
        if allowed {
            return Verdict::Pass(Some(origin.clone()));
        }
        // Files of the web UI hold nothing private, and without our header a foreign page cannot
        // read them anyway; refusing them only breaks the UI behind a proxy, whose modules are
        // fetched with an Origin.
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        if reads && !is_guarded(head.uri.path()) {
            return Verdict::Pass(None);
        }
        Verdict::Refuse(ApiError::ForeignOrigin(
            String::from_utf8_lossy(origin.as_bytes()).into_owned(),
        ))
    }
}

/// Paths whose answers are private.
fn is_guarded(path: &str) -> bool {
    path.starts_with("/api") || path.starts_with("/pages")
}

/// Answers a preflight: what the browser asks before it lets a page send the real request.
fn preflight(allowed: bool, origin: &HeaderValue, headers: &HeaderMap) -> Verdict {
    if !allowed {
        return Verdict::Refuse(ApiError::ForeignOrigin(
            String::from_utf8_lossy(origin.as_bytes()).into_owned(),
        ));
    }
    if !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return Verdict::Refuse(ApiError::Malformed(
            "A preflight request must have the header Access-Control-Request-Method".to_owned(),
        ));
    }
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::OK;
    let out = response.headers_mut();
    allow_origin(out, origin.clone());
    out.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    );
    out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    // Every header may be sent: none of them means anything here that the origin check did not
    // settle already.
    if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    Verdict::Answer(Box::new(response))
}

/// Lets the page at `origin` read the answer.
pub(crate) fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("origin"));
}
