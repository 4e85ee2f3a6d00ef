//! Which rule is for which bucket.

use crate::settings::RetentionRule;

/// The rule that keeps the events of a bucket for the shortest time.
pub fn strictest<'a>(rules: &'a [RetentionRule], bucket: &str) -> Option<&'a RetentionRule> {
    let of_it = rules.iter().filter(|rule| matches(&rule.bucket, bucket));
    of_it.min_by_key(|rule| rule.keep)
}

/// Whether an id is what a rule names; `*` stands for anything.
fn matches(rule: &str, id: &str) -> bool {
    let Some((first, rest)) = rule.split_once('*') else {
        return rule == id;
    };
    let Some(mut left) = id.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (rule, id, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
            ("*window*", "aw-watcher-window_h", true),
        ] {
            assert_eq!(matches(rule, id), expected, "{rule} {id}");
        }
    }
}
