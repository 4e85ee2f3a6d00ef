//! `split_url_events`: the parts of a URL as members of their own.

use url::Url;

use super::Scope;
use crate::catalog::{Catalog, Member, ObjectId};
use crate::error::QueryError;
use crate::events::Events;

/// Adds `$protocol`, `$domain` (without `www.`; the protocol where there is no host), `$path` and `$params` (the query)
/// to data whose `url` can be read, as browsers read it.
pub(crate) fn split_url_events(scope: Scope<'_>, events: &Events) -> Result<Events, QueryError> {
    let catalog = scope.catalog;
    events.map_data(scope.guard, |object| {
        catalog.memos.urls.get_or(catalog, object, || {
            Ok(with_parts(catalog, object).unwrap_or(object))
        })
    })
}

fn with_parts(catalog: &Catalog, object: ObjectId) -> Option<ObjectId> {
    let url = catalog.as_string(catalog.member(object, catalog.string("url"))?)?;
    let url = Url::parse(&url).ok()?;
    let domain = match url.host_str() {
        Some(host) => host.trim_start_matches("www."),
        None => url.scheme(),
    };
    let part = |key: &str, text: &str| Member {
        key: catalog.string(key),
        value: catalog.string(text),
    };
    let parts = [
        part("$protocol", url.scheme()),
        part("$domain", domain),
        part("$path", url.path()),
        part("$params", url.query().unwrap_or_default()),
    ];
    Some(catalog.with_members(object, &parts))
}
