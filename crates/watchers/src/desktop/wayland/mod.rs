//! Watching Wayland compositors.
//!
//! A compositor offers *globals*, each of an interface and a version. Which of them a source needs, and which compositors have
//! them, is in `docs/platforms.md`. Each source has a connection of its own, so that nothing that goes wrong with one ends
//! another. It waits for the socket in the runtime of tokio, and wakes only when the compositor has something to say.
//!
//! | module | what it does |
//! |---|---|
//! | `connection` | finds the compositor's socket and connects |
//! | `wire` | reads what the compositor sends, without blocking |
//! | `registry` | the compositor's globals, as they come and go |
//! | `offer` | what the compositor offers, for a person |
//! | `protocols` | protocols that are described in `crates/watchers/protocols` |
//! | `monitors` | the names of monitors |
//! | `windows` | the open windows, and which one is in front |
//! | `front` | reports the window in front, as the compositor describes it |
//! | `wlr` | windows of sway, labwc, Hyprland, niri and others |
//! | `cosmic` | windows of COSMIC |
//! | `idle` | when keyboard and pointer are used |
//! | `hyprland` | locks of Hyprland |

mod connection;
mod cosmic;
mod front;
mod hyprland;
mod idle;
mod monitors;
mod offer;
mod protocols;
mod registry;
mod windows;
mod wire;
mod wlr;

pub use cosmic::CosmicToplevel;
pub use hyprland::HyprlandLock;
pub use idle::{ExtIdleNotify, KdeIdle};
pub use offer::{Offer, offers};
pub use wlr::WlrForeignToplevel;
