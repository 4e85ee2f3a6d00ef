//! The parts of Timberline's watchers: the client that loses nothing, the clocks, and the rules that make events out of
//! what happens on a desktop.
//!
//! | module | what it does |
//! |---|---|
//! | [`Client`] | sends heartbeats through a queue on disk; makes all calls of the API |
//! | [`clock`] | wall, monotonic and boot time behind a trait; notices sleep and clocks that were set |
//! | [`afk`] | computes AFK events from input, locks, sleep and clock steps |
//! | [`away`] | absences, and what somebody did in them |
//! | [`window`] | computes window events from windows and titles: settle time, rules, private windows |
//! | [`desktop`] | watches Wayland, X11 and D-Bus, and reports what happens there |
//! | `browser` | opens a page in the person's browser |
//! | `environment` | what the programs that Timberline starts are not passed on |
//! | [`modules`] | what records: each takes reports of the desktop and sends events |
//! | [`desk`] | what the tray and notifications need of this machine |
//! | [`notify`] | notifications on the desktop |
//! | [`tray`] | an icon in the tray of the desktop |
//! | [`supervisor`] | runs modules and programs of others, and restarts what ends |
//!
//! The first four know no desktop. `docs/watchers.md` says what is promised, `docs/afk.md` has the rules of AFK events.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

pub mod afk;
pub mod away;
mod backoff;
#[cfg(target_os = "linux")]
pub mod browser;
mod client;
pub mod clock;
mod data;
#[cfg(target_os = "linux")]
pub mod desk;
pub mod desktop;
#[cfg(target_os = "linux")]
mod environment;
mod length;
pub mod modules;
#[cfg(target_os = "linux")]
pub mod notify;
#[cfg(target_os = "linux")]
mod present;
mod queue;
#[cfg(target_os = "linux")]
pub mod supervisor;
#[cfg(target_os = "linux")]
pub mod tray;
pub mod window;

pub use client::{
    Answer, BucketHandle, BucketInfo, Call, CallError, Client, ClientOptions, Closed, ConfigError, Health,
    Method, NotSent, OpenError, Request, Server, ServerInfo, Transport,
};
pub use queue::{Bucket, QueueError, Stored};
