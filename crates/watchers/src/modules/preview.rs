//! Shows what would be recorded of windows, for users who try rules. Nothing is stored.

use std::sync::Arc;

use timberline_model::Timestamp;

use super::chooser::{Chooser, Feed};
use super::options::{Options, OptionsError};
use super::sources::Sources;
use super::status::Backend;
use crate::clock::Clock;
use crate::desktop::{At, Session, Sighting};
use crate::window::{Explanation, Rules};

/// Something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// The states of the backends. Shown when they change.
    Backends(Vec<Backend>),
    /// Another window is in front, or another title; `None`: no window is.
    Front {
        /// Since when.
        at: Timestamp,
        /// The window, and what would be recorded of it.
        window: Option<(Sighting, Explanation)>,
    },
}

/// Shows what is in front and what would be recorded of it, until it is dropped. All titles are shown, also those that last too
/// short to become events.
///
/// # Errors
/// When a rule is not valid.
pub async fn preview_windows(
    options: &Options,
    session: &Arc<Session>,
    clock: &Arc<dyn Clock>,
    show: impl FnMut(Preview),
) -> Result<std::convert::Infallible, OptionsError> {
    let sources = Sources::of_this_system(options);
    let chooser = Chooser::start((sources.window)(session), clock);
    Ok(follow(chooser, &options.window.compile()?, show).await)
}

pub(super) async fn follow(
    mut chooser: Chooser<Option<Sighting>>,
    rules: &Rules,
    mut show: impl FnMut(Preview),
) -> std::convert::Infallible {
    let mut backends = Vec::new();
    loop {
        let feed = chooser.next().await;
        let now = chooser.backends();
        if now != backends {
            show(Preview::Backends(now.clone()));
            backends = now;
        }
        match feed {
            Some(Feed::Report(At { time, report })) => show(Preview::Front {
                at: time,
                window: report.map(|sighting| {
                    let explanation = rules.explain(&sighting.front);
                    (sighting, explanation)
                }),
            }),
            Some(Feed::From(at, None)) => show(Preview::Front { at, window: None }),
            Some(Feed::From(_, Some(_))) | None => {}
        }
    }
}
