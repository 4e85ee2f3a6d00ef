//! Rules that were in force one after the other, as one list of rules.

use serde_json::{Map, Value as Json, json};
use timberline_model::Timestamp;

/// One list of `[category, rule]` for several, each of which holds from its instant on, until the next one's; the first also
/// before. A turn that is over when it begins does not count.
#[must_use]
pub fn rules_in_turn(turns: &[(Timestamp, Json)]) -> Json {
    if let [(_, only)] = turns {
        return only.clone();
    }
    let (mut all, mut is_first) = (Vec::new(), true);
    for (i, (from, rules)) in turns.iter().enumerate() {
        if turns.get(i + 1).is_some_and(|(to, _)| to <= from) {
            continue;
        }
        let mut when = Map::from_iter([("type".to_owned(), json!("between"))]);
        if !is_first {
            when.insert("from".to_owned(), json!(from.to_string()));
        }
        is_first = false;
        if let Some((to, _)) = turns.get(i + 1) {
            when.insert("to".to_owned(), json!(to.to_string()));
        }
        let pairs = rules.as_array().into_iter().flatten();
        all.extend(pairs.filter_map(|pair| limited(pair, &when)));
    }
    Json::Array(all)
}

/// A `[category, rule]` that holds only while a condition does. It keeps its priority.
fn limited(pair: &Json, when: &Map<String, Json>) -> Option<Json> {
    let (name, rule) = (pair.get(0)?, pair.get(1)?);
    let mut limited = Map::from_iter([
        ("type".to_owned(), json!("and")),
        ("rules".to_owned(), json!([when, rule])),
    ]);
    if let Some(priority) = rule.get("priority").or(rule.get("weight")) {
        limited.insert("priority".to_owned(), priority.clone());
    }
    Some(json!([name, limited]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_its_time() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let rules = |regex: &str| json!([[["A"], {"type": "regex", "regex": regex, "priority": 3}]]);
        let turns = [
            (at("2024-01-01T00:00:00Z"), rules("x")),
            (at("2024-02-01T00:00:00Z"), rules("y")),
        ];
        let all = rules_in_turn(&turns);
        let when = |i: usize| &all[i][1]["rules"][0];
        assert_eq!(when(0), &json!({"type": "between", "to": "2024-02-01T00:00:00Z"}));
        assert_eq!(
            when(1),
            &json!({"type": "between", "from": "2024-02-01T00:00:00Z"})
        );
        assert_eq!(rules_in_turn(&turns[..1]), turns[0].1);
        let at_once = [turns[0].clone(), turns[0].clone(), turns[1].clone()];
        assert_eq!(rules_in_turn(&at_once).as_array().map(Vec::len), Some(2));
        assert_eq!(
            (&all[1][1]["rules"][1]["regex"], &all[1][1]["priority"]),
            (&json!("y"), &json!(3))
        );
    }
}
