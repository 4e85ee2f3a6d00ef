//! What a token may do: one table, and one function that looks into it.
//!
//! A path that is not in the table is for tokens that may do everything. So a new route is closed until somebody decides
//! who may use it. `docs/access.md` shows the table; a test compares the two.

use http::Method;
use percent_encoding::percent_decode_str;

use super::scope::Scope;
use crate::pattern;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing: everyone may ask, also without credentials ([`super::is_open`]).
    Nothing,
    /// Knowing which buckets there are: every scope.
    Know,
    /// Adding to what is recorded.
    Append,
    /// Reading what is recorded.
    Read,
    /// Changing or deleting it.
    Write,
    /// Erasing for good; the server's own affairs.
    Admin,
}

impl Need {
    fn is_met_by(self, scope: Scope) -> bool {
        match self {
            Self::Nothing | Self::Know => true,
            Self::Append => matches!(scope, Scope::Append | Scope::Write | Scope::Admin),
            Self::Read => matches!(scope, Scope::Read | Scope::Write | Scope::Admin),
            Self::Write => matches!(scope, Scope::Write | Scope::Admin),
            Self::Admin => scope == Scope::Admin,
        }
    }
}

/// Which part of the store a route is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The bucket that the path names.
    Bucket,
    /// The list of buckets, or their contents. The answer has only those that the token is for.
    List,
    /// Several buckets, or what belongs to none.
    Store,
}

/// The segments of a path below `/api`; `{…}` stands for any one segment.
type Segments = &'static [&'static str];

const BUCKET: &str = "{bucket}";
const ANY: &str = "{}";

