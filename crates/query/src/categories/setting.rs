//! The list of categories, as the setting has it and as the API shows it.
//!
//! The standard web UI reads the setting, changes some categories, and stores the whole list again. It keeps members of a
//! category that it does not know, but it replaces a category's `rule` and `data` when they are edited there. So a rule that it
//! cannot show is kept in a member of its own, `timberline`, and the UI sees a category without a rule. If somebody gives that
//! category a rule in the UI, both hold.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::value::RawValue;

/// The key of the setting.
pub const SETTING: &str = "classes";

/// The categories of the standard web UI before anybody has changed them.
const DEFAULT: &str = include_str!("default.json");
/// The member of a category that has what the standard web UI does not know.
const EXTENSION: &str = "timberline";

/// Why something is not a list of categories.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CategoriesError {
    /// It is not a JSON list of objects.
    #[error("the categories are not a JSON list of objects: {0}")]
    Json(String),
    /// The name of a category has another form.
    #[error("category {0}: its name must be a list of strings, such as [\"Work\", \"Email\"]")]
    Name(usize),
    /// The rule of a category has another form.
    #[error("category {0}: its rule must be an object, such as {{\"type\": \"regex\", \"regex\": \"vim\"}}")]
    Rule(usize),
}

/// A list of categories. What is not understood is kept as it is.
#[derive(Clone, Debug)]
pub struct Categories {
    list: Vec<Category>,
}

/// A category.
#[derive(Clone, Debug)]
pub struct Category {
    /// Everything that it has, as it was read.
    members: BTreeMap<String, Box<RawValue>>,
    name: Vec<String>,
    rule: Option<Json>,
}

impl Categories {
    /// Reads the value of the setting, or what the API was given; without, the categories of the standard web UI before
    /// anybody has changed them.
    ///
    /// # Errors
    /// [`CategoriesError`]
    pub fn read(text: Option<&str>) -> Result<Categories, CategoriesError> {
        let list: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(text.unwrap_or(DEFAULT))
            .map_err(|error| CategoriesError::Json(error.to_string()))?;
        let read = |(i, members)| Category::read(i + 1, members);
        let list = list.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Categories { list })
    }

    /// The categories in their order.
    #[must_use]
    pub fn list(&self) -> &[Category] {
        &self.list
    }

    /// Adds a rule to the first category of a name, or a category if there is none. Rules that the standard web UI can show stay
    /// such rules as far as possible.
    ///
    /// # Errors
    /// When the rule is not an object.
    pub fn accept(&mut self, name: &[String], rule: &Json) -> Result<(), CategoriesError> {
        if let Some(category) = self.list.iter_mut().find(|category| category.name == name) {
            return category.accept(rule);
        }
        let members = [("name", Json::from(name.to_vec())), ("rule", rule.clone())];
        let members = members
            .into_iter()
            .map(|(key, value)| (key.to_owned(), raw(&value)));
        self.list
            .push(Category::read(self.list.len() + 1, members.collect())?);
        self.number_new();
        Ok(())
    }

    /// Gives those without an id the next ones.
    pub fn number_new(&mut self) {
        let greatest = self.list.iter().filter_map(Category::id).max();
        let mut next = greatest.map_or(0, |id| id.saturating_add(1));
        for category in &mut self.list {
            if !category.members.contains_key("id") {
                category.members.insert("id".to_owned(), raw(&Json::from(next)));
                next = next.saturating_add(1);
            }
        }
    }

    /// The value of the setting.
    #[must_use]
    pub fn to_setting(&self) -> String {
        let list = self.list.iter().map(Category::to_setting);
        // A map of texts that are JSON can be written.
        serde_json::to_string(&list.collect::<Vec<_>>()).unwrap_or_default()
    }

    /// The rules, as `categorize` of the query language takes them: a list of `[category, rule]`.
    #[must_use]
    pub fn rules(&self) -> Json {
        let rules = self.list.iter().filter_map(Category::pair);
        Json::Array(rules.collect())
    }
}

impl Category {
    fn read(number: usize, members: BTreeMap<String, Box<RawValue>>) -> Result<Category, CategoriesError> {
        let get = |key: &str| {
            members
                .get(key)
                .and_then(|raw| serde_json::from_str::<Json>(raw.get()).ok())
        };
        let name = match get("name") {
            // As the first versions of the web UI stored it.
            Some(Json::String(name)) => Some(vec![name]),
            Some(Json::Array(path)) => {
                let names = path.into_iter().map(|name| name.as_str().map(str::to_owned));
                names
                    .collect::<Option<Vec<String>>>()
                    .filter(|path| !path.is_empty())
            }
            _ => None,
        };
        let plain = get("rule").filter(|rule| !rule.is_null());
        let own = get(EXTENSION).and_then(|extension| extension.get("rule").cloned());
        if [&plain, &own].into_iter().flatten().any(|rule| !rule.is_object()) {
            return Err(CategoriesError::Rule(number));
        }
        Ok(Category {
            name: name.ok_or(CategoriesError::Name(number))?,
            rule: match (plain.filter(has_type), own) {
                (Some(plain), Some(own)) if !is_none(&plain) => Some(either(&plain, &own)),
                (_, Some(own)) => Some(own),
                (plain, None) => plain,
            },
            members,
        })
    }

