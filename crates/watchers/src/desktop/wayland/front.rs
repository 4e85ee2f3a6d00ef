//! Reports the window in front, as the compositor describes it.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Sleep;
use wayland_client::backend::ObjectId;

use super::monitors::NamesMonitors;
use super::windows::Look;
use super::wire::{Wire, in_time};
use crate::desktop::changes::Changes;
use crate::desktop::{At, Lost, Reports, Session, Sighting};
use crate::window::Front;

/// How long to wait for a complete state. sway reports in two steps that another window has the
/// focus, and between them none has it; a new window may get its name after the focus.
const COALESCE: Duration = Duration::from_millis(20);

/// A source of windows.
pub(super) trait Toplevels: NamesMonitors {
    /// Fails if the compositor does not offer what is needed, or no longer.
    fn check(&mut self) -> Result<(), Lost>;

    /// Whether all windows that were there at the beginning are described.
    fn complete(&self) -> bool;

    /// What the compositor says of the window in front.
    fn front(&self) -> Option<&Look<ObjectId>>;
}

/// Reports the window in front, as `state` learns it.
pub(super) async fn watch<S: Toplevels>(
    session: &Session,
    mut state: S,
    reports: Reports<Option<Sighting>>,
) -> Result<Infallible, Lost> {
    let mut wire = in_time(begin(session, &mut state)).await?;
    let mut changes = Changes::default();
    let mut coalescing: Option<Pin<Box<Sleep>>> = None;
    // The state at the beginning is complete.
    let mut waited = true;
    loop {
        let now = reports.clock().read().wall;
        if let Some(At { time, report }) = changes.observe(now, sighting(&mut state), waited) {
            reports.send_at(time, report);
        }
        if changes.is_waiting() {
            coalescing.get_or_insert_with(|| Box::pin(tokio::time::sleep(COALESCE)));
        } else {
            coalescing = None;
        }
        waited = match &mut coalescing {
            None => wire.next(&mut state).await.map(|()| false),
            Some(time) => tokio::select! {
                biased;
                read = wire.next(&mut state) => read.map(|()| false),
                () = time => Ok(true),
            },
        }?;
        state.check()?;
    }
}

/// Connects, and learns what there is.
async fn begin<S: Toplevels>(session: &Session, state: &mut S) -> Result<Wire<S>, Lost> {
    let mut wire = Wire::open(session, state).await?;
    state.check()?;
    wire.answered(state).await?;
    while !state.complete() {
        wire.next(state).await?;
    }
    state.check()?;
    Ok(wire)
}

fn sighting<S: Toplevels>(state: &mut S) -> Option<Sighting> {
    let look = state.front()?.clone();
    let monitors = state.monitors();
    Some(Sighting {
        front: Front {
            app: look.app,
            title: look.title,
        },
        full_screen: look.full_screen,
        monitor: look
            .monitors
            .iter()
            .find_map(|output| monitors.name(output))
            .map(str::to_owned),
        ..Sighting::default()
    })
}
