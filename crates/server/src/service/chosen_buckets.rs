//! Which buckets a request is about that names them, or none.

use timberline_views::{BucketView, Snapshot};

use crate::pattern;

/// A pattern that fits no bucket that may be seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FitsNone(pub(crate) String);

/// The ids of the buckets that `may_see` lets pass and that fit one of the patterns, in which `*` stands for any text, or have
/// one of them as an alias; without patterns all that it lets pass. An archived bucket must be named.
///
/// # Errors
/// When a pattern fits none.
pub(crate) fn chosen_buckets(
    snapshot: &Snapshot,
    patterns: &[String],
    may_see: impl Fn(&str) -> bool,
) -> Result<Vec<String>, FitsNone> {
    let may_see = |view: &&BucketView| may_see(&view.bucket().id);
    let seen: Vec<&BucketView> = snapshot.buckets().filter(may_see).collect();
    let fits_none = |wanted: &&String| !seen.iter().any(|view| fits(view, wanted));
    if let Some(pattern) = patterns.iter().find(fits_none) {
        return Err(FitsNone(pattern.clone()));
    }
    let wanted = |view: &&BucketView| match patterns {
        [] => !view.is_archived(),
        patterns => patterns.iter().any(|wanted| fits(view, wanted)),
    };
    let chosen = seen.into_iter().filter(wanted);
    Ok(chosen.map(|view| view.bucket().id.clone()).collect())
}

/// Whether a bucket is named, or fits a pattern without being archived.
fn fits(view: &BucketView, wanted: &str) -> bool {
    let id = &view.bucket().id;
    *id == wanted
        || view.aliases().any(|alias| alias == wanted)
        || !view.is_archived() && pattern::matches(wanted, id)
}
