//! What records: one module for each kind of thing. A [`Module`] takes the reports of sources and makes events of them.
//!
//! The supervisor runs modules and external programs alike, and restarts what ends.
//!
//! | module | what it does |
//! |---|---|
//! | `module` | [`Module`], and what one needs to run |
//! | `status` | [`Status`]: how a module is, for `timberline status`, the API and the tray |

mod module;
mod status;

pub use module::{Context, Module, ModuleError, Running};
pub use status::{Backend, BackendState, State, Status};
