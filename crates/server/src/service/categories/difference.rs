//! What one version of the categories changed of another: by name, which is how people know them.

use std::collections::BTreeMap;

use timberline_query::categories::Category;

use super::stored::Stored;

/// The names of what differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: Vec<Vec<String>>,
    pub(crate) removed: Vec<Vec<String>>,
    pub(crate) changed: Vec<Vec<String>>,
}

impl Difference {
    /// From an earlier version to a later one. One that cannot be read has no categories.
    pub(crate) fn between(earlier: &Stored, later: &Stored) -> Difference {
        let (mut before, after) = (by_name(earlier), by_name(later));
        let mut difference = Difference::default();
        for (name, text) in after {
            match before.remove(&name) {
                None => difference.added.push(name),
                Some(earlier) if earlier != text => difference.changed.push(name),
                Some(_) => {}
            }
        }
        difference.removed = before.into_keys().collect();
        difference
    }
}

/// Everything that the categories of a name have, but for their ids, which the web UI gives out again.
fn by_name(stored: &Stored) -> BTreeMap<Vec<String>, Vec<String>> {
    let mut by_name: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    let list = stored.categories.iter().flat_map(|categories| categories.list());
    for category in list {
        by_name
            .entry(category.name().to_vec())
            .or_default()
            .push(text(category));
    }
    by_name
}

fn text(category: &Category) -> String {
    let mut members = category.to_api();
    members.remove("id");
    serde_json::to_string(&members).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_differs_and_new_ids_are_no_difference() {
        let stored = |text: &str| Stored::read(Some(text.to_owned()));
        let earlier = stored(
            r#"[{"name":["A"],"id":1},{"name":["B"],"rule":{"type":"none"},"id":2},{"name":["C"],"id":3}]"#,
        );
        let later = stored(
            r#"[{"name":["B"],"rule":{"type":"regex","regex":"x"},"id":0},{"name":["C"],"id":1},{"name":["D","E"]}]"#,
        );
        let names = |names: &[&[&str]]| -> Vec<Vec<String>> {
            names
                .iter()
                .map(|name| name.iter().map(|part| (*part).to_owned()).collect())
                .collect()
        };
        let expected = Difference {
            added: names(&[&["D", "E"]]),
            removed: names(&[&["A"]]),
            changed: names(&[&["B"]]),
        };
        assert_eq!(Difference::between(&earlier, &later), expected);
        assert_eq!(Difference::between(&later, &later), Difference::default());
    }
}
