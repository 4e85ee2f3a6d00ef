//! Whether anything is erased because of its age: the clock, and what retention holds back.

use std::path::Path;

use timberline_views::time_trust::{Clock, TimeTrust, clock_trust};

use super::Check;
use crate::service::retention::{Holds, strictest};
use crate::settings::Settings;

const ERASING: &str = "erasing";
const RETENTION: &str = "retention";

pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![clock(&settings.data_dir)];
    match Holds::read(&settings.data_dir) {
        Ok(holds) => checks.extend(held(settings, &holds)),
        Err(error) => checks.push(Check::warn(RETENTION, error.to_string())),
    }
    checks
}

fn clock(data_dir: &Path) -> Check {
    match clock_trust(data_dir, &Clock::system()) {
        Ok(None) => Check::ok(ERASING, "no server has compared the clocks here yet"),
        Ok(Some(TimeTrust::Trusted(_))) => {
            Check::ok(ERASING, "the clock is trusted: what is old enough is erased")
        }
        Ok(Some(TimeTrust::Suspended(why))) => Check::warn(
            ERASING,
            format!("suspended: {why}. To confirm it, run `timberline doctor --trust-clock`"),
        ),
        Err(error) => Check::warn(
            ERASING,
            format!("what is known about the clock cannot be read: {error}"),
        ),
    }
}

/// What is held by a rule that is still in the configuration.
fn held(settings: &Settings, holds: &Holds) -> Vec<Check> {
    let of_a_rule = holds
        .held()
        .filter(|(bucket, _)| strictest(&settings.retention, bucket).is_some());
    of_a_rule
        .map(|(bucket, held)| {
            let what = held.explain(bucket);
            let how = format!("To confirm it, run `timberline doctor --confirm-retention {bucket}`");
            Check::warn(RETENTION, format!("{what}. {how}"))
        })
        .collect()
}
