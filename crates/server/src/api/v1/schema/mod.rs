//! JSON of v1 that is made without a type of its own, described for the OpenAPI document. An endpoint that has types
//! needs nothing here: they are described where they are.

mod buckets;
mod erasure;
mod events;
mod files;
mod history;
mod live;
mod time;

pub(crate) use self::buckets::*;
pub(crate) use self::erasure::*;
pub(crate) use self::events::*;
pub(crate) use self::files::*;
pub(crate) use self::history::*;
pub(crate) use self::live::*;
pub(crate) use self::time::*;
