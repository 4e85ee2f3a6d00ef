//! The page at `/status`, and at `/` of a program without a web UI: that the server runs, and what it has.
//!
//! One file without scripts or anything from elsewhere; everything that came from a client is escaped.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderValue, Response, header};
use timberline_model::Timestamp;
use timberline_views::{BucketView, Snapshot};

use crate::VERSION;
use crate::app::App;
use crate::http::ApiError;
use crate::service::status::{disk, troubles};
use crate::settings::BasePath;
use crate::size::size;
use crate::web::ui;

/// Where it always is.
pub(crate) const PATH: &str = "/status";

/// Buckets that are shown; a page is not for more.
const BUCKETS: usize = 1_000;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Timberline</title>
<style>
:root { color-scheme: light dark; --line: #d8dee4; --dim: #59636e; --back: #fbfcfd; --card: #fff; --text: #1f2328; --mark: #2f7d4f; }
@media (prefers-color-scheme: dark) {
  :root { --line: #30363d; --dim: #9198a1; --back: #0d1117; --card: #151b23; --text: #e6edf3; --mark: #5cc48a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem; }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -0.01em; }
h1 svg { width: 1.5rem; height: 1.25rem; margin-right: .6rem; color: var(--mark); }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.1rem; }
p { margin: .35rem 0; color: var(--dim); }
a { color: var(--mark); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
dl div { padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
dt { color: var(--dim); font-size: .8rem; }
dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th, td { padding: .5rem .9rem; text-align: left; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--dim); font-weight: 500; font-size: .8rem; }
tbody th { font-weight: 500; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.dim { color: var(--dim); white-space: nowrap; }
</style>
</head>
<body><main>
<h1><svg viewBox="0 0 24 20" aria-hidden="true"><path fill="currentColor" d="M8 1 1 19h14zM17 7l-2.6 5.6L17 19h6z"/></svg>Timberline</h1>
"#;

pub(crate) async fn get(app: &Arc<App>) -> Result<Response<Body>, ApiError> {
    let app = Arc::clone(app);
    let page = tokio::task::spawn_blocking(move || page(&app))
        .await
        .map_err(|error| ApiError::Internal(format!("Making the page broke off: {error}")))?;
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    Ok(response)
}

fn page(app: &App) -> String {
    if app.keys.is_some() {
        // Everyone may see this page.
        return format!(
            "{HEAD}<p>{} is running. This server asks for an API key, so this page shows nothing else.</p>\n</main></body></html>\n",
            Escaped(VERSION)
        );
    }
    let snapshot = app.store.snapshot();
    let durable = app.store.durable_seq().get();
    let now = app.store.now();
    let mut out = HEAD.to_owned();
    let events: u64 = snapshot.buckets().map(BucketView::len).sum();
    let facts = [
        ("Events", grouped(events)),
        ("Buckets", grouped(snapshot.bucket_count() as u64)),
        ("Records in the log", grouped(snapshot.seq().get())),
        ("Safe on the disk up to", grouped(durable)),
        ("On disk", size(disk::used(&app.settings.data_dir))),
    ];
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<p>{} on {}{}. It answers ActivityWatch clients. {}</p>\n<dl>",
        Escaped(VERSION),
        Escaped(&app.identity.hostname),
        if app.settings.testing {
            ", a test instance"
        } else {
            ""
        },
        web_ui(&app.settings.network.base_path),
    );
    for (name, value) in facts {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Escaped(&value));
    }
    out.push_str("</dl>\n");
    write_troubles(&mut out, app);
    write_buckets(&mut out, &snapshot, now);
    let base = &app.settings.network.base_path;
    let _ = writeln!(
        out,
        "<p><a href=\"{base}/api/0/export\">Export everything</a> · <a href=\"{base}/api/0/log\">Server log</a> · <a href=\"{base}/api/0/info\">Info</a> · <a href=\"{base}/api/\">API</a></p>\n</main></body></html>",
    );
    out
}

/// Where the web UI is, or how to get it.
fn web_ui(base: &BasePath) -> String {
    if ui::is_built() {
        return format!("<a href=\"{base}{}\">Open the web UI</a>.", ui::PATH);
    }
    "This program was built without the web UI: <code>make run</code> in the source builds both (docs/webui.md). \
     <code>--webpath</code> serves the web UI of ActivityWatch."
        .to_owned()
}

/// What is wrong with the files, and why things are kept that are to be erased; nothing if all is well.
fn write_troubles(out: &mut String, app: &App) {
    let troubles = troubles(app);
    if troubles.is_empty() {
        return;
    }
    out.push_str("<h2>Needs attention</h2>\n");
    for trouble in troubles {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "<p><strong>{}</strong></p>", Escaped(&trouble));
    }
}

fn write_buckets(out: &mut String, snapshot: &Snapshot, now: Timestamp) {
    out.push_str("<h2>Buckets</h2>\n");
    let total = snapshot.bucket_count();
    if total == 0 {
        out.push_str("<p>None yet. They appear as soon as a watcher reports.</p>\n");
        return;
    }
    out.push_str(
        "<div class=\"table\"><table><thead><tr><th>Bucket</th><th>Type</th><th>Host</th><th class=\"number\">Events</th><th>Last event</th></tr></thead><tbody>\n",
    );
    for view in snapshot.buckets().take(BUCKETS) {
        let bucket = view.bucket();
        let last = view.end().map_or("none".to_owned(), |end| ago(now, end));
        let exact = view.end().map(|end| end.to_string()).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"dim\" title=\"{}\">{}</td></tr>",
            Escaped(&bucket.id),
            Escaped(&bucket.type_),
            Escaped(&bucket.hostname),
            grouped(view.len()),
            Escaped(&exact),
            Escaped(&last),
        );
    }
    out.push_str("</tbody></table></div>\n");
    if total > BUCKETS {
        let _ = writeln!(out, "<p>And {} more.</p>", total - BUCKETS);
    }
}

/// Text that may stand in an element or a quoted attribute.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                c => out.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Digits in groups of three, set apart by thin spaces.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).nanos() / 1_000_000_000;
    let (count, unit) = match seconds {
        ..0 => return "in the future".to_owned(),
        0..5 => return "now".to_owned(),
        5..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_sent_cannot_become_markup() {
        let text = Escaped("<script>\"&'").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;&amp;&#39;");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
        assert_eq!(ago(at(100), at(98)), "now");
        assert_eq!(ago(at(10_000), at(0)), "2 h ago");
        assert_eq!(ago(at(0), at(9)), "in the future");
    }
}
