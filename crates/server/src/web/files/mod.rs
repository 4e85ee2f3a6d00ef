//! Files: the standard web UI at `/`, custom visualizations at `/pages/NAME/`.
//!
//! | file | what it does |
//! |---|---|
//! | `site` | a directory, and the way from a URL to a file in it, never out of it |
//! | `send` | a file as an answer: conditional, in ranges, streamed |
//! | `rebase` | pages that were built for `/`, below a base path |
//! | `media_type` | what a file's name says about its content |

pub(super) mod media_type;
mod rebase;
mod send;
mod site;
pub(crate) mod sites;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::app::App;
use crate::http::{ApiError, pass_over};
use crate::settings::BasePath;
use crate::settings::WebUi;
use crate::web::{status_page, ui};

use site::Found;

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if head.method != Method::GET && head.method != Method::HEAD {
        pass_over(&head.headers, body).await;
        return Err(ApiError::WrongMethod(head.method));
    }
    let base = &app.settings.network.base_path;
    // The base path itself, without its slash.
    if path == base.as_str() {
        return redirect(&http::Uri::default(), base, head.uri.query());
    }
    if path == status_page::PATH {
        return status_page::get(&app).await;
    }
    if path == ui::PATH.trim_end_matches('/') {
        return redirect(&head.uri, base, head.uri.query());
    }
    if let Some(rest) = own(&app, path) {
        return match ui::answer(rest, &head.method, &head.headers) {
            Some(response) => Ok(response),
            None if rest.is_empty() => status_page::get(&app).await,
            None => Err(ApiError::NoSuchRoute),
        };
    }
    if !base.as_str().is_empty() && path == rebase::SCRIPT_PATH {
        return Ok(rebase::script(base));
    }
    let found = match app.sites.of(path)? {
        // `/pages/NAME` is the directory itself, asked for without its slash.
        Some((_, "")) if !path.ends_with('/') => Found::Directory,
        Some((site, rest)) => {
            let site = site.clone();
            let rest = rest.to_owned();
            blocking(move || site.find(&rest)).await??
        }
        None => return Err(ApiError::NoSuchRoute),
    };
    match found {
        Found::File(path) => {
            let request = send::Request {
                head_only: head.method == Method::HEAD,
                headers: head.headers,
                base: base.clone(),
            };
            blocking(move || send::send(&path, &request)).await?
        }
        Found::Directory => redirect(&head.uri, base, head.uri.query()),
    }
}

/// The rest of a path that is Timberline's own web UI's.
fn own<'a>(app: &App, path: &'a str) -> Option<&'a str> {
    let at_root = || {
        let is_own = !path.starts_with("/pages/") && ui::choice::served(app) == WebUi::Timberline;
        is_own.then(|| path.strip_prefix('/').unwrap_or(path))
    };
    path.strip_prefix(ui::PATH).or_else(at_root)
}

/// To the same with a slash at its end, so that the page's relative links are right.
fn redirect(uri: &http::Uri, base: &BasePath, query: Option<&str>) -> Result<Response<Body>, ApiError> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    // A path that begins with two slashes would lead to another host.
    let path = match uri.path().trim_matches('/') {
        "" => "/".to_owned(),
        path => format!("/{path}/"),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let target = HeaderValue::try_from(format!("{base}{path}{query}"));
    let target = target.map_err(|_| ApiError::NoSuchRoute)?;
    response.headers_mut().insert(header::LOCATION, target);
    Ok(response)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::Internal(format!("Reading the file broke off: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_its_slash_is_sent_to_the_one_with_it() {
        let to = |uri: &str, base: &str| {
            let uri: http::Uri = uri.parse().unwrap();
            let response = redirect(&uri, &BasePath::parse(base).unwrap(), uri.query()).unwrap();
            response.headers()[header::LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(to("/pages/x?a=b", ""), "/pages/x/?a=b");
        assert_eq!(to("//evil.com", ""), "/evil.com/");
        assert_eq!(to("/pages/x?a=b", "/aw"), "/aw/pages/x/?a=b");
        assert_eq!(to("/?a=b", "/aw"), "/aw/?a=b");
    }
}