/// The table. The first row is nearly every request there is.
const TABLE: &[(&str, Segments, Need)] = &[
    ("POST", &["0", "buckets", BUCKET, "heartbeat"], Need::Append),
    ("GET", &["0", "info"], Need::Nothing),
    ("GET", &["0", "buckets"], Need::Know),
    ("GET", &["0", "buckets", BUCKET], Need::Know),
    ("POST", &["0", "buckets", BUCKET], Need::Append),
    ("PUT", &["0", "buckets", BUCKET], Need::Write),
    ("DELETE", &["0", "buckets", BUCKET], Need::Write),
    ("GET", &["0", "buckets", BUCKET, "events"], Need::Read),
    ("POST", &["0", "buckets", BUCKET, "events"], Need::Append),
    ("GET", &["0", "buckets", BUCKET, "events", "count"], Need::Read),
    ("GET", &["0", "buckets", BUCKET, "events", ANY], Need::Read),
    ("DELETE", &["0", "buckets", BUCKET, "events", ANY], Need::Write),
    ("GET", &["0", "buckets", BUCKET, "export"], Need::Read),
    ("GET", &["0", "export"], Need::Read),
    ("POST", &["0", "import"], Need::Write),
    ("POST", &["0", "query"], Need::Read),
    ("GET", &["0", "settings"], Need::Read),
    ("GET", &["0", "settings", ANY], Need::Read),
    ("POST", &["0", "settings", ANY], Need::Write),
    ("DELETE", &["0", "settings", ANY], Need::Write),
    ("GET", &["0", "log"], Need::Admin),
    (
        "GET",
        &["1", "buckets", BUCKET, "events", ANY, "history"],
        Need::Read,
    ),
    ("GET", &["1", "buckets"], Need::Know),
    ("PATCH", &["1", "buckets", BUCKET], Need::Write),
    ("POST", &["1", "buckets", BUCKET, "merge"], Need::Write),
    ("DELETE", &["1", "buckets"], Need::Write),
    ("POST", &["1", "heartbeats"], Need::Append),
    ("POST", &["1", "mcp"], Need::Read),
    ("GET", &["1", "events"], Need::Read),
    ("PATCH", &["1", "buckets", BUCKET, "events", ANY], Need::Write),
    (
        "POST",
        &["1", "buckets", BUCKET, "events", ANY, "split"],
        Need::Write,
    ),
    ("POST", &["1", "buckets", BUCKET, "events", "merge"], Need::Write),
    ("POST", &["1", "events", "edit"], Need::Write),
    ("POST", &["1", "events", "delete"], Need::Write),
    ("GET", &["1", "export"], Need::Read),
    ("GET", &["1", "timeline"], Need::Read),
    ("GET", &["1", "search"], Need::Read),
    ("POST", &["1", "export"], Need::Read),
    ("POST", &["1", "query", "explain"], Need::Read),
    ("GET", &["1", "stream"], Need::Read),
    ("GET", &["1", "categories"], Need::Read),
    ("PUT", &["1", "categories"], Need::Write),
    ("POST", &["1", "categories", "accept"], Need::Write),
    ("GET", &["1", "categories", "versions"], Need::Read),
    ("POST", &["1", "categories", "preview"], Need::Read),
    ("GET", &["1", "categories", "uncategorised"], Need::Read),
    ("POST", &["1", "privacy", "preview"], Need::Read),
    ("GET", &["1", "log"], Need::Read),
    ("GET", &["1", "trash"], Need::Read),
    ("POST", &["1", "trash", ANY, "restore"], Need::Write),
    ("POST", &["1", "undo"], Need::Write),
    ("POST", &["1", "purge"], Need::Admin),
    ("POST", &["1", "redact"], Need::Admin),
    ("GET", &["1", "watchers"], Need::Read),
    ("POST", &["1", "watchers", "enable"], Need::Write),
    ("POST", &["1", "watchers", "disable"], Need::Write),
    ("POST", &["1", "watchers", "pause"], Need::Write),
    ("POST", &["1", "watchers", "resume"], Need::Write),
    ("POST", &["1", "watchers", ANY, "enable"], Need::Write),
    ("POST", &["1", "watchers", ANY, "disable"], Need::Write),
    ("POST", &["1", "watchers", ANY, "pause"], Need::Write),
    ("POST", &["1", "watchers", ANY, "resume"], Need::Write),
    ("GET", &["1", "webhooks"], Need::Admin),
    ("POST", &["1", "webhooks"], Need::Admin),
    ("GET", &["1", "webhooks", ANY], Need::Admin),
    ("PATCH", &["1", "webhooks", ANY], Need::Admin),
    ("DELETE", &["1", "webhooks", ANY], Need::Admin),
    ("GET", &["1", "webhooks", ANY, "deliveries"], Need::Admin),
    ("POST", &["1", "webhooks", ANY, "replay"], Need::Admin),
    ("POST", &["1", "webhooks", ANY, "test"], Need::Admin),
    ("POST", &["1", "import", "detect"], Need::Admin),
    ("POST", &["1", "import", "run"], Need::Admin),
    ("GET", &["1", "import", "run", ANY], Need::Admin),
    ("DELETE", &["1", "import", "run", ANY], Need::Admin),
    ("GET", &["1", "webui"], Need::Know),
    ("POST", &["1", "webui"], Need::Write),
    ("POST", &["1", "fake"], Need::Admin),
    ("DELETE", &["1", "fake"], Need::Admin),
    ("GET", &["1", "activity"], Need::Read),
    ("GET", &["1", "usage"], Need::Read),
    ("GET", &["1", "status"], Need::Admin),
    ("GET", &["1", "doctor"], Need::Admin),
    (
        "POST",
        &["wakatime", "v1", "users", "current", "heartbeats"],
        Need::Append,
    ),
    (
        "POST",
        &["wakatime", "v1", "users", "current", "heartbeats.bulk"],
        Need::Append,
    ),
    (
        "GET",
        &["wakatime", "v1", "users", "current", "statusbar", "today"],
        Need::Read,
    ),
    ("GET", &["openapi.json"], Need::Nothing),
    ("GET", &["explorer.css"], Need::Nothing),
    ("GET", &["explorer.js"], Need::Nothing),
];

