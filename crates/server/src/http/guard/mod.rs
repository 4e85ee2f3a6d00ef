//! Who may ask: a request is looked at here before anything of it is carried out.
//!
//! A browser carries any web page's requests to a server on this machine. Headers that a page cannot
//! forge keep foreign pages out: `Host` (a page that had its own name point to 127.0.0.1 still sends
//! its own name: DNS rebinding), `Origin` (who the page is: CORS) and `Sec-Fetch-Site` (where the page
//! is, if it sends no origin). The rules are the reference server's; where they differ, the file says so.

pub(crate) mod extension;
mod host;
mod origin;
mod site;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request};

use super::ApiError;
use crate::access::is_open;
use crate::http::forwarded::ForwardedHost;
use crate::settings::Settings;

use extension::FromExtension;
use host::{HostRule, Name};
use origin::{OriginRule, Trust};

/// Whether a server could work with the settings that say which web pages may use it.
///
/// # Errors
/// When one of the regular expressions is not one.
pub(crate) fn check_settings(
    settings: &Settings,
    hostname: &str,
) -> Result<(), crate::settings::SettingError> {
    Guard::new(settings, settings.network.port, hostname).map(drop)
}

/// The rules, made once from the settings.
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
    /// Carry it out for a browser extension of this origin, which may not do everything.
    PassExtension(HeaderValue),
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
    ) -> Result<Self, crate::settings::SettingError> {
        Ok(Self {
            hosts: HostRule::new(settings, hostname),
            origins: OriginRule::new(settings, port)?,
        })
    }

    /// Looks at a request's head. Its path must be normalised already. `keyed` says that its credentials are checked
    /// afterwards: they decide then what a browser extension may do.
    pub(crate) fn check(&self, head: &request::Parts, keyed: bool) -> Verdict {
        let own_host = match self.own_host(head) {
            Ok(host) => host,
            Err(error) => return Verdict::Refuse(error),
        };
        let path = head.uri.path();
        let Some(origin) = head.headers.get(ORIGIN) else {
            if site::is_foreign(&head.method, &head.headers, is_guarded(path)) {
                return Verdict::Refuse(ApiError::CrossSite);
            }
            if head.method == Method::OPTIONS {
                return Verdict::Answer(Box::new(Response::new(())));
            }
            return Verdict::Pass(None);
        };
        // Of several, a proxy may have checked another one.
        if head.headers.get_all(ORIGIN).iter().nth(1).is_some() {
            return Verdict::Refuse(ApiError::ForeignOrigin(text(origin)));
        }
        let own = own_host.map(|host| (host, head.extensions.get().copied()));
        let trust = self.origins.trust(origin, own, keyed);
        if head.method == Method::OPTIONS {
            return preflight(trust, origin, head, keyed);
        }
        // Files of the web UI hold nothing private, and without our header a foreign page cannot
        // read them anyway; refusing them only breaks the UI behind a proxy, whose modules are
        // fetched with an Origin.
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        let public = reads && !is_guarded(path);
        match trust {
            Trust::Full => Verdict::Pass(Some(origin.clone())),
            Trust::Extension if keyed && !is_open(path) => Verdict::Pass(Some(origin.clone())),
            Trust::Extension if extension::permits(&head.method, path) => {
                Verdict::PassExtension(origin.clone())
            }
            _ if public && !site::is_foreign(&head.method, &head.headers, false) => Verdict::Pass(None),
            Trust::Extension => Verdict::Refuse(ApiError::ExtensionRefused(text(origin))),
            Trust::Foreign => Verdict::Refuse(ApiError::ForeignOrigin(text(origin))),
        }
    }
}

impl Guard {
    /// The name by which the client asked, if it is ours for certain. Behind a proxy, the proxy's `Host` is checked too.
    ///
    /// # Errors
    /// When one of the names is another server's.
    fn own_host<'a>(&self, head: &'a request::Parts) -> Result<Option<&'a HeaderValue>, ApiError> {
        let name = self.hosts.check(&head.headers)?;
        let Some(ForwardedHost(forwarded)) = head.extensions.get() else {
            return Ok(head.headers.get(HOST).filter(|_| name == Name::Own));
        };
        let own = self.hosts.check_forwarded(forwarded, &head.headers)? == Name::Own && name == Name::Own;
        Ok(own.then_some(forwarded))
    }
}

/// Paths whose answers are private.
fn is_guarded(path: &str) -> bool {
    ["/api", "/mcp", "/pages", "/metrics"]
        .iter()
        .any(|private| path.starts_with(private))
}

fn text(origin: &HeaderValue) -> String {
    String::from_utf8_lossy(origin.as_bytes()).into_owned()
}

/// Answers a preflight: what the browser asks before it lets a page send the real request.
fn preflight(trust: Trust, origin: &HeaderValue, head: &request::Parts, keyed: bool) -> Verdict {
    if trust == Trust::Foreign {
        return Verdict::Refuse(ApiError::ForeignOrigin(text(origin)));
    }
    let Some(asked_method) = head.headers.get(ACCESS_CONTROL_REQUEST_METHOD) else {
        return Verdict::Refuse(ApiError::Malformed(
            "A preflight request must have the header Access-Control-Request-Method".to_owned(),
        ));
    };
    let methods = if trust == Trust::Full || (keyed && !is_open(head.uri.path())) {
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    } else {
        let permitted = Method::from_bytes(asked_method.as_bytes())
            .is_ok_and(|method| extension::permits(&method, head.uri.path()));
        if !permitted {
            return Verdict::Refuse(ApiError::ExtensionRefused(text(origin)));
        }
        "GET, HEAD, POST, OPTIONS"
    };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::OK;
    let out = response.headers_mut();
    allow_origin(out, origin.clone());
    out.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    // Every header may be sent: none of them means anything here that the origin check did not
    // settle already.
    if let Some(asked) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    Verdict::Answer(Box::new(response))
}

/// Lets the page at `origin` read the answer. Never with credentials: there are no cookies, and a page that
/// asks for them is refused by its browser.
pub(crate) fn allow_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Marks a request as an extension's, for the routes.
pub(crate) fn mark(head: &mut request::Parts, origin: &HeaderValue) {
    head.extensions.insert(FromExtension::new(origin));
}

#[cfg(test)]
mod tests;