    fn accept(&mut self, rule: &Json) -> Result<(), CategoriesError> {
        let both = match &self.rule {
            Some(old) if !is_none(old) => joined(old, rule).unwrap_or_else(|| either(old, rule)),
            _ => rule.clone(),
        };
        self.members.remove(EXTENSION);
        self.members.insert("rule".to_owned(), raw(&both));
        *self = Category::read(0, std::mem::take(&mut self.members))?;
        Ok(())
    }

    /// Its path, from the top.
    #[must_use]
    pub fn name(&self) -> &[String] {
        &self.name
    }

    /// Its id, if that is a number.
    #[must_use]
    pub fn id(&self) -> Option<i64> {
        serde_json::from_str(self.members.get("id")?.get()).ok()
    }

    /// When an event is of this category; none for a category that only groups others.
    #[must_use]
    pub fn rule(&self) -> Option<&Json> {
        self.rule.as_ref()
    }

    /// As `categorize` takes it.
    pub(super) fn pair(&self) -> Option<Json> {
        let rule = self.rule.as_ref()?;
        Some(Json::Array(vec![Json::from(self.name.clone()), rule.clone()]))
    }

    /// As the API shows it: with one rule, whatever the web UI can show of it.
    #[must_use]
    pub fn to_api(&self) -> BTreeMap<String, Box<RawValue>> {
        let mut members = self.members.clone();
        if members.remove(EXTENSION).is_some()
            && let Some(rule) = &self.rule
        {
            members.insert("rule".to_owned(), raw(rule));
        }
        members
    }

    /// As the setting has it.
    fn to_setting(&self) -> BTreeMap<String, Box<RawValue>> {
        let mut members = self.members.clone();
        match &self.rule {
            Some(rule) if !is_plain(rule) => {
                members.insert(EXTENSION.to_owned(), raw(&serde_json::json!({ "rule": rule })));
                let shown = members
                    .get("rule")
                    .and_then(|shown| serde_json::from_str::<Json>(shown.get()).ok());
                // Unless it is one already, in the words of whoever stored it.
                if !shown.is_some_and(|shown| shown.is_null() || is_none(&shown)) {
                    members.insert("rule".to_owned(), raw(&serde_json::json!({ "type": "none" })));
                }
            }
            _ => {}
        }
        members
    }
}

