//! The modules on a desktop that does what a test says, in fake time.

pub(crate) mod desk;
mod probing;
mod quarter;
mod script;
mod window;
