//! Is everything as it should be, and what to do where it is not? These checks read, and are right also while a server runs
//! here: `timberline doctor` makes them, and `GET /api/1/doctor`.
//!
//! | file | what it looks at |
//! |---|---|
//! | `data_dir` | the data directory: disk, permissions |
//! | `start` | whether a server would start: the identity, the configuration, the store; what its scrub has found |
//! | `history` | the log: formats, segments, times |
//! | `views` | view segments that were damaged and set aside |
//! | `backups` | how old they are, whether they can be reached |
//! | `erasing` | whether anything is erased because of its age |

mod backups;
mod data_dir;
mod erasing;
mod history;
mod start;
mod views;

use std::error::Error;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timberline_disk::Cipher;
use utoipa::ToSchema;

use crate::service::privacy::damaged_key;
use crate::settings::Settings;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CheckOutcome)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is as it should be.
    Ok,
    /// It works, but somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

/// A check that was made. The text says what was found and, if that is not well, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub check: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, in one line.
    pub text: String,
}

impl Check {
    /// It is as it should be.
    pub fn ok(check: &'static str, text: impl Into<String>) -> Check {
        Check {
            check,
            outcome: Outcome::Ok,
            text: text.into(),
        }
    }

    /// Somebody should look at it.
    pub fn warn(check: &'static str, text: impl Into<String>) -> Check {
        Check {
            outcome: Outcome::Warn,
            ..Check::ok(check, text)
        }
    }

    /// It does not work.
    pub fn fail(check: &'static str, text: impl Into<String>) -> Check {
        Check {
            outcome: Outcome::Fail,
            ..Check::ok(check, text)
        }
    }
}

/// What is looked at.
pub struct Subject<'a> {
    /// What a server here goes by, with the data directory.
    pub settings: &'a Settings,
    /// What the data are encrypted with, or why that is not known.
    pub cipher: Result<Option<&'a Arc<Cipher>>, String>,
    /// An error with its causes, and what to do about it.
    pub explain: &'a dyn Fn(&(dyn Error + 'static)) -> String,
}

impl Subject<'_> {
    fn say(&self, error: &(dyn Error + 'static)) -> String {
        (self.explain)(error)
    }

    /// Makes all checks.
    #[must_use]
    pub fn examine(&self) -> Vec<Check> {
        let mut checks = data_dir::checks(self.settings);
        checks.extend(start::checks(self));
        checks.extend(history::checks(self));
        checks.push(views::set_aside(self));
        // Whether the key of the privacy filters' hashes can be used.
        checks.extend(damaged_key(&self.settings.data_dir).map(|why| Check::warn("privacy", why)));
        checks.extend(backups::checks(self));
        checks.extend(erasing::checks(self.settings));
        checks
    }
}
