//! Paths of requests: empty segments are ignored.
//!
//! Programs with aw-client-rust from before 2026-04 (such as awatcher up to 0.3.3) put `/api/0/…` behind
//! a base address that ends with a slash, and so ask for `//api/0/…`. The reference servers answer that.

use http::Uri;

use crate::settings::BasePath;

/// Takes the empty segments out of the path. This comes before every check, so that all of them and the
/// router see one path. Percent escapes stay as they are: `%2F` is no slash, neither here nor in the router.
pub(crate) fn normalise(uri: &mut Uri) {
    let path = uri.path();
    if !path.contains("//") {
        return;
    }
    let mut target = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        target.push('/');
        target.push_str(segment);
    }
    if path.ends_with('/') {
        target.push('/');
    }
    replace_path(uri, &target);
}

/// Takes the base path away, below which a proxy shows this server. Paths without it are left as they are: programs on this
/// machine, and proxies that take it away themselves, ask so. This too comes before every check.
pub(crate) fn without_base(uri: &mut Uri, base: &BasePath) {
    if base.as_str().is_empty() {
        return;
    }
    let rest = uri.path().strip_prefix(base.as_str());
    if let Some(rest) = rest.filter(|rest| rest.starts_with('/')).map(str::to_owned) {
        replace_path(uri, &rest);
    }
}

/// Paths of the API mean the same with and without a slash at their end; the router knows them
/// without.
pub(crate) fn without_trailing_slash(uri: &mut Uri) {
    let path = uri.path();
    if path.starts_with("/api/") && path.ends_with('/') {
        let shorter = path.trim_end_matches('/').to_owned();
        replace_path(uri, &shorter);
    }
}

fn replace_path(uri: &mut Uri, path: &str) {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    // It was a target before, and still is. If not, no route has that path, so nothing is let in.
    if let Ok(target) = Uri::try_from(target) {
        *uri = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_segments_mean_nothing() {
        for (from, to) in [
            ("//api/0/info", "/api/0/info"),
            ("///api/0/info", "/api/0/info"),
            ("/api//0/info?a=//b", "/api/0/info?a=//b"),
            ("/api/0//buckets///x//events", "/api/0/buckets/x/events"),
            ("/api/0/buckets//", "/api/0/buckets/"),
            ("//", "/"),
            ("/api/0/buckets/a%2F%2Fb", "/api/0/buckets/a%2F%2Fb"),
            ("/%2Fapi/0/info", "/%2Fapi/0/info"),
            ("http://localhost:5600//api/0/info", "/api/0/info"),
        ] {
            let mut uri: Uri = from.parse().unwrap();
            normalise(&mut uri);
            assert_eq!(uri.to_string(), to, "{from}");
        }
    }

    #[test]
    fn the_base_path_is_taken_away_once() {
        let base = BasePath::parse("/aw").unwrap();
        for (from, to) in [
            ("/aw/api/0/info?a=/aw/b", "/api/0/info?a=/aw/b"),
            ("/aw/", "/"),
            ("//aw//api/0/info", "/api/0/info"),
            ("/aw/aw/api/0/info", "/aw/api/0/info"),
            ("/aw", "/aw"),
            ("/awx/api", "/awx/api"),
            ("/api/0/info", "/api/0/info"),
            ("/%61w/api/0/info", "/%61w/api/0/info"),
            ("/AW/api/0/info", "/AW/api/0/info"),
            ("/aw%2Fapi/0/info", "/aw%2Fapi/0/info"),
        ] {
            let mut uri: Uri = from.parse().unwrap();
            normalise(&mut uri);
            without_base(&mut uri, &base);
            assert_eq!(uri.to_string(), to, "{from}");
        }
    }

    #[test]
    fn only_the_api_loses_its_trailing_slash() {
        for (from, to) in [
            ("/api/0/buckets/", "/api/0/buckets"),
            (
                "/api/0/buckets/x/events/?limit=1",
                "/api/0/buckets/x/events?limit=1",
            ),
            ("/api/", "/api"),
            ("/pages/x/", "/pages/x/"),
            ("/", "/"),
        ] {
            let mut uri: Uri = from.parse().unwrap();
            without_trailing_slash(&mut uri);
            assert_eq!(uri.to_string(), to);
        }
    }
}
