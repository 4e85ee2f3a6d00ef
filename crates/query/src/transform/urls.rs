//! `split_url_events`: the parts of a URL as members of their own.

use std::sync::Arc;

use url::Url;

use crate::catalog::{Catalog, Interned, Member, ObjectId, Table, ValueId};
use crate::error::QueryError;
use crate::events::Events;
use crate::scope::Scope;

const DOMAIN: &str = "$domain";

/// The keys that are set, in canonical order.
const KEYS: [&str; 4] = [DOMAIN, "$params", "$path", "$protocol"];

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

/// Each object's domain: its `$domain` after [`split_url_events`], without what else that would add to the catalog.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    /// 0: it has none; else the number of the value + 1.
    objects: Table,
    /// For each URL its domain + 1; 0 if the value is no URL.
    urls: Table,
}

impl Domains {
    pub(crate) fn of(catalog: &Catalog) -> Arc<Domains> {
        catalog.memos.of::<Domains>()
    }

    #[inline]
    pub(crate) fn value(&self, catalog: &Catalog, object: ObjectId) -> Option<ValueId> {
        let answer = self.objects.get(object).unwrap_or_else(|| {
            let answer = self.find(catalog, object);
            self.objects.set(catalog, object, answer);
            answer
        });
        answer.checked_sub(1)
    }

    #[cold]
    fn find(&self, catalog: &Catalog, object: ObjectId) -> u32 {
        let url = catalog.member(object, catalog.string("url"));
        let of_url = url.map_or(0, |url| self.of_url(catalog, url));
        match of_url {
            0 => catalog
                .member(object, catalog.string(DOMAIN))
                .map_or(0, |domain| domain + 1),
            domain => domain,
        }
    }

    fn of_url(&self, catalog: &Catalog, url: ValueId) -> u32 {
        self.urls.get(url).unwrap_or_else(|| {
            let parsed = catalog.as_string(url).and_then(|url| Url::parse(&url).ok());
            let domain = parsed.map_or(0, |url| catalog.string(domain_of(&url)) + 1);
            self.urls.set(catalog, url, domain);
            domain
        })
    }
}

fn domain_of(url: &Url) -> &str {
    match url.host_str() {
        Some(host) => host.trim_start_matches("www."),
        None => url.scheme(),
    }
}

fn take_apart(catalog: &Catalog, value: ValueId) -> Option<[ValueId; 4]> {
    let url = Url::parse(&catalog.as_string(value)?).ok()?;
    let parts = [
        domain_of(&url),
        url.query().unwrap_or_default(),
        url.path(),
        url.scheme(),
    ];
    Some(parts.map(|part| catalog.string(part)))
}
