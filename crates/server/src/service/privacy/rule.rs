//! Reads and checks one rule.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::field::Field;
use super::key::HashKey;
use super::replacement::Replacement;

/// Longest pattern in bytes, before it is compiled.
const MAX_PATTERN: usize = 16 << 10;
/// Longest path of a field, in bytes.
const MAX_FIELD_BYTES: usize = 1 << 10;
/// Longest replacement in bytes: an event must not become a hundred times what it was.
const MAX_REPLACEMENT: usize = 256;
/// Memory that a compiled pattern may take, and as much again for what it learns while it searches.
const PATTERN_BYTES: usize = 1 << 20;

/// What a rule does with an event whose field matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = PrivacyAction)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// The event is not stored.
    Drop,
    /// The value is replaced by a text.
    Redact,
    /// The value is replaced by its keyed hash.
    Hash,
}

impl Action {
    pub(super) fn name(self) -> &'static str {
        match self {
            Action::Drop => "drop",
            Action::Redact => "redact",
            Action::Hash => "hash",
        }
    }
}

/// A rule as it stands in the setting. Fields that are not known are ignored, as in aw-server-rust.
#[derive(Deserialize)]
struct Text {
    enabled: bool,
    bucket_prefix: Option<String>,
    field: Option<String>,
    pattern: String,
    action: Action,
    replacement: Option<String>,
}

/// A rule that can be followed.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its place in the list, counted from 0.
    pub(super) index: usize,
    pub(super) action: Action,
    pub(super) enabled: bool,
    bucket_prefix: String,
    field: Field,
    pattern: Regex,
    /// Of no use to a rule that drops.
    replacement: Replacement,
}

/// What one rule says about data.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    NoMatch,
    /// It matches, but what would be stored instead is what is there.
    Same,
    Drop,
    Replace(String),
}

impl Rule {
    /// Reads a rule. A rule that is not enabled has to be right, too.
    ///
    /// # Errors
    /// What is wrong with it, for its author.
    pub(super) fn parse(index: usize, json: &str) -> Result<Rule, String> {
        let text: Text = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let action = text.action;
        let field = text.field.ok_or_else(|| {
            let name = action.name();
            format!("field is missing: say which field a {name} rule looks at, such as \"title\"")
        })?;
        within(MAX_FIELD_BYTES, "field", &field)?;
        within(MAX_PATTERN, "pattern", &text.pattern)?;
        let pattern = RegexBuilder::new(&text.pattern)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| format!("pattern cannot be used: {error}"))?;
        let replacement = match action {
            Action::Drop => Replacement::Whole(String::new()),
            Action::Redact => Replacement::redact(redaction(text.replacement)?, &pattern),
            Action::Hash => Replacement::Hash(None),
        };
        Ok(Rule {
            index,
            action,
            enabled: text.enabled,
            bucket_prefix: text.bucket_prefix.unwrap_or_default(),
            field: Field::parse(&field),
            pattern,
            replacement,
        })
    }

    /// Hashes with this key from now on.
    pub(super) fn set_key(&mut self, key: &HashKey) {
        if self.action == Action::Hash {
            self.replacement = Replacement::Hash(Some(key.clone()));
        }
    }

    pub(super) fn is_for_some_buckets(&self) -> bool {
        !self.bucket_prefix.is_empty()
    }

    pub(super) fn concerns(&self, bucket: &str) -> bool {
        self.enabled && bucket.starts_with(&self.bucket_prefix)
    }

    /// What becomes of canonical data of a bucket that the rule concerns.
    pub(super) fn step(&self, data: &str) -> Step {
        let Some(value) = self
            .field
            .string(data)
            .filter(|value| self.pattern.is_match(value))
        else {
            return Step::NoMatch;
        };
        if self.action == Action::Drop {
            return Step::Drop;
        }
        let stored = self.replacement.of(&value, &self.pattern);
        if stored == *value {
            return Step::Same;
        }
        Step::Replace(self.field.replaced(data, &stored))
    }
}

fn redaction(replacement: Option<String>) -> Result<String, String> {
    let text = replacement
        .filter(|text| !text.is_empty())
        .ok_or("replacement is missing: say what takes the value's place, such as \"REDACTED\", or use the action drop")?;
    within(MAX_REPLACEMENT, "replacement", &text)?;
    Ok(text)
}

fn within(most: usize, name: &str, text: &str) -> Result<(), String> {
    if text.len() <= most {
        return Ok(());
    }
    Err(format!(
        "{name} is {} bytes long; it must be at most {most}",
        text.len()
    ))
}
