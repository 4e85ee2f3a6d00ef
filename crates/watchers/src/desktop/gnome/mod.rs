//! What GNOME Shell says: the window in front, by an extension of ours, and whether there is input.
//!
//! GNOME offers no protocol for windows, and no interface that is open to others.
//!
//! | module | what it does |
//! |---|---|
//! | `extension` | puts the extension where GNOME Shell finds it, and takes it away: [`install`], [`uninstall`] |
//! | `window` | the source [`GnomeExtension`]: the window in front |
//! | `idle` | the source [`MutterIdle`]: whether there is input, also without the extension |

mod extension;
mod idle;
mod window;

pub use extension::{InstallError, ShellVersion, UUID, install, uninstall};
pub use idle::MutterIdle;
pub use window::GnomeExtension;
