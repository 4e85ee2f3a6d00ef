//! What WakaTime's plugins send, and the bucket and data that it becomes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use timberline_model::{Data, Duration, Timestamp};

/// What stands for a project or language that the plugin does not know: ActivityWatch's editor watchers write the same.
/// Without a value, the web UIs would leave the event out of their sums.
pub(super) const UNKNOWN: &str = "unknown";
/// What plugins send nearly always; it is left out of the data.
const USUAL_KIND: &str = "file";
pub(super) const USUAL_CATEGORY: &str = "coding";

/// Who sends: the computer, and the program.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// The computer's name.
    pub(crate) hostname: String,
    /// Such as `wakatime/v1.90.0 (linux-6.1-x86_64) go1.22 vscode/1.80 vscode-wakatime/24.2`.
    pub(crate) user_agent: String,
}

/// A heartbeat, as far as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heartbeat<'a> {
    /// The file, or the name of an app or a domain.
    pub(crate) entity: Cow<'a, str>,
    /// When it was worked on.
    pub(crate) time: Timestamp,
    kind: Option<Cow<'a, str>>,
    category: Option<Cow<'a, str>>,
    project: Option<Cow<'a, str>>,
    language: Option<Cow<'a, str>>,
    branch: Option<Cow<'a, str>>,
    user_agent: Option<Cow<'a, str>>,
}

/// Why a heartbeat is not stored. Plugins show the text in their log and drop the heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// It is no object, or a field has the wrong type.
    #[error("This is not a heartbeat of WakaTime: {0}")]
    Shape(String),
    /// It does not say what was worked on.
    #[error("The field entity is empty")]
    NoEntity,
    /// Its time is none that can be stored.
    #[error("The field time must be a number of seconds since 1970")]
    Time,
}

/// The fields, as they are sent. Others are ignored.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    entity: Cow<'a, str>,
    time: f64,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    category: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    project: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    language: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    branch: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_agent: Option<Cow<'a, str>>,
}

impl<'a> Heartbeat<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn parse(text: &'a str) -> Result<Heartbeat<'a>, Invalid> {
        let sent: Sent<'a> = serde_json::from_str(text).map_err(|error| Invalid::Shape(error.to_string()))?;
        if sent.entity.is_empty() {
            return Err(Invalid::NoEntity);
        }
        // A number of seconds with a fraction is exact to a fraction of a microsecond. Rounded to whole microseconds, a
        // heartbeat that is sent again has the same time.
        let since_1970 = Duration::from_secs_f64(sent.time).map_err(|_| Invalid::Time)?;
        let micros = since_1970.nanos().saturating_add(500).div_euclid(1_000);
        Ok(Heartbeat {
            entity: sent.entity,
            time: Timestamp::from_nanos(micros.saturating_mul(1_000)),
            kind: sent.kind,
            category: sent.category,
            project: sent.project,
            language: sent.language,
            branch: sent.branch,
            user_agent: sent.user_agent,
        })
    }

    /// The bucket that it belongs to: one for each editor on each computer.
    pub(crate) fn bucket(&self, sender: &Sender) -> String {
        let user_agent = self.user_agent.as_deref().unwrap_or(&sender.user_agent);
        format!("wakatime-{}_{}", editor(user_agent), sender.hostname)
    }

    /// The data of its event, with the fields of ActivityWatch's editor watchers.
    pub(crate) fn data(&self) -> Data {
        let known = |field: &Option<Cow<'_, str>>| {
            let text = field.as_deref().filter(|text| !text.is_empty());
            Value::from(text.unwrap_or(UNKNOWN))
        };
        let mut data = Map::new();
        data.insert("file".to_owned(), Value::from(&*self.entity));
        data.insert("project".to_owned(), known(&self.project));
        data.insert("language".to_owned(), known(&self.language));
        let beyond = [
            ("branch", &self.branch, ""),
            ("type", &self.kind, USUAL_KIND),
            ("category", &self.category, USUAL_CATEGORY),
        ];
        for (name, field, usual) in beyond {
            if let Some(text) = field.as_deref().filter(|text| !text.is_empty() && *text != usual) {
                data.insert(name.to_owned(), Value::from(text));
            }
        }
        // It is an object, so this cannot fail.
        Data::parse(&Value::from(data).to_string()).unwrap_or_default()
    }
}

/// The editor's name in a user agent. Each plugin adds `EDITOR/VERSION EDITOR-wakatime/VERSION`.
fn editor(user_agent: &str) -> String {
    let names = user_agent.split_whitespace().rev();
    let names = names.filter_map(|part| part.split('/').next());
    let plugin = names.filter_map(|name| name.strip_suffix("-wakatime"));
    let name: String = plugin
        .take(1)
        .flat_map(str::chars)
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if name.is_empty() { UNKNOWN.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_is_that_of_the_plugin() {
        for (user_agent, expected) in [
            (
                "wakatime/v1.90.0 (linux-6.1-x86_64) go1.22 vscode/1.80.0 vscode-wakatime/24.2.0",
                "vscode",
            ),
            (
                "wakatime/13.1.0 (Linux-5.4) Python3.8.1 vim/8.2 Vim-wakatime/8.0",
                "vim",
            ),
            ("wakatime/13.0.6", "unknown"),
            ("x/1 /_-wakatime/2", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(editor(user_agent), expected, "{user_agent}");
        }
    }

    #[test]
    fn data_have_the_fields_of_editor_watchers() {
        let sent = r#"{"entity":"/tmp/main.go","type":"file","category":"debugging","time":1585598059.123456,
            "project":"p","language":null,"branch":"","lines":3,"is_write":true,"dependencies":["x"]}"#;
        let heartbeat = Heartbeat::parse(sent).unwrap();
        assert_eq!(
            heartbeat.data().as_str(),
            r#"{"category":"debugging","file":"/tmp/main.go","language":"unknown","project":"p"}"#
        );
        assert_eq!(heartbeat.time.to_string(), "2020-03-30T19:54:19.123456Z");
    }

    #[test]
    fn what_is_none_says_why() {
        for (sent, expected) in [
            (r#"{"entity":"","time":1}"#, Invalid::NoEntity),
            (r#"{"entity":"x","time":1e300}"#, Invalid::Time),
        ] {
            assert_eq!(Heartbeat::parse(sent), Err(expected), "{sent}");
        }
        for sent in [
            "[]",
            "{}",
            r#"{"entity":"x"}"#,
            r#"{"entity":3,"time":1}"#,
            "null",
        ] {
            assert!(matches!(Heartbeat::parse(sent), Err(Invalid::Shape(_))), "{sent}");
        }
    }
}
