//! The directories that are served: the web UI, and custom pages by name.

use std::collections::BTreeMap;

use super::site::Site;
use crate::http::{ApiError, decode_segment};
use crate::settings::Settings;

/// The directories that are served.
#[derive(Debug)]
pub(crate) struct Sites {
    web: Option<Site>,
    pages: BTreeMap<String, Site>,
}

impl Sites {
    /// A directory that is missing is logged, and served as soon as it exists: a web UI that was uninstalled is no reason
    /// to stop recording.
    pub(crate) fn new(settings: &Settings) -> Self {
        let site = |dir: &std::path::PathBuf| {
            if !dir.is_dir() {
                tracing::warn!(dir = %dir.display(), "this directory is to be served, but is not there");
            }
            Site::new(dir.clone())
        };
        Self {
            web: settings.pages.web_ui.as_ref().map(site),
            pages: settings
                .pages
                .custom
                .iter()
                .map(|(name, dir)| (name.clone(), site(dir)))
                .collect(),
        }
    }

    /// The site that `path` lies in, and the rest of it.
    pub(super) fn of<'a>(&self, path: &'a str) -> Result<Option<(&Site, &'a str)>, ApiError> {
        let Some(rest) = path.strip_prefix("/pages/") else {
            let rest = path.strip_prefix('/').unwrap_or(path);
            return Ok(self.web.as_ref().map(|site| (site, rest)));
        };
        let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let name = decode_segment(name)?;
        Ok(self.pages.get(name.as_ref()).map(|site| (site, rest)))
    }
}
