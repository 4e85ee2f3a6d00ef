//! Sources of Wayland compositors: with a compositor that does what the test says, and with sway where it is installed.

mod compositor;
mod cosmic;
mod idle;
mod lock;
mod lost;
mod model;
mod sway;
mod watched;
mod wlr;