/// JSON that was read or made, as text.
fn raw(value: &Json) -> Box<RawValue> {
    // A value can always be written, and what is written is JSON.
    RawValue::from_string(value.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn has_type(rule: &Json) -> bool {
    rule.get("type").is_some_and(|kind| !kind.is_null())
}

fn is_none(rule: &Json) -> bool {
    !has_type(rule) || rule.get("type") == Some(&Json::from("none"))
}

/// Whether the standard web UI and the reference servers understand it.
fn is_plain(rule: &Json) -> bool {
    is_none(rule) || (rule.get("type") == Some(&Json::from("regex")) && rule.get("field").is_none())
}

/// A rule that holds where one of two does.
fn either(plain: &Json, own: &Json) -> Json {
    let mut rule = serde_json::json!({ "type": "or", "rules": [plain, own] });
    for field in ["priority", "weight"] {
        if let Some(priority) = own.get(field).or_else(|| plain.get(field))
            && let Some(members) = rule.as_object_mut()
        {
            members.insert(field.to_owned(), priority.clone());
        }
    }
    rule
}

/// One regular expression for two rules that differ in nothing else.
fn joined(one: &Json, other: &Json) -> Option<Json> {
    let (text, more) = (one.get("regex")?.as_str()?, other.get("regex")?.as_str()?);
    let mut joined = one.clone();
    let flag = |rule: &Json| rule.get("ignore_case").and_then(Json::as_bool).unwrap_or(false);
    let same = ["type", "select_keys", "field"]
        .iter()
        .all(|field| one.get(field) == other.get(field));
    if !same || flag(one) != flag(other) || !is_plain(one) {
        return None;
    }
    // A flag within a pattern counts to its end.
    let text = if text.contains("(?") {
        format!("(?:{text})")
    } else {
        text.to_owned()
    };
    let members = joined.as_object_mut()?;
    members.insert("regex".to_owned(), Json::from(format!("{text}|{more}")));
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    fn api(categories: &Categories) -> String {
        serde_json::to_string(&categories.list.iter().map(Category::to_api).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_old_format_comes_back_as_it_was() {
        let old = r##"[{"name":["Work"],"rule":{"type":"regex","regex":"a\\.b","ignore_case":true,"new":1e400},
            "data":{"color":"#0F0","score":-1.50},"id":3,"future":[null,12345678901234567890]},
            {"name":"Old","rule":{"type":null}},{"name":["None"]},{"name":["Null"],"rule":null,"id":"x"}]"##;
        let read = Categories::read(Some(old));
        // Numbers beyond a double are kept as text, but a rule with one is not read.
        assert!(read.is_ok());
        let old = old.replace("1e400", "1e40");
        let categories = Categories::read(Some(&old)).unwrap();
        let exact: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(&old).unwrap();
        let written = categories.to_setting();
        assert_eq!(written, serde_json::to_string(&exact).unwrap());
        assert_eq!(written, api(&categories));
        assert_eq!(categories.list.len(), 4);
        assert_eq!(categories.rules().as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_rule_that_the_web_ui_does_not_know_survives_what_it_stores() {
        let rule = r#"{"priority":7,"rules":[{"text":"x","type":"text"}],"type":"and"}"#;
        let given = format!(r#"[{{"id":0,"name":["A"],"rule":{rule}}}]"#);
        let setting = Categories::read(Some(&given)).unwrap().to_setting();
        let stored = json(&setting);
        assert_eq!(stored[0]["rule"], json(r#"{"type":"none"}"#));
        let again = Categories::read(Some(&setting)).unwrap();
        assert_eq!(api(&again), given);
        assert_eq!(again.to_setting(), setting);
        // The web UI renames the category, and gives it a rule of its own.
        let mut edited = stored.clone();
        edited[0]["name"] = json(r#"["B","C"]"#);
        edited[0]["rule"] = json(r#"{"type":"regex","regex":"y"}"#);
        edited[0]["data"] = json(r##"{"color":"#111"}"##);
        let edited = Categories::read(Some(&edited.to_string())).unwrap();
        let shown = json(&api(&edited));
        assert_eq!(shown[0]["rule"]["type"], "or");
        assert_eq!(shown[0]["rule"]["priority"], 7);
        assert_eq!(shown[0]["rule"]["rules"][1], json(rule));
        assert_eq!(
            json(&Categories::read(Some(&shown.to_string())).unwrap().to_setting())[0]["timberline"]["rule"],
            shown[0]["rule"]
        );
    }

    #[test]
    fn new_categories_get_ids_of_their_own() {
        let mut categories = Categories::read(Some(r#"[{"name":["A"],"id":4},{"name":["B"]}]"#)).unwrap();
        categories.number_new();
        categories
            .accept(&["C".to_owned()], &json(r#"{"type":"none"}"#))
            .unwrap();
        let ids: Vec<_> = categories.list.iter().map(Category::id).collect();
        assert_eq!(ids, [Some(4), Some(5), Some(6)]);
    }

    #[test]
    fn an_accepted_rule_joins_those_that_are_there() {
        let given = r#"[{"name":["A"],"data":{"color":"red"}},{"name":["B"],"rule":{"type":"regex","regex":"(?i)b"}},
            {"name":["C"],"rule":{"type":"regex","regex":"c","ignore_case":true,"priority":9}}]"#;
        let mut categories = Categories::read(Some(given)).unwrap();
        let rule = json(r#"{"type":"regex","regex":"^x$"}"#);
        for name in ["A", "B", "C", "D"] {
            categories.accept(&[name.to_owned()], &rule).unwrap();
        }
        let rules: Vec<&Json> = categories.list.iter().filter_map(Category::rule).collect();
        assert_eq!(rules[0], &rule);
        assert_eq!(rules[1], &json(r#"{"type":"regex","regex":"(?:(?i)b)|^x$"}"#));
        assert_eq!(
            (&rules[2]["type"], &rules[2]["priority"]),
            (&json(r#""or""#), &json("9"))
        );
        assert_eq!(rules[3], &rule);
        assert!(categories.to_setting().contains("red"));
    }

    #[test]
    fn what_is_not_a_list_of_categories_is_refused() {
        for (text, error) in [
            (r#"[{"name":[]}]"#, CategoriesError::Name(1)),
            (r#"[{"name":["A"]},{"name":[null]}]"#, CategoriesError::Name(2)),
            (r#"[{"name":["A"],"rule":[]}]"#, CategoriesError::Rule(1)),
        ] {
            assert_eq!(Categories::read(Some(text)).unwrap_err(), error);
        }
        assert!(matches!(
            Categories::read(Some("{}")),
            Err(CategoriesError::Json(_))
        ));
        assert_eq!(Categories::read(None).unwrap().list.len(), 15);
    }
}
