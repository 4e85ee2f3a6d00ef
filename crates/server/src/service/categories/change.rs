//! Stores other categories, unless somebody was faster.

use serde_json::Value as Json;
use timberline_query::Engine;
use timberline_query::categories::{Categories, CategoriesError, CategoryProblem, SETTING};
use timberline_views::Receipt;

use super::stored::Stored;
use crate::app::App;
use crate::service::setting::VALUE_BYTES;
use crate::service::write_hold::HoldError;

/// The most problems that an error names.
const MAX_PROBLEMS: usize = 5;
/// How often a change is made again because others were faster.
const MAX_ATTEMPTS: usize = 16;

/// What is to be changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// All categories.
    Replace(Categories),
    /// A rule is added to a category, which is created if there is none of this name.
    Accept { name: Vec<String>, rule: Json },
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// What is to be stored is not a list of categories.
    #[error(transparent)]
    Form(#[from] CategoriesError),
    /// What is stored is not one, so nothing can be added to it.
    #[error("the setting {SETTING} cannot be read ({0}); PUT /api/1/categories replaces it")]
    Unreadable(CategoriesError),
    #[error("{0}")]
    Problems(String),
    #[error("the categories are {0} bytes long; a setting may have {VALUE_BYTES}")]
    TooLarge(usize),
    /// They are not those that the change was made from.
    #[error(
        "the categories have changed: their version is now {now}. Read them again, and repeat the change"
    )]
    Outdated { now: String },
    #[error("the categories are being changed all the time; try again")]
    Busy,
    #[error(transparent)]
    Hold(#[from] HoldError),
}

/// Makes a change. With `expected`, only if that accepts the tag of the present version. Gives the new version, and a receipt if
/// something was written.
///
/// # Errors
/// [`ChangeError`]
pub(crate) async fn change(
    app: &App,
    change: &Change,
    expected: Option<&(dyn Fn(&str) -> bool + Sync)>,
) -> Result<(Stored, Option<Receipt>), ChangeError> {
    for _ in 0..MAX_ATTEMPTS {
        let now = Stored::of(&app.store.snapshot());
        if expected.is_some_and(|accepts| !accepts(&now.tag())) {
            return Err(ChangeError::Outdated { now: now.tag() });
        }
        let text = tokio::task::block_in_place(|| changed(&app.engine, &now, change))?;
        if now.text.as_ref() == Some(&text) {
            return Ok((now, None));
        }
        let write = || app.store.replace_setting(SETTING, now.text.as_deref(), &text);
        if let Some(receipt) = app.hold.write(text.len(), write).await? {
            return Ok((Stored::read(Some(text)), Some(receipt)));
        }
    }
    Err(ChangeError::Busy)
}

/// The new value of the setting.
fn changed(engine: &Engine, now: &Stored, change: &Change) -> Result<String, ChangeError> {
    let categories = match change {
        Change::Replace(list) => {
            let mut categories = list.clone();
            categories.number_new();
            categories
        }
        Change::Accept { name, rule } => {
            let mut categories = now.categories.clone().map_err(ChangeError::Unreadable)?;
            categories.accept(name, rule)?;
            categories
        }
    };
    check(engine, &categories)?;
    let text = categories.to_setting();
    match text.len() {
        length if length > VALUE_BYTES => Err(ChangeError::TooLarge(length)),
        _ => Ok(text),
    }
}

/// Checks that categories can be used.
///
/// # Errors
/// [`ChangeError::Problems`]
pub(crate) fn check(engine: &Engine, categories: &Categories) -> Result<(), ChangeError> {
    let problems = engine.check_categories(categories);
    match problems.is_empty() {
        true => Ok(()),
        false => Err(ChangeError::Problems(text_of(&problems))),
    }
}

fn text_of(problems: &[CategoryProblem]) -> String {
    let mut texts: Vec<String> = problems
        .iter()
        .take(MAX_PROBLEMS)
        .map(ToString::to_string)
        .collect();
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join("; ")
}
