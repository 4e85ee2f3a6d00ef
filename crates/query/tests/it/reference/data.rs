//! Functions that change data.

use fancy_regex::Regex;
use serde_json::{Value as Json, json};
use url::Url;

use super::Event;

/// `split_url_events`: adds the parts of a `url` that browsers would take.
pub(crate) fn split_url_events(events: &[Event]) -> Vec<Event> {
    let mut result = events.to_vec();
    for event in &mut result {
        let Some(Json::String(text)) = event.data.get("url") else {
            continue;
        };
        let Ok(url) = Url::parse(text) else { continue };
        let mut domain = url.host_str().unwrap_or(url.scheme());
        while let Some(rest) = domain.strip_prefix("www.") {
            domain = rest;
        }
        let parts = [
            ("$protocol", url.scheme()),
            ("$domain", domain),
            ("$path", url.path()),
            ("$params", url.query().unwrap_or("")),
        ];
        for (key, text) in parts {
            event.data.insert(key.to_owned(), text.into());
        }
    }
    result
}

/// `simplify_window_titles`: takes away what changes while the window stays the same.
pub(crate) fn simplify_window_titles(events: &[Event], key: &str) -> Vec<Event> {
    let pattern = |text| Regex::new(text).expect("a pattern");
    let parens = pattern(r"^\([0-9]+\)\s*");
    let fps = pattern(r"FPS:\s+[0-9\.]+");
    let dot = pattern(r"^(●|\*)\s*");
    let mut result = events.to_vec();
    for event in &mut result {
        let Some(Json::String(text)) = event.data.get(key) else {
            continue;
        };
        let mut text = parens.replace(text, "").into_owned();
        if key == "title" && event.data.contains_key("app") {
            text = fps.replace_all(&text, "FPS: ...").into_owned();
            text = dot.replace(&text, "").into_owned();
        }
        event.data.insert(key.to_owned(), text.into());
    }
    result
}

/// When a category or tag is given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    /// Found in a string; none is a rule of type "none".
    pub(crate) regex: Option<String>,
    pub(crate) ignore_case: Option<bool>,
    /// The keys whose values are looked at; none is all.
    pub(crate) select_keys: Option<Vec<String>>,
    /// Field and value of a rank that is not that of the depth.
    pub(crate) rank: Option<(&'static str, i64)>,
}

impl Rule {
    /// The dict that says so in a program.
    pub(crate) fn to_json(&self) -> Json {
        let mut dict = json!({"type": if self.regex.is_some() { "regex" } else { "none" }});
        if let Some(regex) = &self.regex {
            dict["regex"] = json!(regex);
        }
        if let Some(ignore_case) = self.ignore_case {
            dict["ignore_case"] = json!(ignore_case);
        }
        if let Some(keys) = &self.select_keys {
            dict["select_keys"] = json!(keys);
        }
        if let Some((field, rank)) = self.rank {
            dict[field] = json!(rank);
        }
        dict
    }

    /// What is looked for, if anything is.
    fn pattern(&self) -> Option<Regex> {
        let flags = if self.ignore_case == Some(true) {
            "(?i)"
        } else {
            ""
        };
        let regex = self.regex.as_ref()?;
        Some(Regex::new(&format!("{flags}{regex}")).expect("a pattern"))
    }

    fn matches(&self, pattern: Option<&Regex>, event: &Event) -> bool {
        let Some(pattern) = pattern else { return false };
        event.data.iter().any(|(key, value)| match value {
            Json::String(text) if self.looks_at(key) => pattern.is_match(text).expect("few steps"),
            _ => false,
        })
    }

    fn looks_at(&self, key: &String) -> bool {
        self.select_keys.as_ref().is_none_or(|keys| keys.contains(key))
    }
}

/// `categorize`: sets `$category` to the category of the matching rule that ranks highest, of equal ones the last.
pub(crate) fn categorize(events: &[Event], rules: &[(Vec<String>, Rule)]) -> Vec<Event> {
    let patterns: Vec<Option<Regex>> = rules.iter().map(|(_, rule)| rule.pattern()).collect();
    let mut result = events.to_vec();
    for event in &mut result {
        let mut best = (i64::MIN, vec!["Uncategorized".to_owned()]);
        for ((category, rule), pattern) in rules.iter().zip(&patterns) {
            let depth = i64::try_from(category.len()).expect("few");
            let rank = rule.rank.map_or(10 * depth, |(_, rank)| rank);
            if depth > 0 && rank >= best.0 && rule.matches(pattern.as_ref(), event) {
                best = (rank, category.clone());
            }
        }
        event.data.insert("$category".to_owned(), json!(best.1));
    }
    result
}

/// `tag`: sets `$tags` to the names of all matching rules, sorted, each once.
pub(crate) fn tag(events: &[Event], rules: &[(String, Rule)]) -> Vec<Event> {
    let patterns: Vec<Option<Regex>> = rules.iter().map(|(_, rule)| rule.pattern()).collect();
    let mut result = events.to_vec();
    for event in &mut result {
        let mut tags: Vec<&str> = Vec::new();
        for ((name, rule), pattern) in rules.iter().zip(&patterns) {
            if rule.matches(pattern.as_ref(), event) {
                tags.push(name);
            }
        }
        tags.sort_unstable();
        tags.dedup();
        event.data.insert("$tags".to_owned(), json!(tags));
    }
    result
}
