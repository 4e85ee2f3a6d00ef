//! Which Timberline this is: version, commit, date. The build script finds them out.

use timberline_server::settings::Build;

/// Version, commit and date, as `--version` shows them.
pub(crate) const TEXT: &str = env!("TIMBERLINE_BUILD_VERSION");

/// The same for the server.
pub(crate) const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    commit: option_env!("TIMBERLINE_BUILD_COMMIT"),
    date: option_env!("TIMBERLINE_BUILD_DATE"),
};
