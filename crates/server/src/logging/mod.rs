//! What the server says about itself: to standard error, to a daily file, and to `/api/0/log`.
//!
//! No title, address or other data of events goes in above debug level.

mod daily;
mod ring;

use std::io::IsTerminal;
use std::sync::Arc;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt};

use crate::settings::{Logging, SettingError};

use daily::DailyFiles;

pub(crate) use ring::Ring;

/// Keeps the log going; what is in flight is written when it is dropped.
pub(crate) struct Log {
    ring: Arc<Ring>,
    _writer: Option<WorkerGuard>,
}

impl Log {
    /// The newest lines.
    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring)
    }
}

/// Starts logging for this process. Without a place for log files it goes on without them: that is no
/// reason not to record.
///
/// # Errors
/// When the level cannot be read.
pub(crate) fn start(settings: &Logging) -> Result<Log, SettingError> {
    let filter = filter(&settings.level)?;
    let ring = Arc::new(Ring::default());
    let to_terminal = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let appender = settings.dir.as_deref().map(DailyFiles::open);
    let (writer, no_files) = match appender {
        Some(Ok(appender)) => (Some(appender), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    // A slow disk must not hold up a request that has something to say.
    let (writer, guard) = writer.map(tracing_appender::non_blocking).unzip();
    let to_file = writer.map(|writer| fmt::layer().with_writer(writer).with_ansi(false));
    let subscriber = tracing_subscriber::registry()
        .with(to_terminal.with_filter(filter.clone()))
        .with(to_file.with_filter(filter.clone()))
        .with(ring::RingLayer(Arc::clone(&ring)).with_filter(filter));
    // Only a test that starts several servers in one process gets an error here; the first log stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(error) = no_files {
        tracing::warn!(%error, "no log files (logging.dir), only standard error");
    }
    Ok(Log { ring, _writer: guard })
}

/// What to log: our own crates at the configured level, libraries only at a higher one.
fn filter(level: &str) -> Result<Targets, SettingError> {
    let wrong = |reason: String| SettingError {
        key: "logging.level".to_owned(),
        value: level.to_owned(),
        reason,
    };
    let targets: Targets = level.parse().map_err(|error| wrong(format!("{error}")))?;
    if level.contains('=') || level.contains(',') {
        return Ok(targets);
    }
    let level = level
        .parse::<tracing_subscriber::filter::LevelFilter>()
        .map_err(|_| {
            wrong(
                "must be error, warn, info, debug, trace, or a list such as \"warn,timberline_server=debug\""
                    .to_owned(),
            )
        })?;
    let libraries = level.min(tracing_subscriber::filter::LevelFilter::INFO);
    Ok(Targets::new()
        .with_default(libraries)
        .with_target("timberline", level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_is_for_us_and_not_for_the_libraries() {
        let filter = filter("debug").unwrap();
        assert!(filter.would_enable("timberline_server::http", &Level::DEBUG));
        assert!(!filter.would_enable("hyper", &Level::DEBUG));
    }

    #[test]
    fn a_list_is_taken_as_it_is() {
        let filter = filter("warn,timberline_log=trace").unwrap();
        assert!(filter.would_enable("timberline_log::sync", &Level::TRACE));
        assert!(!filter.would_enable("timberline_server", &Level::INFO));
    }

    #[test]
    fn a_wrong_level_is_an_error_with_its_key() {
        let error = filter("loud").unwrap_err().to_string();
        assert!(error.starts_with("logging.level = loud"), "{error}");
    }
}
