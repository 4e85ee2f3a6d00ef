//! What readers see: a snapshot, and in it one view of each bucket.
//!
//! A view is an immutable value that shares its parts with the one before it. Reads never lock; the fold makes new
//! views. A bucket's events lie in [view segments](crate::segment) on disk and in a [head](crate::head) in memory:
//! reading merges the two.

mod bucket;
mod changes;
mod columns;
mod listing;
mod located;
mod masked_segment;
mod occurrences;
pub(crate) mod page;
mod read;
mod replacement;
mod snapshot;
mod sweep;

pub use bucket::BucketView;
pub(crate) use bucket::{EventLocation, LastEvent, OpenEvent};
pub(crate) use changes::Changes;
pub use columns::{Columns, DataDictionary, HeadData, Renumber, SegmentData, column};
pub(crate) use listing::Listing;
pub(crate) use located::Located;
pub(crate) use masked_segment::{MaskedSegment, RemovedEvents};
pub use occurrences::{DataSource, Occurrence};
pub use read::{EventRef, Events};
pub(crate) use replacement::{Loss, Replacement};
pub use snapshot::{Erasures, Snapshot, Trashed};
pub use sweep::{Piece, Sweep};
