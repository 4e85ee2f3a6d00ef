//! Which buckets a request is about that names them, or none.

use timberline_views::Snapshot;

use crate::pattern;

/// A pattern that fits no bucket that may be seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FitsNone(pub(crate) String);

/// The ids of the buckets that `may_see` lets pass and that fit one of the patterns, in which `*` stands for any text;
/// without patterns all that it lets pass.
///
/// # Errors
/// When a pattern fits none.
pub(crate) fn chosen_buckets(
    snapshot: &Snapshot,
    patterns: &[String],
    may_see: impl Fn(&str) -> bool,
) -> Result<Vec<String>, FitsNone> {
    let ids = snapshot.buckets().map(|view| &view.bucket().id);
    let seen: Vec<&String> = ids.filter(|id| may_see(id)).collect();
    let fits_none = |wanted: &&String| !seen.iter().any(|id| pattern::matches(wanted, id));
    if let Some(pattern) = patterns.iter().find(fits_none) {
        return Err(FitsNone(pattern.clone()));
    }
    let wanted =
        |id: &&String| patterns.is_empty() || patterns.iter().any(|wanted| pattern::matches(wanted, id));
    Ok(seen.into_iter().filter(wanted).cloned().collect())
}
