//! Runs the examples of a page of the documentation, in their order, against a server: a block `http` is a request, and a
//! block `json` after it is its answer. Lines after the first are headers, as in HTTP.

use serde_json::Value;

use super::http;
use super::server::{Installation, Server};

/// A page, and which fields are another each time: they must be there, and of the kind that is shown.
pub(crate) struct Page {
    pub(crate) text: &'static str,
    pub(crate) varying: &'static [&'static str],
}

impl Page {
    /// What follows the backticks of each block, and what is in it.
    fn blocks(&self) -> Vec<(&'static str, &'static str)> {
        let inside = self.text.split("```").skip(1).step_by(2);
        inside
            .map(|block| block.split_once('\n').expect("a block has lines"))
            .collect()
    }

    /// Whether an answer is what the page shows.
    pub(crate) fn is_as_shown(&self, shown: &Value, found: &Value) -> bool {
        match (shown, found) {
            (Value::Object(shown), Value::Object(found)) => {
                shown.len() == found.len()
                    && shown.iter().all(|(key, shown)| {
                        let Some(found) = found.get(key) else { return false };
                        let varies = self.varying.contains(&key.as_str());
                        (varies
                            && (shown.is_string() && found.is_string()
                                || shown.is_number() && found.is_number()))
                            || self.is_as_shown(shown, found)
                    })
            }
            (Value::Array(shown), Value::Array(found)) => {
                shown.len() == found.len() && shown.iter().zip(found).all(|(a, b)| self.is_as_shown(a, b))
            }
            _ => shown == found,
        }
    }

    /// Sends every request of the page, and compares the answers that it shows, of which there must be so many at least.
    pub(crate) fn check(&self, at_least: usize) {
        let installation = Installation::new();
        let server = installation.start();
        self.check_on(&server, at_least);
        server.stop();
        installation.verify();
    }

    /// The same on a server that runs.
    pub(crate) fn check_on(&self, server: &Server, at_least: usize) {
        // The token that the page shows is not the one that this server gave.
        let mut token: Option<(String, String)> = None;
        let mut compared = 0;
        let blocks = self.blocks();
        for (index, (language, request)) in blocks.iter().enumerate() {
            if *language != "http" {
                continue;
            }
            let (head, body) = request.split_once("\n\n").unwrap_or((request.trim(), ""));
            let mut head = head.lines();
            let first = head.next().expect("a line");
            let (method, target) = first.trim().split_once(' ').expect("a method and a path");
            let mut body = body.trim().to_owned();
            if let Some((shown, given)) = &token {
                body = body.replace(shown, given);
            }
            let sent = (!body.is_empty()).then_some(body.as_bytes());
            let mut connection = http::Connection::open(server.port).expect("a connection");
            let mut headers = connection.usual_headers(sent);
            headers.extend(head.map(|line| {
                let (name, value) = line.split_once(": ").expect("a header");
                (name.to_owned(), value.to_owned())
            }));
            let answer = connection.exchange(method, target, &headers, sent.unwrap_or_default());
            let answer = answer.expect("an answer");
            assert!(
                (200..300).contains(&answer.status),
                "{request}: {}",
                answer.text()
            );
            let Some(("json", shown)) = blocks.get(index + 1) else {
                continue;
            };
            let shown: Value = serde_json::from_str(shown).expect("the page shows JSON");
            let found = answer.json().expect("JSON");
            assert!(
                self.is_as_shown(&shown, &found),
                "{request} is answered with {found:#}"
            );
            if let (Some(shown), Some(given)) = (shown["token"].as_str(), found["token"].as_str()) {
                token = Some((shown.to_owned(), given.to_owned()));
            }
            compared += 1;
        }
        assert_eq!(compared, blocks.iter().filter(|block| block.0 == "json").count());
        assert!(compared >= at_least, "only {compared} examples have answers");
    }
}
