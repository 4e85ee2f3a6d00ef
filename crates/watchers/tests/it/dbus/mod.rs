//! The sources on message buses, with a private bus, and services of the test's own on it.

pub(crate) mod bus;
mod gnome;
mod kwin;
mod logind;
mod mpris;
mod mutter;
mod screensaver;
mod services;
