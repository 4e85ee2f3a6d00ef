//! What browsers, Prometheus and service managers ask for: the web UI, files, the status page, `/metrics`, `/health`, `/ready`.

pub(crate) mod explorer;
pub(crate) mod files;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod status_page;
pub(crate) mod ui;
