//! The tests of this crate, in one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

mod afk_documentation;
mod afk_model;
#[cfg(target_os = "linux")]
mod dbus;
#[cfg(target_os = "linux")]
mod desktops;
#[cfg(target_os = "linux")]
mod watched;
#[cfg(target_os = "linux")]
mod wayland;
mod window_documentation;
mod window_model;
#[cfg(target_os = "linux")]
mod x11;
