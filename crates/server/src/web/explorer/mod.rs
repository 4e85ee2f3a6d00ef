//! The page at `/api/`, which shows the API's description and sends requests. Its files are part of the program.

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};

use crate::app::App;

const PAGE: &str = include_str!("index.html");
const STYLE: &str = include_str!("explorer.css");
const SCRIPT: &str = include_str!("explorer.js");

/// What the page may do: load its own two files, and ask this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

type File = ([(HeaderName, HeaderValue); 3], String);

/// The page, with its files below the base path.
pub(crate) async fn page(State(app): State<Arc<App>>) -> File {
    let base = app.settings.network.base_path.as_str();
    file("text/html; charset=utf-8", PAGE.replace("{base}", base))
}

pub(crate) async fn style() -> File {
    file("text/css; charset=utf-8", STYLE.to_owned())
}

pub(crate) async fn script() -> File {
    file("text/javascript; charset=utf-8", SCRIPT.to_owned())
}

fn file(media_type: &'static str, text: String) -> File {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, text)
}
