//! Which rule is for which bucket.

use crate::pattern::matches;
use crate::settings::RetentionRule;

/// The rule that keeps the events of a bucket for the shortest time.
pub(crate) fn strictest<'a>(rules: &'a [RetentionRule], bucket: &str) -> Option<&'a RetentionRule> {
    let of_it = rules.iter().filter(|rule| matches(&rule.bucket, bucket));
    of_it.min_by_key(|rule| rule.keep)
}
