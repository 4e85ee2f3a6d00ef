//! What browsers and Prometheus ask for: files, the status page, `/metrics`.

pub(crate) mod files;
pub(crate) mod metrics;
pub(crate) mod status_page;
