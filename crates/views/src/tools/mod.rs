//! For the tools that work on a data directory without a store: look, compare, repair.

pub(crate) mod inspect;
pub(crate) mod repair;
pub(crate) mod verify;
