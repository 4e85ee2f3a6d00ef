//! `split_url_events`: the parts of a URL as members of their own.

use url::Url;

use crate::catalog::{Catalog, Interned, Member, ObjectId, Table, ValueId};
use crate::error::QueryError;
use crate::events::Events;
use crate::scope::Scope;

/// The keys that are set, in canonical order.
const KEYS: [&str; 4] = ["$domain", "$params", "$path", "$protocol"];

/// Adds `$protocol`, `$domain` (without `www.`; the protocol where there is no host), `$path` and `$params` (the query)
/// to data whose `url` can be read, as browsers read it.
pub(crate) fn split_url_events(scope: Scope<'_>, events: &Events) -> Result<Events, QueryError> {
    let catalog = scope.catalog;
    let urls = catalog.memos.of::<Urls>();
    let url = catalog.string("url");
    let keys = KEYS.map(|key| catalog.string(key));
    events.map_data(scope, |object| {
        urls.objects.get_or(catalog, object, || {
            scope.guard.check()?;
            let parts = catalog
                .member(object, url)
                .and_then(|url| urls.parts(catalog, url));
            Ok(parts.map_or(object, |parts| with_parts(catalog, object, keys, parts)))
        })
    })
}

fn with_parts(catalog: &Catalog, object: ObjectId, keys: [ValueId; 4], parts: &[ValueId]) -> ObjectId {
    let members = keys.iter().zip(parts);
    let members: Vec<Member> = members
        .map(|(key, value)| Member {
            key: *key,
            value: *value,
        })
        .collect();
    catalog.with_members(object, &members)
}

/// URLs that queries have split.
#[derive(Debug, Default)]
struct Urls {
    /// Each object with the parts of its URL.
    objects: Table,
    /// For each value: 0 if it is no URL, else the number of its parts + 1.
    values: Table,
    /// What is set for the [`KEYS`].
    parts: Interned<[ValueId]>,
}

impl Urls {
    /// The parts of a URL; none if the value is not a URL.
    fn parts(&self, catalog: &Catalog, value: ValueId) -> Option<&[ValueId]> {
        let answer = self.values.get(value).unwrap_or_else(|| {
            let answer = take_apart(catalog, value).map_or(0, |parts| {
                let (number, grown) = self.parts.intern(&parts);
                catalog.grown(grown);
                number + 1
            });
            self.values.set(catalog, value, answer);
            answer
        });
        self.parts.get(answer.checked_sub(1)?)
    }
}

fn take_apart(catalog: &Catalog, value: ValueId) -> Option<[ValueId; 4]> {
    let url = Url::parse(&catalog.as_string(value)?).ok()?;
    let domain = match url.host_str() {
        Some(host) => host.trim_start_matches("www."),
        None => url.scheme(),
    };
    let parts = [domain, url.query().unwrap_or_default(), url.path(), url.scheme()];
    Some(parts.map(|part| catalog.string(part)))
}
