//! Invents weeks of a person who does not exist: what the deployed watchers would have recorded of a developer, a student
//! or a manager. For demos, screenshots, tests and benchmarks.
//!
//! The crate is a function from a [`Plan`] to buckets and events. It reads no clock, no file and no random numbers of the
//! system: the same plan gives the same bytes, on every machine. Each day depends only on the seed and its date, so a longer
//! plan contains a shorter one.
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | what is asked for, checked |
//! | `random` | the random numbers |
//! | `day`, `year` | local time; holidays, vacations, sick days |
//! | `schedule` | when the person sits at which device |
//! | `agenda` | the meetings and lectures of a day |
//! | `activity` | what the person does, and for how long |
//! | `scenes/` | the windows that each activity shows |
//! | `words` | names, files, titles, addresses |
//! | `watchers` | what each watcher makes of it |
//! | `device` | one device through one day |
//! | `buckets` | the buckets, and how they are marked |
//! | `export` | all of it as an ActivityWatch export |
//!
//! ```
//! use timberline_fake::{Plan, Profile, Wanted};
//! use timberline_model::Timestamp;
//!
//! let plan = Plan::new(&Wanted {
//!     days: 7,
//!     seed: 1,
//!     devices: 1,
//!     profile: Profile::Developer,
//!     start: Some("2026-03-02"),
//!     zone: "Europe/Berlin",
//!     now: Timestamp::parse("2026-06-01T00:00:00Z")?,
//! })?;
//! assert_eq!(plan.buckets()[0].id, "aw-watcher-window_fake-laptop");
//! let events: usize = plan.batches().map(|batch| batch.events.len()).sum();
//! assert!(events > 5_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

mod activity;
mod agenda;
mod buckets;
mod day;
mod device;
mod export;
mod plan;
mod random;
mod scenes;
mod schedule;
mod watchers;
mod words;
mod year;

pub use buckets::{FakeBucket, is_fake};
pub use export::write_export;
pub use plan::{Batch, Batches, MAX_DAYS, MAX_DEVICES, Plan, PlanError, Profile, Wanted};
