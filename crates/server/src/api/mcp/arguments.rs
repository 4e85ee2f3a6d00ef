//! A call of a tool as a request to a route of the API.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::bound::MAX_ROWS;
use super::tools::{Kind, Parameter, Route, Tool};

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) body: String,
    /// The most elements of each list of the answer.
    pub(super) rows: usize,
}

impl Call {
    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// What is wrong with them, and what the tool takes.
    pub(super) fn read(tool: &Tool, arguments: Map<String, Value>) -> Result<Call, String> {
        check_names(tool, &arguments)?;
        let mut given = Vec::new();
        for parameter in tool.parameters {
            match arguments.get(parameter.name) {
                None | Some(Value::Null) => given.extend(parameter.default()),
                Some(value) => given.extend(
                    parameter
                        .texts(value)?
                        .into_iter()
                        .map(|text| (parameter.name, text)),
                ),
            }
        }
        Ok(match tool.route {
            Route::Get(path) => get(path, &given),
            Route::Query => query(&given),
        })
    }
}

fn check_names(tool: &Tool, arguments: &Map<String, Value>) -> Result<(), String> {
    let names = || {
        let names: Vec<&str> = tool.parameters.iter().map(|parameter| parameter.name).collect();
        names.join(", ")
    };
    let is_known = |name: &str| tool.parameters.iter().any(|parameter| parameter.name == name);
    if let Some(unknown) = arguments.keys().find(|name| !is_known(name)) {
        let unknown = crate::http::Echo(unknown);
        return Err(match tool.parameters {
            [] => format!("there is no argument '{unknown}': this tool takes none"),
            _ => format!("there is no argument '{unknown}'; this tool takes {}", names()),
        });
    }
    let is_missing = |parameter: &&Parameter| {
        parameter.required && arguments.get(parameter.name).is_none_or(Value::is_null)
    };
    match tool.parameters.iter().find(is_missing) {
        Some(missing) => Err(format!(
            "the argument {} is missing: {}",
            missing.name, missing.about
        )),
        None => Ok(()),
    }
}

impl Parameter {
    /// The text that is sent if there is none, where the route's own default is too much.
    fn default(&self) -> Option<(&'static str, String)> {
        match self.kind {
            Kind::Count { default, .. } => Some((self.name, default.to_string())),
            _ => None,
        }
    }

    /// The value as the texts of a query string.
    fn texts(&self, value: &Value) -> Result<Vec<String>, String> {
        let wrong = |expected: &str| format!("{}: expected {expected}", self.name);
        match (self.kind, value) {
            (Kind::Text | Kind::Time, Value::String(text)) => Ok(vec![text.clone()]),
            (Kind::Text | Kind::Time, _) => Err(wrong("a text")),
            (Kind::Texts, Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts
                    .collect::<Option<_>>()
                    .ok_or_else(|| wrong("a list of texts"))
            }
            // Assistants write one of a list as itself.
            (Kind::Texts, Value::String(text)) => Ok(vec![text.clone()]),
            (Kind::Texts, _) => Err(wrong("a list of texts")),
            (Kind::Flag, Value::Bool(flag)) => Ok(vec![flag.to_string()]),
            (Kind::Flag, _) => Err(wrong("true or false")),
            (Kind::Count { most, .. }, value) => match value.as_u64() {
                Some(count) if (1..=most).contains(&count) => Ok(vec![count.to_string()]),
                _ => Err(wrong(&format!("a whole number from 1 to {most}"))),
            },
            (Kind::Choice(choices), value) => match value.as_str() {
                Some(text) if choices.contains(&text) => Ok(vec![text.to_owned()]),
                _ => Err(wrong(&format!("one of {}", choices.join(", ")))),
            },
        }
    }
}

fn get(path: &str, given: &[(&str, String)]) -> Call {
    let pairs: Vec<String> = given
        .iter()
        .map(|(name, text)| format!("{name}={}", utf8_percent_encode(text, NON_ALPHANUMERIC)))
        .collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    Call {
        method: Method::GET,
        target: format!("{path}{mark}{}", pairs.join("&")),
        body: String::new(),
        rows: MAX_ROWS,
    }
}

fn query(given: &[(&str, String)]) -> Call {
    let of = |wanted: &str| -> Vec<&str> {
        let texts = given.iter().filter(|(name, _)| *name == wanted);
        texts.map(|(_, text)| text.as_str()).collect()
    };
    let rows = of("limit").first().and_then(|text| text.parse().ok());
    Call {
        method: Method::POST,
        target: "/api/0/query?name=assistant".to_owned(),
        body: json!({ "query": of("query"), "timeperiods": of("timeperiods") }).to_string(),
        rows: rows.unwrap_or(MAX_ROWS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::mcp::tools;
    use crate::settings::McpTool;

    fn read(tool: McpTool, arguments: Value) -> Result<Call, String> {
        let Value::Object(arguments) = arguments else {
            panic!("{arguments}")
        };
        Call::read(tools::chosen(&[tool])[0], arguments)
    }

    #[test]
    fn arguments_become_parameters_that_are_encoded() {
        let day = json!({"start": "2026-03-01T00:00:00+01:00", "end": "2026-03-02T00:00:00Z", "by": "app", "filter_afk": false});
        let call = read(McpTool::Usage, day).unwrap();
        assert_eq!(
            call.target,
            "/api/1/usage?start=2026%2D03%2D01T00%3A00%3A00%2B01%3A00&end=2026%2D03%2D02T00%3A00%3A00Z&by=app&filter_afk=false&limit=50"
        );
        let call = read(
            McpTool::Search,
            json!({"q": "a&b", "bucket": ["x", "y"], "limit": 3}),
        )
        .unwrap();
        assert_eq!(
            call.target,
            "/api/1/search?q=a%26b&bucket=x&bucket=y&limit=3&spans=3"
        );
    }

    #[test]
    fn a_query_is_sent_as_a_body() {
        let call = read(
            McpTool::Query,
            json!({"query": "RETURN = 1;", "timeperiods": ["a/b"], "limit": 7}),
        )
        .unwrap();
        assert_eq!(call.body, r#"{"query":["RETURN = 1;"],"timeperiods":["a/b"]}"#);
        assert_eq!((call.method, call.rows), (Method::POST, 7));
    }

    #[test]
    fn wrong_arguments_say_what_is_expected() {
        for (tool, arguments, expected) in [
            (
                McpTool::Usage,
                json!({"start": "x"}),
                "the argument end is missing",
            ),
            (
                McpTool::Usage,
                json!({"start": "x", "end": null}),
                "the argument end is missing",
            ),
            (
                McpTool::Buckets,
                json!({"x": 1}),
                "there is no argument 'x': this tool takes none",
            ),
            (McpTool::Search, json!({"q": 1}), "q: expected a text"),
            (
                McpTool::Search,
                json!({"q": "a", "limit": 0}),
                "limit: expected a whole number",
            ),
            (
                McpTool::Search,
                json!({"q": "a", "why": 0}),
                "there is no argument 'why'; this tool takes q, ",
            ),
            (
                McpTool::Query,
                json!({"query": "", "timeperiods": [1]}),
                "timeperiods: expected a list of texts",
            ),
        ] {
            let error = read(tool, arguments).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
