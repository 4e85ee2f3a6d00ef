//! What a webhook is: where it sends, and when.

use serde::{Deserialize, Serialize};
use timberline_query::calendar::Calendar;
use timberline_views::record::RecordKind;
use utoipa::ToSchema;

use super::sign::Secret;
use super::target::{Target, TargetError};
use crate::service::live::Filter;

/// Attempts at one delivery, unless the webhook says otherwise: more than a day.
const MAX_TRIES: u32 = 40;
/// The most that a webhook may say.
const MOST_TRIES: u32 = 1_000;
/// The shortest and the longest silence that can be noticed, in seconds.
const SILENCE: (u64, u64) = (1, 30 * 86_400);
/// Seconds of a day on which the clock is put back.
const LONGEST_DAY: u64 = 25 * 3_600;
/// The longest name.
const NAME_CHARS: usize = 200;
/// The longest URL.
const URL_BYTES: usize = 2_048;

/// A webhook as it is stored, with its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    /// When it was made, RFC 3339.
    pub(crate) created: String,
    pub(crate) definition: Definition,
}

/// What its owner says about a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookDefinition)]
pub(crate) struct Definition {
    /// Where it sends: a program on this machine, or a host that `webhooks.allow` in the configuration names.
    #[schema(max_length = 2048, pattern = "^[Hh][Tt][Tt][Pp][Ss]?://")]
    pub(crate) url: String,
    /// What its owner calls it.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub(crate) name: String,
    /// When it sends.
    pub(crate) trigger: Trigger,
    /// How often a delivery is tried before the webhook is paused.
    #[serde(default = "max_tries")]
    #[schema(minimum = 1, maximum = 1000)]
    pub(crate) max_tries: u32,
}

fn max_tries() -> u32 {
    MAX_TRIES
}

