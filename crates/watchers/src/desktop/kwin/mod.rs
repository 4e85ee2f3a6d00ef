//! What KWin says: the window in front, by a script of ours that runs in KWin.
//!
//! KWin offers no protocol for it. Its scripts can call D-Bus, and one can be loaded by D-Bus.
//!
//! | module | what it does |
//! |---|---|
//! | `script.js` | the script: calls us when the window in front changes |
//! | `scripting` | loads and unloads it, in KWin 5.27 and 6 |
//! | `source` | the source [`KWinScript`] |

mod scripting;
mod source;

pub use source::KWinScript;
