//! What is wrong with a list of categories, before it is stored.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use timberline_cancel::Cancel;

use super::setting::{Categories, Category};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::pattern;
use crate::rules::RuleSet;
use crate::value::Value;

/// The most categories of a list.
const MAX_CATEGORIES: usize = 4_096;
/// The most names in a category's path.
const MAX_PATH: usize = 32;
/// The most bytes of a name.
const MAX_NAME_BYTES: usize = 1_024;

/// Something that is wrong with a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryProblem {
    /// Its number in the list, from 0.
    pub index: usize,
    /// Its path.
    pub name: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// The character of the regular expression, from 0, if it is about one.
    pub position: Option<usize>,
}

impl std::fmt::Display for CategoryProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "category {} ({}): {}",
            self.index + 1,
            self.name.join(" > "),
            self.message
        )?;
        match self.position {
            Some(position) => write!(f, " (at character {})", position + 1),
            None => Ok(()),
        }
    }
}

impl Engine {
    /// What is wrong with a list of categories. If nothing is, `categorize` takes its rules.
    pub fn check_categories(&self, categories: &Categories) -> Vec<CategoryProblem> {
        let mut ids = BTreeMap::new();
        let mut problems = Vec::new();
        for (index, category) in categories.list().iter().enumerate() {
            let mut add = |message: String, position| {
                problems.push(CategoryProblem {
                    index,
                    name: category.name().to_vec(),
                    message,
                    position,
                });
            };
            if index == MAX_CATEGORIES {
                add(format!("there are more than {MAX_CATEGORIES} categories"), None);
                break;
            }
            if let Some(message) = check_name(category) {
                add(message, None);
            }
            if let Some(id) = category.id()
                && let Some(other) = ids.insert(id, index)
            {
                add(
                    format!("it has the id {id}, which category {} has, too", other + 1),
                    None,
                );
            }
            if let Some(pair) = category.pair()
                && let Err(error) = self.check_rule(&pair)
            {
                match category.rule().and_then(mistake) {
                    Some((at, message)) => add(message, Some(at)),
                    None => add(error.message, None),
                }
            }
        }
        problems
    }

    fn check_rule(&self, pair: &Json) -> Result<(), QueryError> {
        let guard = self.guard(&Cancel::new());
        let item = Value::of_json(&guard, pair)?;
        RuleSet::check(&guard, &item, &Clock::utc(), self.backtracking_steps())
    }
}

fn check_name(category: &Category) -> Option<String> {
    let name = category.name();
    if name.len() > MAX_PATH {
        return Some(format!("its name has more than {MAX_PATH} parts"));
    }
    if name.iter().any(String::is_empty) {
        return Some("a part of its name is empty".to_owned());
    }
    let long = name.iter().any(|part| part.len() > MAX_NAME_BYTES);
    long.then(|| format!("a part of its name is longer than {MAX_NAME_BYTES} bytes"))
}

/// The first mistake in the regular expressions of a rule: the place of the character, and what is wrong.
fn mistake(rule: &Json) -> Option<(usize, String)> {
    if rule.get("type") == Some(&Json::from("regex")) {
        let text = rule.get("regex")?.as_str()?;
        let (at, what) = pattern::mistake(text)?;
        let before = text.get(..at)?.chars().count();
        return Some((
            before,
            format!("the regular expression {text:?} cannot be used: {what}"),
        ));
    }
    let several = rule.get("rules").and_then(Json::as_array);
    let parts = several.into_iter().flatten().chain(rule.get("rule"));
    parts.filter_map(mistake).next()
}
