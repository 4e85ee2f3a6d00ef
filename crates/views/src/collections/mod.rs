//! Collections that snapshots and heads are made of.

mod byte_list;
mod persistent;

pub use byte_list::ByteList;
pub(crate) use persistent::{Names, Table};
