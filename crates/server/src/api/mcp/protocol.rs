//! The Model Context Protocol, as far as a server with tools needs it: JSON-RPC 2.0, the agreement on a version, and how tools
//! and their results are written. A message is answered by itself: there are no sessions, because no tool has a state.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The versions that begin with `initialize`, newest first.
pub(super) const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The codes of errors: those of JSON-RPC, and one of the protocol's own.
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;
pub(super) const UNSUPPORTED_VERSION: i32 = -32022;

/// What a client sends.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// It wants an answer.
    Request {
        id: Value,
        method: String,
        params: Map<String, Value>,
    },
    /// It wants none: a notification, or the answer to a request, of which this server sends none.
    Other,
}

/// Why a request has no result.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) code: i32,
    pub(super) message: String,
}

/// What a tool answers.
pub(super) enum Outcome {
    /// An object.
    Answer(Value),
    /// What went wrong, for the assistant to read.
    Error(String),
}

#[derive(Deserialize)]
struct Raw {
    jsonrpc: String,
    id: Option<Value>,
    method: Option<String>,
    params: Option<Map<String, Value>>,
}

impl Message {
    /// # Errors
    /// When it is not JSON, or no message.
    pub(super) fn parse(body: &[u8]) -> Result<Message, serde_json::Error> {
        use serde::de::Error;
        let raw: Raw = serde_json::from_slice(body)?;
        if raw.jsonrpc != "2.0" {
            return Err(Error::custom("jsonrpc must be \"2.0\""));
        }
        if !matches!(raw.id, None | Some(Value::String(_) | Value::Number(_))) {
            return Err(Error::custom("id must be a text or a number"));
        }
        Ok(match (raw.method, raw.id) {
            (Some(method), Some(id)) => Message::Request {
                id,
                method,
                params: raw.params.unwrap_or_default(),
            },
            _ => Message::Other,
        })
    }
}

/// The answer to a request.
pub(super) fn answer(id: &Value, result: Result<Value, Failure>) -> Value {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Failure { code, message }) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    }
}

/// The answer to a request of a version that is not known.
pub(super) fn unsupported(id: &Value, version: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": {
        "code": UNSUPPORTED_VERSION,
        "message": format!("this server does not know the version {version}; it knows {}", VERSIONS.join(", ")),
        "data": { "supported": VERSIONS, "requested": version },
    } })
}

/// The version to speak with a client that asks for this one.
pub(super) fn agreed(asked: Option<&str>) -> &'static str {
    let known = asked.and_then(|asked| VERSIONS.iter().find(|version| **version == asked));
    known.unwrap_or(&VERSIONS[0])
}

/// The result of `tools/call`: an object as structured content, and as text for clients that know only that.
pub(super) fn tool_result(outcome: Outcome) -> Value {
    let text = |text: String| json!([{ "type": "text", "text": text }]);
    match outcome {
        Outcome::Answer(value) => {
            json!({ "content": text(value.to_string()), "structuredContent": value, "isError": false })
        }
        Outcome::Error(message) => json!({ "content": text(message), "isError": true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(message: &Value) -> Result<Message, serde_json::Error> {
        Message::parse(message.to_string().as_bytes())
    }

    #[test]
    fn a_request_has_an_id_and_a_method() {
        let request = json!({"jsonrpc": "2.0", "id": "a", "method": "ping", "params": {"x": 1}});
        let expected = Message::Request {
            id: json!("a"),
            method: "ping".to_owned(),
            params: Map::from_iter([("x".to_owned(), json!(1))]),
        };
        assert_eq!(parse(&request).unwrap(), expected);
        for other in [
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        ] {
            assert_eq!(parse(&other).unwrap(), Message::Other, "{other}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for wrong in [
            json!([]),
            json!({"id": 1, "method": "ping"}),
            json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": [], "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": true}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}),
        ] {
            assert!(parse(&wrong).unwrap_err().is_data(), "{wrong}");
        }
    }

    #[test]
    fn the_clients_version_is_spoken_if_it_is_known() {
        assert_eq!(agreed(Some("2025-03-26")), "2025-03-26");
        assert_eq!(agreed(Some("2099-01-01")), VERSIONS[0]);
        assert_eq!(agreed(None), VERSIONS[0]);
    }
}
