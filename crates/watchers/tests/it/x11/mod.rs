//! The sources of an X server, with a real one: Xvfb, with openbox as window manager.

mod front;
mod idle;
mod input;
mod lock;
mod quiet;
mod screen;
