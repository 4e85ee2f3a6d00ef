//! The rules of categories, as every view takes them: those of the setting `classes`, or others.

use std::fmt::Write;

use serde_json::Value as Json;

/// Rules, as `categorize` of the query language takes them: a list of `[category, rule]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categories {
    /// The list, written in the query language.
    text: String,
}

/// Why something is not a list of categories.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoriesError {
    /// It is not JSON.
    #[error("the categories are not JSON: {0}")]
    Json(String),
    /// It has another form.
    #[error(
        "category {0} is not of the form {{\"name\": [\"Work\"], \"rule\": {{\"type\": \"regex\", \"regex\": \"vim\"}}}}"
    )]
    Form(usize),
    /// What the query language cannot write.
    #[error("{0:?} ends with a backslash, which the query language cannot write")]
    Backslash(String),
}

/// The categories of the standard web UI before anybody has changed them.
const DEFAULT: &str = include_str!("default_categories.json");

impl Categories {
    /// The rules in the value of the setting `classes`, or those of the standard web UI if there is no such setting.
    ///
    /// # Errors
    /// [`CategoriesError`]
    pub fn of_setting(classes: Option<&str>) -> Result<Categories, CategoriesError> {
        let json: Json = serde_json::from_str(classes.unwrap_or(DEFAULT))
            .map_err(|error| CategoriesError::Json(error.to_string()))?;
        let classes = json.as_array().ok_or(CategoriesError::Form(0))?;
        let mut rules = Vec::new();
        for (i, class) in classes.iter().enumerate() {
            let form = || CategoriesError::Form(i + 1);
            let name = match class.get("name") {
                Some(Json::Array(path)) if path.iter().all(Json::is_string) => Json::Array(path.clone()),
                // As the first versions of the web UI stored it.
                Some(Json::String(name)) => Json::from(vec![name.clone()]),
                _ => return Err(form()),
            };
            // A category without a rule only groups others.
            let Some(rule) = class.get("rule").filter(|rule| !rule.is_null()) else {
                continue;
            };
            if !rule.is_object() {
                return Err(form());
            }
            if rule.get("type").is_none_or(Json::is_null) {
                continue;
            }
            rules.push(Json::Array(vec![name, rule.clone()]));
        }
        Categories::of_rules(&Json::Array(rules))
    }

    /// Rules as they stand in a program: a list of `[category, rule]`. What is wrong with a rule is reported when it is used.
    ///
    /// # Errors
    /// [`CategoriesError::Backslash`]
    pub fn of_rules(rules: &Json) -> Result<Categories, CategoriesError> {
        let mut text = String::new();
        write_value(rules, &mut text)?;
        Ok(Categories { text })
    }

    /// The rules, written in the query language.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A JSON value in the query language. Members that are null, which the language does not have, are left out.
fn write_value(value: &Json, out: &mut String) -> Result<(), CategoriesError> {
    match value {
        Json::Null => out.push_str("[]"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            let minus = if number < 0.0 { "0 - " } else { "" };
            // Writing to a string does not fail.
            let _ = write!(out, "{minus}{}", number.abs());
        }
        Json::String(text) if text.ends_with('\\') => return Err(CategoriesError::Backslash(text.clone())),
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
