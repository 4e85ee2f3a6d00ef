//! Which web UI is at `/`: Timberline's own, or the standard one of ActivityWatch, if the server has its directory.
//!
//! The configuration may decide it. If it does not, a setting of the store does, which the switch sets; and without that the
//! standard one is served whenever a directory is given.

use timberline_views::Snapshot;

use crate::app::App;
use crate::settings::WebUi;

/// The setting. The standard web UI ignores keys with an underscore at their beginning.
pub(crate) const SETTING: &str = "_webui";

/// Which web UI is at `/`.
pub(crate) fn served(app: &App) -> WebUi {
    let pages = &app.settings.pages;
    if pages.web_ui.is_none() {
        return WebUi::Timberline;
    }
    pages
        .serve
        .or_else(|| chosen(&app.store.snapshot()))
        .unwrap_or(WebUi::Standard)
}

fn chosen(snapshot: &Snapshot) -> Option<WebUi> {
    serde_json::from_str(snapshot.settings().get(SETTING)?).ok()
}

/// What the setting is for a web UI.
pub(crate) fn stored(web_ui: WebUi) -> &'static str {
    match web_ui {
        WebUi::Timberline => "\"timberline\"",
        WebUi::Standard => "\"standard\"",
    }
}
