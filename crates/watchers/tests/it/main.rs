//! The tests of this crate, in one program.

mod afk_model;
mod window_model;
