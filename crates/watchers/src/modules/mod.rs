//! The modules, which do the recording, one for each kind of data. A [`Module`] turns the reports of sources into events.
//!
//! The supervisor runs modules and external programs alike, and restarts what ends.
//!
//! | module | what it does |
//! |---|---|
//! | `module` | [`Module`], and what it needs to run |
//! | `status` | [`Status`]: the status of a module, for `timberline status`, the API and the tray |
//! | `options` | [`Options`]: what a person can choose |
//! | `sources` | which sources the modules use, in the order of preference |
//! | `probing` | keeps sources running, and restarts those that have ended |
//! | `chooser` | uses the best source that works |
//! | `facts` | locks, other users, sleep and clock steps, for all modules |
//! | `drive` | the loop of all modules: waits, and passes on what happens |
//! | `spans` | events of something that has one state at a time |
//! | `state` | modules that record one state at a time |
//! | `board` | what modules know that is a reason for `afk` |
//! | `window` | the window in front |
//! | `afk` | whether the user is present, and the reasons |
//! | `input` | how much keyboard and pointer are used |
//! | `lid` | the lid, and sleep |
//! | `microphone` | which programs record sound |
//! | `preview` | what would be recorded of windows |

mod afk;
mod board;
mod chooser;
mod drive;
mod facts;
mod input;
mod lid;
#[cfg(target_os = "linux")]
mod microphone;
mod module;
mod options;
mod preview;
mod probing;
mod sources;
mod spans;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use afk::AfkModule;
use board::Board;
use input::InputModule;
use lid::LidModule;
#[cfg(target_os = "linux")]
use microphone::MicrophoneModule;
use sources::Sources;
use state::StateModule;
use window::WindowModule;

#[cfg(target_os = "linux")]
use crate::desktop::{cameras::Cameras, mpris::Mpris, services};

pub(crate) use module::Ends;
pub use module::{Context, Module, ModuleError, Running};
pub use options::{AfkOptions, InputOptions, MediaOptions, Options, OptionsError, WindowOptions};
pub use preview::{Preview, preview_windows};
pub use status::{Backend, BackendState, State, Status};

/// The modules of this system, in the order in which a person would list them.
#[cfg(target_os = "linux")]
#[must_use]
pub fn builtin(options: &Options) -> Vec<Arc<dyn Module>> {
    let sources = Arc::new(Sources::of_this_system(options));
    let board = Board::new();
    vec![
        Arc::new(WindowModule {
            options: options.window.clone(),
            sources: Arc::clone(&sources),
            board: board.clone(),
        }),
        Arc::new(AfkModule {
            options: options.afk.clone(),
            sources: Arc::clone(&sources),
            board: board.clone(),
        }),
        Arc::new(StateModule {
            name: "media",
            client: "aw-watcher-media-player",
            bucket_type: "currently-playing",
            sources: {
                let ignored = options.media.ignored_players.clone();
                Box::new(move |session| vec![Box::new(Mpris::new(Arc::clone(session), ignored.clone()))])
            },
        }),
        Arc::new(MicrophoneModule { board }),
        Arc::new(StateModule {
            name: "camera",
            client: "timberline-camera",
            bucket_type: "timberline.camera",
            sources: Box::new(|_| vec![Box::new(Cameras)]),
        }),
        Arc::new(InputModule {
            sources: Arc::clone(&sources),
        }),
        Arc::new(LidModule { sources }),
        Arc::new(StateModule {
            name: "network",
            client: "aw-watcher-netstatus",
            bucket_type: "networkstatus",
            sources: Box::new(|session| {
                vec![
                    Box::new(services::network_manager(Arc::clone(session))),
                    Box::new(services::networkd(Arc::clone(session))),
                ]
            }),
        }),
    ]
}
