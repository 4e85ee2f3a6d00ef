//! Search: which data have something in them, how much time was spent on them, and when.
//!
//! A search looks at distinct data and not at events: first at the dictionaries of the sources that a bucket consists of
//! ([`matcher`]), then at what the objects found add up to, or at the rows that refer to them ([`find`]). What is found in several sources and
//! buckets is put together ([`hits`]), and for the hits of a page their newest events are looked up ([`spans`]). Nothing
//! is kept, so there is nothing that an erasure would have to reach.
//!
//! | file | what |
//! |---|---|
//! | `syntax` | words, phrases, expressions, fields, negations |
//! | `fold` | texts without case and accents |
//! | `matcher` | the objects of a dictionary that are found |
//! | `find` | their time, in all sources of all buckets |
//! | `hits` | the same in different sources is one hit; their order; a page of them |
//! | `spans` | the newest events of each hit |
//! | `json` | the answer as text |

mod find;
mod fold;
mod hits;
mod json;
mod matcher;
mod spans;
mod syntax;

use timberline_cancel::Cancel;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::{Snapshot, TimeRange};

use self::find::{Found, Place};
use self::hits::Groups;
pub use self::hits::{Cursor, NoCursor};
use self::matcher::Matcher;
pub use self::syntax::SearchError;
use self::syntax::Terms;
use crate::engine::Engine;
use crate::error::QueryError;

/// A text that was understood.
#[derive(Debug)]
pub struct Search {
    matcher: Matcher,
}

impl Search {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// When there is nothing to look for, too much of it, or an expression cannot be used.
    pub fn parse(text: &str) -> Result<Search, SearchError> {
        Ok(Search {
            matcher: Matcher::new(Terms::parse(text)?),
        })
    }
}

/// Where to search, and how much to answer.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// The buckets. Those that are not there are left out.
    pub buckets: Vec<String>,
    /// Only the time in this range counts.
    pub range: TimeRange,
    /// Hits of one answer.
    pub limit: usize,
    /// Events of each hit.
    pub spans: usize,
    /// The hits after this one.
    pub after: Option<Cursor>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Hits {
    /// Those with most time first.
    pub hits: Vec<Hit>,
    /// How many there are in all.
    pub total: usize,
    /// Their time, in all.
    pub time: Duration,
    /// Continues the list, if there are more.
    pub next: Option<Cursor>,
}

/// Something that was found: data that have the same texts, in buckets of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The type of the buckets.
    pub type_: String,
    /// The data of its newest event, as canonical JSON text.
    pub data: String,
    /// The time of its events within the range, added up.
    pub time: Duration,
    /// How many events.
    pub events: u64,
    /// When the first one began.
    pub first: Timestamp,
    /// When the last one ended.
    pub last: Timestamp,
    /// The newest events.
    pub spans: Vec<HitSpan>,
}

/// An event of a hit.
#[derive(Clone, Debug, PartialEq)]
pub struct HitSpan {
    /// The bucket.
    pub bucket: String,
    /// The id of the event.
    pub id: EventId,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// Files that are damaged while they are read are read again so often.
const ATTEMPTS: usize = 3;

impl Engine {
    /// Searches.
    ///
    /// # Errors
    /// When a view segment cannot be read, or a limit is reached.
    pub fn search(
        &self,
        snapshot: &Snapshot,
        search: &Search,
        query: &SearchQuery,
        cancel: &Cancel,
    ) -> Result<Hits, QueryError> {
        let guard = self.guard(cancel);
        let views = query.buckets.iter().filter_map(|id| snapshot.bucket(id));
        let views: Vec<_> = views.collect();
        let mut attempt = 1;
        loop {
            let places = Place::all(&views, query.range)?;
            let found = self.install(|| Found::all(&places, search, query.range, &guard))?;
            let groups = Groups::of(&places, &found, &guard)?;
            let page = groups.page(query);
            let spans = spans::newest(&places, &found, &groups, &page, query, &guard)?;
            let hits = groups.answer(&page, spans);
            // Whether a file was damaged meanwhile is known now; the next attempt reads what was healed.
            let mut holds = true;
            for place in &places {
                holds &= place.source.holds()?;
            }
            if holds || attempt == ATTEMPTS {
                return Ok(hits);
            }
            attempt += 1;
        }
    }
}