/// Whether a token of this scope for these buckets (none named: all) may send a request. The path must be normalised.
pub(super) fn allows(scope: Scope, buckets: &[String], method: &Method, path: &str) -> bool {
    let everything = buckets.is_empty();
    let Some((need, reach, bucket)) = route(method, path) else {
        return scope == Scope::Admin && everything;
    };
    need.is_met_by(scope)
        && match reach {
            Reach::List => true,
            Reach::Store => everything,
            Reach::Bucket => everything || bucket.is_some_and(|segment| names(buckets, segment)),
        }
}

/// How far a token may go with the bucket in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// As far as its scope.
    Scope,
    /// It may add to it, and no more.
    Recording,
    /// The request is refused.
    Nothing,
}

/// How far a token for these buckets may go with the bucket in the path of a request that [`allows`] lets through. The path
/// may name it by an alias: a watcher may go on recording under the name that its token is for, but only the id of a bucket
/// says whose events are in it. `id_of` gives the id of the bucket with a name.
pub(super) fn extent(
    buckets: &[String],
    method: &Method,
    path: &str,
    id_of: impl Fn(&str) -> Option<String>,
) -> Extent {
    if buckets.is_empty() {
        return Extent::Scope;
    }
    let Some((need, _, Some(segment))) = route(method, path) else {
        return Extent::Scope;
    };
    let id = percent_decode_str(segment)
        .decode_utf8()
        .ok()
        .and_then(|name| id_of(&name));
    match id {
        Some(id) if !covers(buckets, &id) && need == Need::Append => Extent::Recording,
        Some(id) if !covers(buckets, &id) => Extent::Nothing,
        _ => Extent::Scope,
    }
}

/// Whether a bucket is one of those that a token is for.
pub(super) fn covers(buckets: &[String], id: &str) -> bool {
    buckets.is_empty() || buckets.iter().any(|wanted| pattern::matches(wanted, id))
}

/// The same for a bucket as it stands in a path. The routes decode it in the same way.
fn names(buckets: &[String], segment: &str) -> bool {
    percent_decode_str(segment)
        .decode_utf8()
        .is_ok_and(|id| covers(buckets, &id))
}

/// The row of the table for a request, and the bucket in its path. `HEAD` is `GET` without the answer's body.
fn route<'a>(method: &Method, path: &'a str) -> Option<(Need, Reach, Option<&'a str>)> {
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    if matches!(
        (method, path.trim_end_matches('/')),
        ("GET", "/metrics") | ("POST", "/mcp")
    ) {
        return Some((Need::Read, Reach::Store, None));
    }
    let rest = path.strip_prefix("/api/")?.trim_end_matches('/');
    TABLE.iter().find_map(|(asked, segments, need)| {
        let bucket = (*asked == method).then(|| fit(segments, rest))??;
        let reach = match (bucket, *segments) {
            (Some(_), _) => Reach::Bucket,
            (None, ["0", "buckets"]) => Reach::List,
            (None, ["1", "buckets"]) if method == "GET" => Reach::List,
            (None, _) if *need == Need::Nothing => Reach::List,
            (None, ["1", "export"]) if method == "GET" => Reach::List,
            (None, ["1", "stream"]) => Reach::List,
            (None, ["1", "timeline" | "events" | "search"]) => Reach::List,
            // Those for other buckets are refused one by one.
            (None, ["1", "heartbeats"]) => Reach::List,
            (None, _) => Reach::Store,
        };
        Some((*need, reach, bucket))
    })
}

/// Whether a path has these segments, and the one that stands for a bucket. A literal segment is compared as it was sent:
/// the router decodes none either.
fn fit<'a>(segments: &[&str], path: &'a str) -> Option<Option<&'a str>> {
    let mut bucket = None;
    let mut sent = path.split('/');
    for wanted in segments {
        let segment = sent.next()?;
        match *wanted {
            BUCKET => bucket = Some(segment),
            ANY => {}
            literal if literal == segment => {}
            _ => return None,
        }
    }
    sent.next().is_none().then_some(bucket)
}

#[cfg(test)]
mod tests;
