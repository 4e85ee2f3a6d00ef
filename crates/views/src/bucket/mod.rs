//! One bucket: what a snapshot shows of it ([`view`]), how it is read, event by event ([`read`]) or as columns
//! ([`columns`]), how the fold changes it ([`fold`]), and which part of its time was changed when ([`changes`]).

mod changes;
mod columns;
mod fold;
mod read;
mod view;

pub(crate) use changes::Changes;
pub use columns::{Columns, DataDictionary, HeadData, Renumber, SegmentData, column};
pub(crate) use fold::{BucketState, SEAL_ROWS};
pub use read::{EventRef, Events};
pub use view::BucketView;
pub(crate) use view::{LastEvent, Sealed};
