//! Timberline's query engine: the query language of both ActivityWatch servers, run on columns of a snapshot.
//!
//! A query reads a bucket's events from the views as columns, in which data objects are numbers. Questions about data
//! (which category, does this pattern match) are answered once for each distinct object, and the answers are kept across
//! requests. Results are cached until the underlying events change. `docs/query.md` describes the language.
//!
//! | module | contents |
//! |---|---|
//! | [`syntax`] | text to tree |
//! | `program` | the cache of parsed programs |
//! | `evaluate` | runs a tree on one period |
//! | `run`, `period`, `trace` | what a run is given and has read; its period; its steps and their times |
//! | `function` | the functions of the language: names, arguments, errors |
//! | `transform` | computes lists of events from lists of events; each transform owns what it keeps in the catalog |
//! | `rules`, `pattern` | rules of categories and tags, regular expressions |
//! | [`categories`] | the categories of the settings |
//! | `value` | the values of a program |
//! | `events`, `totals` | lists of events as columns, and their sums |
//! | `load` | reads a bucket into columns |
//! | `catalog` | distinct data, numbered, and the answers about them |
//! | `cache` | cached results |
//! | `json`, `answer` | results as text |
//! | `limits`, `scope`, `spare` | the bounds of a query; what transforms get; columns that are used again |
//! | `error`, `warning` | why there is no answer; what an answer leaves out |
//! | `search` | which data have something in them, their time, and when |
//! | `timeline` | what is drawn of any length of time: spans, each with how much of it is covered and by what |
//! | [`activity`] | what a person did |
//! | [`clock`], [`calendar`] | the time zones that a person lived in; when days, weeks, months and years begin there |
//! | `engine` | puts all of it together: threads, caches, counters |
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

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

pub mod activity;
mod answer;
mod cache;
pub mod calendar;
mod catalog;
pub mod categories;
pub mod clock;
mod engine;
mod error;
mod evaluate;
mod events;
mod function;
mod json;
mod limits;
mod load;
mod pattern;
mod period;
mod program;
mod rules;
mod run;
mod scope;
mod search;
mod spare;
pub mod syntax;
mod timeline;
mod totals;
mod trace;
mod transform;
mod value;
mod warning;

pub use answer::Answer;
pub use engine::{Engine, Metrics, Query};
pub use error::{ErrorKind, Limited, QueryError};
pub use limits::Limits;
pub use period::{Period, PeriodError};
pub use search::{Cursor, Hit, HitSpan, Hits, NoCursor, Search, SearchError, SearchQuery};
pub use timberline_cancel::Cancel;
pub use timeline::{CategoriesQuery, Lane, LaneName, Span, Timeline, TimelineQuery};
pub use trace::{Explanation, Step};
pub use warning::Warning;
