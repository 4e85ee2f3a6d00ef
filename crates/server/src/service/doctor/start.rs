//! Whether a server would start: the checks that it makes itself, without its lock and without changing anything. And
//! what its scrub has found.

use timberline_views::tools::check_start;

use super::{Check, Subject};
use crate::http::guard::check_settings;
use crate::identity::Identity;
use crate::service::scrub::Progress;
use crate::settings::Settings;

const NAME: &str = "start";
/// Damaged places that are listed; `timberline log verify` lists all.
const MAX: usize = 20;

pub(super) fn checks(subject: &Subject<'_>) -> Vec<Check> {
    let settings = subject.settings;
    let identity = match Identity::find(settings) {
        Ok(identity) => identity,
        Err(error) => return vec![Check::fail("identity", subject.say(&error))],
    };
    let mut checks = vec![of_identity(&identity)];
    if let Err(error) = check_settings(settings, &identity.hostname) {
        checks.push(Check::fail("configuration", subject.say(&error)));
    }
    checks.extend(of_store(subject));
    checks.extend(of_scrub(settings));
    checks
}

/// What a server has found that reads everything once in a while.
fn of_scrub(settings: &Settings) -> Vec<Check> {
    const NAME: &str = "scrub";
    let progress = Progress::read(&settings.data_dir);
    let found = progress.known_damage();
    if found.is_empty() {
        let text = match &progress.finished {
            Some(time) => format!("everything was read at {time}, and nothing was damaged"),
            None => "not everything was read yet; a server does it once in a while".to_owned(),
        };
        return vec![Check::ok(NAME, text)];
    }
    let listed = found.iter().take(MAX);
    listed
        .map(|what| {
            let text = format!("{what}. Run `timberline log verify` to see whether it still is so, then `timberline log repair`");
            Check::fail(NAME, text)
        })
        .collect()
}

fn of_identity(identity: &Identity) -> Check {
    match identity.restored() {
        Some(what) => Check::warn(
            "identity",
            format!(
                "the file device_id {what}: the next start restores the id {} from the log's segments",
                identity.device_id
            ),
        ),
        None => Check::ok("identity", format!("the device id is {}", identity.device_id)),
    }
}

fn of_store(subject: &Subject<'_>) -> Vec<Check> {
    let cipher = match &subject.cipher {
        Ok(cipher) => *cipher,
        Err(why) => return vec![Check::fail(NAME, why)],
    };
    let report = match check_start(&subject.settings.data_dir, cipher) {
        Ok(report) => report,
        Err(error) => return vec![Check::fail(NAME, subject.say(&error))],
    };
    let damage = report.damage.iter().take(MAX).map(|damage| {
        Check::fail(
            NAME,
            format!("{damage}. Put the file back from a backup, or run `timberline log repair`"),
        )
    });
    let mut checks: Vec<Check> = damage.collect();
    if report.damage.len() > MAX {
        let more = report.damage.len() - MAX;
        checks.push(Check::fail(
            NAME,
            format!("and {more} more damaged places: run `timberline log verify`"),
        ));
    }
    if checks.is_empty() {
        let text = format!("a server would start, with the records up to {}", report.seq);
        checks.push(Check::ok(NAME, text));
    }
    checks
}
