//! One bucket: what a snapshot shows of it ([`view`]), how it is read, event by event ([`read`]) or as columns
//! ([`columns`]), how the fold changes it ([`fold`]), where its events lie, found before the lock ([`located`]), and which part of its time was changed when ([`changes`]).

mod changes;
mod columns;
mod fold;
mod located;
mod read;
mod replacement;
mod view;

pub(crate) use changes::Changes;
pub use columns::{Columns, DataDictionary, HeadData, Renumber, SegmentData, column};
pub(crate) use fold::{BucketState, SEAL_ROWS};
pub(crate) use located::Located;
pub use read::{EventRef, Events};
pub(crate) use replacement::Replacement;
pub use view::BucketView;
pub(crate) use view::{LastEvent, Sealed};
