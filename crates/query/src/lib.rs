//! Timberline's query engine: the query language of both ActivityWatch servers, run on columns of a snapshot.
//!
//! A bucket's events come out of its views as columns over numbered data objects. Whatever a function asks about data is
//! asked once for each distinct object and remembered across requests; results are remembered for as long as nothing
//! changes that they were made of. `docs/query.md` describes the language.
//!
//! | room | what is in it |
//! |---|---|
//! | [`syntax`] | text to tree |
//! | `program` | trees of programs that come again |
//! | `evaluate` | running a tree on one period |
//! | `function` | the functions: names, arguments, errors |
//! | `transform` | lists of events to lists of events |
//! | `rules`, `pattern` | rules of categories and tags, regular expressions |
//! | `events`, `totals`, `value` | columns of events; what they add up to; what names stand for |
//! | `spare` | large columns that are used again |
//! | `catalog` | distinct data, and what was found out about them |
//! | `cache` | results |
//! | `json`, `answer` | results to text |
//! | `limits`, `error` | what a query may use, and what it is told |
//! | `warning` | what an answer does not take into account |
//! | `engine` | all of it together |
//!
//! ```
//! use timberline_model::{Bucket, Data, Duration, NewEvent, Timestamp};
//! use timberline_query::{Cancel, Engine, Limits, Period, Query};
//! use timberline_views::{Store, StoreOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let (store, _) = Store::open(dir.path(), StoreOptions::default())?;
//! # store.create_bucket(&Bucket {
//! #     id: "windows".into(), type_: String::new(), client: String::new(), hostname: String::new(),
//! #     created: Timestamp::now(), data: Data::default(), last_updated: None,
//! # })?;
//! store.insert_events("windows", &[NewEvent {
//!     id: None,
//!     start: Timestamp::parse("2024-03-01T10:00:00Z")?,
//!     duration: Duration::from_nanos(1_500_000_000),
//!     data: r#"{"app":"vim"}"#.into(),
//! }])?;
//! let engine = Engine::new(Limits::default())?;
//! let query = Query {
//!     program: r#"RETURN = sum_durations(filter_keyvals(query_bucket("windows"), "app", ["vim"]));"#.into(),
//!     periods: vec![Period::parse("2024-03-01T00:00:00Z/2024-03-02T00:00:00Z")?],
//!     name: String::new(),
//!     past: false,
//! };
//! let answer = engine.run(&store.snapshot(), &query, &Cancel::new())?;
//! assert_eq!(answer.to_json(), b"[1.5]");
//! # store.close()?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod cache;
mod catalog;
mod engine;
mod error;
mod evaluate;
mod events;
mod function;
mod json;
mod limits;
mod pattern;
mod program;
mod rules;
mod spare;
pub mod syntax;
mod totals;
mod transform;
mod value;
mod warning;

pub use answer::Answer;
pub use engine::{Engine, Metrics, Query};
pub use error::{ErrorKind, Limited, QueryError};
pub use evaluate::{Explanation, Period, PeriodError, Step};
pub use limits::Limits;
pub use timberline_cancel::Cancel;
pub use warning::Warning;
