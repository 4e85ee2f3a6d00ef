//! A person's categories: the setting `classes` of the standard web UI, and what this server adds to it.
//!
//! | file | what |
//! |---|---|
//! | `setting` | the list of categories, as the setting has it and as the API shows it |
//! | `check` | what is wrong with a list |
//! | `own` | the rules of a snapshot's settings, for `categorize(events)` |
//! | `in_turn` | rules that were in force one after the other |
//! | `preview` | what other rules would move |
//! | `uncategorised` | what has no category, and rules for it |
//! | `work` | what the last two have in common |
//!
//! `docs/categories.md` explains the format.

mod check;
mod in_turn;
mod own;
mod preview;
mod setting;
mod uncategorised;
mod work;

pub use check::CategoryProblem;
pub use in_turn::rules_in_turn;
pub(crate) use own::{Own, OwnRules};
pub use preview::{CategoryMove, CategoryMoves};
pub use setting::{Categories, CategoriesError, Category, SETTING};
pub use uncategorised::{Feature, Suggestion, Uncategorised};
