//! One bucket: what a snapshot shows of it ([`view`]), how it is read ([`read`]), how the fold changes it ([`fold`]).

mod fold;
mod read;
mod view;

pub(crate) use fold::BucketState;
pub use read::{EventRef, Events};
pub use view::BucketView;
pub(crate) use view::{LastEvent, Sealed};
