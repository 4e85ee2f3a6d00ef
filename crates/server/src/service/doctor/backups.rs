//! How old the backups are, and whether they can be reached.

use std::time::Duration;

use timberline_model::Timestamp;

use timberline_log::{SegmentInfo, Seq};

use super::{Check, Subject};
use crate::settings::Settings;
use timberline_backup::{Manifest, Registered, only_in_backup, registered, segments_to_erase};

const NAME: &str = "backups";
/// A backup that is older is worth a word.
const OLD: Duration = Duration::from_secs(30 * 86_400);

/// A clock may be off by that much without anybody minding.
const TOLERANCE: timberline_model::Duration = timberline_model::Duration::from_nanos(300 * 1_000_000_000);

pub(super) fn checks(subject: &Subject<'_>) -> Vec<Check> {
    let settings = subject.settings;
    let known = match registered(&settings.data_dir) {
        Ok(known) => known,
        Err(error) => return vec![Check::fail(NAME, subject.say(&error))],
    };
    let mut checks: Vec<Check> = known
        .iter()
        .filter_map(|backup| unreachable(subject, backup))
        .collect();
    let reachable = known.len() - checks.len();
    let log = timberline_views::tools::log_files(&settings.data_dir).and_then(|log| Ok(log.segments()?));
    // A log that cannot be read is reported with the log.
    let live = log.unwrap_or_default();
    let end = timberline_views::tools::log_files(&settings.data_dir).and_then(|log| Ok(log.newest()?));
    let end = end.ok();
    checks.extend(known.iter().filter_map(|backup| unclean(subject, &live, backup)));
    if let Some(end) = end {
        checks.extend(known.iter().filter_map(|backup| ahead(&live, end, backup)));
    }
    checks.push(newest(settings, &known, reachable));
    checks
}

fn unreachable(subject: &Subject<'_>, backup: &Registered) -> Option<Check> {
    let path = backup.path.display();
    match Manifest::read(&backup.path) {
        Ok(Some(_)) => None,
        Ok(None) => Some(Check::warn(
            NAME,
            format!(
                "{path} (of {}) cannot be reached: connect its disk before you purge, or strike it out of backups.json if it is gone",
                backup.time
            ),
        )),
        Err(error) => Some(Check::warn(NAME, subject.say(&error))),
    }
}

/// Whether a backup that can be reached holds what was erased from the log.
fn unclean(subject: &Subject<'_>, live: &[SegmentInfo], backup: &Registered) -> Option<Check> {
    let path = backup.path.display();
    match segments_to_erase(live, &backup.path) {
        Ok(Some(segments)) if !segments.is_empty() => Some(Check::warn(
            NAME,
            format!(
                "{path} holds {} segments as they were before something was erased or squashed: a running server brings them up to date within a minute, or run timberline backup {path}",
                segments.len()
            ),
        )),
        // One that cannot be reached has been reported.
        Ok(_) => None,
        Err(error) => Some(Check::warn(NAME, subject.say(&error))),
    }
}

/// Whether a backup that can be reached has what the log has lost.
fn ahead(live: &[SegmentInfo], end: Seq, backup: &Registered) -> Option<Check> {
    let only = only_in_backup(live, end, &backup.path).ok()??;
    let path = backup.path.display();
    Some(Check::warn(
        NAME,
        format!(
            "{path} has records {} to {} that the log has lost, or has others for: keep it, and look at it with timberline restore {path} --dbpath NEWDIR",
            only.start(),
            only.end()
        ),
    ))
}

fn newest(settings: &Settings, known: &[Registered], reachable: usize) -> Check {
    // The newest is the one that reaches furthest; what a clock said then may have been wrong.
    let newest = known.iter().max_by_key(|backup| backup.seq);
    let Some(newest) = newest.and_then(|backup| Timestamp::parse(&backup.time).ok()) else {
        return Check::warn(
            NAME,
            "none was ever made: timberline backup DIR, best on another disk",
        );
    };
    let now = Timestamp::from(timberline_clock::wall());
    let age = now.nanos().saturating_sub(newest.nanos());
    let age = Duration::from_nanos(u64::try_from(age).unwrap_or(0));
    let most = settings
        .backup
        .as_ref()
        .map_or(OLD, |automatic| automatic.every.saturating_mul(2));
    let text = format!(
        "{} known, {reachable} reachable, the newest is of {newest}",
        known.len()
    );
    if newest > now.saturating_add(TOLERANCE) {
        Check::warn(
            NAME,
            format!("{text}, which is to come: the clock was wrong when it was made, or is now"),
        )
    } else if age > most {
        Check::warn(NAME, format!("{text}: make one, timberline backup DIR"))
    } else {
        Check::ok(NAME, text)
    }
}
