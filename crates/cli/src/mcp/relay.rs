//! Passes messages to the server, and its answers to standard output.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::server_client::{ServerClient, refusal};

/// The path that takes messages.
const PATH: &str = "/api/1/mcp";
/// An answer is bounded by the server to much less.
const MAX_ANSWER: u64 = 16 << 20;
/// Codes of JSON-RPC: this is not JSON; the server did not carry it out.
const NOT_JSON: i32 = -32700;
const NO_ANSWER: i32 = -32000;

/// Between an assistant and a server.
pub(super) struct Relay {
    server: ServerClient,
}

impl Relay {
    pub(super) fn new(server: ServerClient) -> Self {
        Self { server }
    }

    /// Passes one message on, and its answer back.
    pub(super) fn pass_on(&self, line: &[u8]) {
        let message: Value = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(error) => return write(&failure(&Value::Null, NOT_JSON, &format!("not JSON: {error}"))),
        };
        // Notifications want no answer.
        let id = message
            .get("id")
            .filter(|id| !id.is_null() && message.get("method").is_some());
        match (id, self.ask(line)) {
            (_, Ok(Some(answer))) => write(&answer),
            (Some(id), Ok(None)) => write(&failure(id, NO_ANSWER, "the server sent no answer")),
            (Some(id), Err(why)) => write(&failure(id, NO_ANSWER, &why)),
            (None, Ok(None)) => {}
            (None, Err(why)) => eprintln!("timberline: {why}"),
        }
    }

    /// The server's answer in one line; `None` if there is none.
    ///
    /// # Errors
    /// Why there is none, for the assistant and its user.
    fn ask(&self, line: &[u8]) -> Result<Option<String>, String> {
        let mut answer = self.server.post(PATH, line, None).map_err(|error| {
            format!(
                "no Timberline server answers at {}: {error}; `timberline serve` starts one",
                self.server
            )
        })?;
        let status = answer.status();
        let mut text = Vec::new();
        let mut body = answer.body_mut().with_config().limit(MAX_ANSWER).reader();
        body.read_to_end(&mut text)
            .map_err(|error| format!("the answer of {} is incomplete: {error}", self.server))?;
        let json: Option<Value> = serde_json::from_slice(&text).ok();
        // What the protocol itself answers, whatever the status.
        if let Some(json) = json.filter(|json| json.get("jsonrpc").is_some()) {
            return Ok(Some(json.to_string()));
        }
        if status.is_success() {
            return Ok(None);
        }
        Err(match status.as_u16() {
            404 => format!(
                "the server at {} is not Timberline, or an older version",
                self.server
            ),
            _ => format!("{} answered {}", self.server, refusal(status, &text)),
        })
    }
}

/// Writes a line. If nobody reads it, the end of standard input will follow.
fn write(answer: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{answer}").and_then(|()| out.flush());
}

/// An answer that says that a request failed.
fn failure(id: &Value, code: i32, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string()
}
