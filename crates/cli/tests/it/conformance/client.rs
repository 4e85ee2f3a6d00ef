//! Sends a step of a scenario.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::format::{self, Body, Names, Part, Step};
use crate::harness::http::{Answer, Connection};

const BOUNDARY: &str = "timberline-conformance-5e1f";

/// Sends the request of a step on a connection of its own.
///
/// # Errors
///
/// When the server does not answer.
pub(crate) fn send(port: u16, step: &Step, names: &Names) -> io::Result<Answer> {
    let mut headers: BTreeMap<String, Option<String>> = BTreeMap::new();
    headers.insert("host".to_owned(), Some(format!("127.0.0.1:{port}")));
    let body = match step.body() {
        Body::None => None,
        Body::Json(value) => {
            headers.insert("content-type".to_owned(), Some("application/json".to_owned()));
            Some(format::fill(value, names).to_string())
        }
        Body::Raw(text) => Some(format::fill_text(text, names)),
        Body::Multipart(parts) => {
            let form = format!("multipart/form-data; boundary={BOUNDARY}");
            headers.insert("content-type".to_owned(), Some(form));
            Some(multipart(parts, names))
        }
    };
    if body.is_some() || matches!(step.method.as_str(), "POST" | "PUT") {
        let length = body.as_deref().unwrap_or_default().len();
        headers.insert("content-length".to_owned(), Some(length.to_string()));
    }
    for (name, value) in &step.headers {
        let value = value.as_deref().map(|value| format::fill_text(value, names));
        headers.insert(name.to_ascii_lowercase(), value);
    }
    let headers: Vec<_> = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let body = body.unwrap_or_default();
    Connection::open(port)?.exchange(&step.method, &target(step, names), &headers, body.as_bytes())
}

/// Path and query. What must not stand in a request line is escaped, and nothing else: the paths of a corpus
/// have their escapes written out.
fn target(step: &Step, names: &Names) -> String {
    let mut target = format::fill_text(&step.path, names);
    let query = match &step.query {
        None => String::new(),
        Some(Value::Object(fields)) => {
            let pair = |(key, value): (&String, &Value)| {
                let value = format::as_text(&format::fill(value, names));
                format!("{}={}", form_encoded(key), form_encoded(&value))
            };
            fields.iter().map(pair).collect::<Vec<_>>().join("&")
        }
        Some(text) => format::as_text(&format::fill(text, names)),
    };
    if !query.is_empty() {
        target = format!("{target}?{query}");
    }
    escaped(&target, |byte| {
        byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte)
    })
}

/// One name or value of a query.
fn form_encoded(text: &str) -> String {
    escaped(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~ ".contains(&byte)
    })
    .replace(' ', "+")
}

fn escaped(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let escape = |byte: u8| {
        if stays(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

fn multipart(parts: &[Part], names: &Names) -> String {
    let mut form = String::new();
    for part in parts {
        let filename = part
            .filename
            .as_ref()
            .map(|name| format!("; filename=\"{name}\""))
            .unwrap_or_default();
        let kind = part
            .content_type
            .as_ref()
            .map(|kind| format!("Content-Type: {kind}\r\n"))
            .unwrap_or_default();
        form += &format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"{filename}\r\n{kind}\r\n{}\r\n",
            part.name,
            format::as_text(&format::fill(&part.content, names)),
        );
    }
    form + &format!("--{BOUNDARY}--\r\n")
}