/// When a webhook sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "on", rename_all = "lowercase", deny_unknown_fields)]
#[schema(as = WebhookTrigger)]
pub(crate) enum Trigger {
    /// For each record of the log, in order. The lists say which records; an empty one stands for all.
    Records {
        /// Ids of buckets; `*` stands for any text.
        #[serde(default)]
        buckets: Vec<String>,
        /// Types of buckets.
        #[serde(default)]
        types: Vec<String>,
        /// Kinds of records, such as `heartbeat`.
        #[serde(default)]
        #[schema(value_type = Vec<crate::api::v1::schema::RecordKindName>)]
        kinds: Vec<String>,
        /// Whether records come with the events that they change.
        #[serde(default)]
        changes: bool,
    },
    /// When a bucket was not written to for some time; once, until it is written to again.
    Silence {
        /// Ids of buckets; `*` stands for any text.
        #[schema(min_items = 1)]
        buckets: Vec<String>,
        /// The time.
        #[schema(minimum = 1, maximum = 2592000)]
        seconds: u64,
    },
    /// When the person has spent some time on a category today; once a day.
    Usage {
        /// The names of the category, from the outermost in. Categories in it count.
        #[schema(min_items = 1)]
        category: Vec<String>,
        /// The time.
        #[schema(minimum = 1, maximum = 90000)]
        seconds: u64,
        /// The zone of the person's days; the settings say it unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
}

/// Why a webhook cannot be made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DefinitionError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{field}: {reason}")]
    Unfit { field: &'static str, reason: String },
}

impl Definition {
    /// Checks everything but whether the target is allowed.
    ///
    /// # Errors
    /// When a field cannot be used.
    pub(super) fn check(&self) -> Result<Target, DefinitionError> {
        let unfit = |field, reason: &str| DefinitionError::Unfit {
            field,
            reason: reason.to_owned(),
        };
        if self.url.len() > URL_BYTES {
            return Err(unfit("url", "it must have at most 2048 bytes"));
        }
        let target = Target::parse(&self.url)?;
        if self.name.chars().count() > NAME_CHARS {
            return Err(unfit("name", "it must have at most 200 characters"));
        }
        if !(1..=MOST_TRIES).contains(&self.max_tries) {
            return Err(unfit("max_tries", "it must be from 1 to 1000"));
        }
        self.trigger.check()?;
        Ok(target)
    }
}

impl Trigger {
    fn check(&self) -> Result<(), DefinitionError> {
        let unfit = |field, reason: String| Err(DefinitionError::Unfit { field, reason });
        match self {
            Self::Records { kinds, .. } => {
                let unknown = kinds.iter().find(|name| RecordKind::from_name(name).is_none());
                match unknown {
                    Some(name) => unfit("trigger.kinds", format!("'{name}' is no kind of record")),
                    None => Ok(()),
                }
            }
            Self::Silence { buckets, .. } if buckets.is_empty() => {
                unfit("trigger.buckets", "name at least one bucket".to_owned())
            }
            Self::Silence { seconds, .. } if !(SILENCE.0..=SILENCE.1).contains(seconds) => unfit(
                "trigger.seconds",
                "it must be from 1 to 2592000, 30 days".to_owned(),
            ),
            Self::Silence { .. } => Ok(()),
            Self::Usage { category, .. } if category.is_empty() => unfit(
                "trigger.category",
                "name a category, such as [\"Work\"]".to_owned(),
            ),
            Self::Usage { seconds, .. } if !(1..=LONGEST_DAY).contains(seconds) => unfit(
                "trigger.seconds",
                "it must be from 1 to 90000, a day of 25 hours".to_owned(),
            ),
            Self::Usage { zone, .. } => {
                let calendar = zone
                    .as_deref()
                    .map(|zone| Calendar::of_zone(zone, "04:00", "monday"));
                match calendar {
                    Some(Err(error)) => unfit("trigger.zone", error.to_string()),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Which records and buckets it concerns.
    pub(super) fn filter(&self) -> Filter {
        match self {
            Self::Records {
                buckets,
                types,
                kinds,
                ..
            } => Filter {
                buckets: buckets.clone(),
                types: types.clone(),
                kinds: kinds
                    .iter()
                    .filter_map(|name| RecordKind::from_name(name))
                    .collect(),
                allowed: Vec::new(),
            },
            Self::Silence { buckets, .. } => Filter {
                buckets: buckets.clone(),
                ..Filter::default()
            },
            Self::Usage { .. } => Filter::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<(), String> {
        let definition: Definition = serde_json::from_str(json).map_err(|error| error.to_string())?;
        definition.check().map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let url = r#""url":"http://127.0.0.1:1/""#;
        for (json, name) in [
            (r#"{"url":"x","trigger":{"on":"records"}}"#.to_owned(), "url"),
            (
                format!(r#"{{{url},"trigger":{{"on":"records","kinds":["x"]}}}}"#),
                "trigger.kinds",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"silence","buckets":[],"seconds":9}}}}"#),
                "trigger.buckets",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"silence","buckets":["a"],"seconds":0}}}}"#),
                "trigger.seconds",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"usage","category":[],"seconds":1}}}}"#),
                "trigger.category",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"usage","category":["a"],"seconds":99999}}}}"#),
                "trigger.seconds",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"usage","category":["a"],"seconds":9,"zone":"Mars"}}}}"#),
                "trigger.zone",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"records"}},"max_tries":0}}"#),
                "max_tries",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"records"}},"x":0}}"#),
                "unknown field",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"records","x":0}}}}"#),
                "unknown field",
            ),
            (
                format!(r#"{{{url},"trigger":{{"on":"noon"}}}}"#),
                "unknown variant",
            ),
        ] {
            let error = check(&json).unwrap_err();
            assert!(error.starts_with(name), "{json}: {error}");
        }
        assert_eq!(
            check(&format!(r#"{{{url},"trigger":{{"on":"records"}}}}"#)),
            Ok(())
        );
    }

    #[test]
    fn a_stored_webhook_comes_back() {
        let json = r#"{"id":"a","secret":"s","created":"2024-03-01T00:00:00Z","definition":{"url":"http://127.0.0.1/",
            "name":"","trigger":{"on":"silence","buckets":["a*"],"seconds":600},"max_tries":3}}"#;
        let hook: Webhook = serde_json::from_str(json).unwrap();
        let text = serde_json::to_string(&hook).unwrap();
        assert_eq!(serde_json::from_str::<Webhook>(&text).unwrap(), hook);
    }
}
