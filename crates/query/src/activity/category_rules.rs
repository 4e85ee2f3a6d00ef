//! The rules of categories, as a definition has them: written in the query language.

use std::fmt::Write;

use serde_json::Value as Json;

use super::definition::DefinitionError;

/// Rules, as `categorize` of the query language takes them: a list of `[category, rule]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryRules {
    /// The list, written in the query language.
    text: String,
}

impl CategoryRules {
    /// Rules as they stand in a program: a list of `[category, rule]`. What is wrong with a rule is reported when it is used.
    ///
    /// # Errors
    /// [`DefinitionError::Backslash`]
    pub fn new(rules: &Json) -> Result<CategoryRules, DefinitionError> {
        let mut text = String::new();
        write_value(rules, &mut text)?;
        Ok(CategoryRules { text })
    }

    /// The rules, written in the query language.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A JSON value in the query language. Members that are null, which the language does not have, are left out.
fn write_value(value: &Json, out: &mut String) -> Result<(), DefinitionError> {
    match value {
        Json::Null => out.push_str("[]"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            let minus = if number < 0.0 { "0 - " } else { "" };
            // Writing to a string does not fail.
            let _ = write!(out, "{minus}{}", number.abs());
        }
        Json::String(text) if text.ends_with('\\') => return Err(DefinitionError::Backslash(text.clone())),
        Json::String(text) => out.push_str(&quote(text)),
        Json::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_value(value, out)?;
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            let members = members.iter().filter(|(_, value)| !value.is_null());
            for (i, (key, value)) in members.enumerate() {
                let comma = if i > 0 { ", " } else { "" };
                let _ = write!(out, "{comma}{}: ", quote(key));
                write_value(value, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// A string of the query language. It must not end with a backslash.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}
