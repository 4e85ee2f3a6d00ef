//! `simplify_window_titles`: without what changes while the window stays the same.

use std::sync::LazyLock;

use regex::Regex;

use crate::catalog::{Catalog, Member, Memo, ObjectId, Table, ValueId};
use crate::error::QueryError;
use crate::events::Events;
use crate::scope::Scope;

#[allow(
    clippy::expect_used,
    reason = "the patterns are constants, and a test uses each"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// How many notifications there are: "(2) Facebook".
static COUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\([0-9]+\)\s*"));
/// The frame rate of a game.
static FRAME_RATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"FPS:\s+[0-9\.]+"));
/// That a file is not saved: "● main.rs", "*notes".
static UNSAVED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(●|\*)\s*"));

/// For each key, each object with the string under the key simplified.
#[derive(Debug, Default)]
struct Titles(Memo<ValueId, Table>);

/// Simplifies the string under `key`: of any, the number of notifications goes; of the title of a window, which is
/// one with an app, also the frame rate and the mark that it is not saved.
pub(crate) fn simplify_window_titles(
    scope: Scope<'_>,
    events: &Events,
    key: &str,
) -> Result<Events, QueryError> {
    let catalog = scope.catalog;
    let (key_id, app) = (catalog.string(key), catalog.string("app"));
    let known = catalog
        .memos
        .of::<Titles>()
        .0
        .get_or_insert(key_id, Table::default);
    let simplify = |object| simplified(catalog, object, key_id, key == "title", app).unwrap_or(object);
    events.map_data(scope, |object| {
        known.get_or(catalog, object, || Ok(simplify(object)))
    })
}

fn simplified(
    catalog: &Catalog,
    object: ObjectId,
    key: ValueId,
    is_title: bool,
    app: ValueId,
) -> Option<ObjectId> {
    let title = catalog.as_string(catalog.member(object, key)?)?;
    let mut simple = COUNT.replace(&title, "").into_owned();
    if is_title && catalog.member(object, app).is_some() {
        simple = FRAME_RATE.replace_all(&simple, "FPS: ...").into_owned();
        simple = UNSAVED.replace(&simple, "").into_owned();
    }
    let value = catalog.string(&simple);
    Some(catalog.with_members(object, &[Member { key, value }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_takes_away_what_it_is_for() {
        assert_eq!(COUNT.replace("(12) a (3)", ""), "a (3)");
        assert_eq!(
            FRAME_RATE.replace_all("x FPS: 59.2 - y", "FPS: ..."),
            "x FPS: ... - y"
        );
        assert_eq!(UNSAVED.replace("● a", ""), "a");
        assert_eq!(UNSAVED.replace("*a", ""), "a");
    }
}
