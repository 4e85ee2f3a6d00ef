//! The part of a bucket's view that is still in memory: sorted runs of rows over a dictionary.

mod dictionary;
mod run;

pub(crate) use dictionary::{HeadDictionary, Interner, next_dictionary};
pub(crate) use run::{Run, push_run};
