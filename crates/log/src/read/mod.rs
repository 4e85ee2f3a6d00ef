//! Reading: one segment ([`probe`], [`scan`]) and the whole log ([`reader`]).

pub(crate) mod damage;
pub(crate) mod open_files;
pub(crate) mod probe;
pub(crate) mod reader;
pub(crate) mod scan;
pub(crate) mod window;
