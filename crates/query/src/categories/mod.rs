//! A person's categories: the setting `classes` of the standard web UI, and what this server adds to it.
//!
//! | file | what |
//! |---|---|
//! | `setting` | the list of categories, as the setting has it and as the API shows it |
//! | `check` | what is wrong with a list |
//! | `own` | the rules of a snapshot's settings, for `categorize(events)` |
//!
//! `docs/categories.md` explains the format.

mod check;
mod own;
mod setting;

pub use check::CategoryProblem;
pub(crate) use own::{Own, OwnRules};
pub use setting::{Categories, CategoriesError, Category, SETTING};
