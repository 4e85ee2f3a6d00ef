//! The `Sec-Fetch-*` headers: what a browser says about the page that made it send a request.
//!
//! A page can make a browser send a request without an `Origin`: for an image, a script, a frame. It
//! cannot read the answer, but it learns whether we are there and how long an answer takes. Browsers
//! name the relation of the page to us in `Sec-Fetch-Site`, which no page can forge.

use http::{HeaderMap, Method};

/// Whether a request without an accepted origin comes from a page of another site, or for private
/// answers also from another origin of ours (another port).
pub(super) fn is_foreign(method: &Method, headers: &HeaderMap, private: bool) -> bool {
    let value = |name: &str| headers.get(name).map(http::HeaderValue::as_bytes);
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let foreign = sites.any(|site| match site.as_bytes() {
        b"cross-site" => true,
        b"same-site" => private,
        _ => false,
    });
    foreign && !is_navigation(method, value("sec-fetch-mode"), value("sec-fetch-dest"))
}

/// Whether the user followed a link to us: the page that it was on is left and sees nothing of it. A frame
/// within a page is not that.
fn is_navigation(method: &Method, mode: Option<&[u8]>, dest: Option<&[u8]>) -> bool {
    (method == Method::GET || method == Method::HEAD)
        && mode == Some(b"navigate")
        && matches!(dest, None | Some(b"document"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn foreign(method: &Method, private: bool, pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_foreign(method, &headers, private)
    }

    const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
    const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");

    #[test]
    fn programs_and_our_own_pages_are_not_foreign() {
        for pairs in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!foreign(&Method::POST, true, pairs), "{pairs:?}");
        }
    }

    #[test]
    fn other_sites_are_unless_the_user_follows_a_link() {
        assert!(foreign(&Method::GET, false, &[CROSS]));
        assert!(foreign(
            &Method::GET,
            false,
            &[CROSS, ("sec-fetch-mode", "no-cors")]
        ));
        assert!(!foreign(&Method::GET, true, &[CROSS, NAVIGATE]));
        let to = |dest| [CROSS, NAVIGATE, ("sec-fetch-dest", dest)];
        assert!(!foreign(&Method::GET, true, &to("document")));
        assert!(foreign(&Method::GET, false, &to("iframe")));
        assert!(foreign(&Method::POST, true, &to("document")));
    }

    #[test]
    fn another_port_of_this_machine_is_foreign_to_what_is_private() {
        assert!(foreign(&Method::GET, true, &[("sec-fetch-site", "same-site")]));
        assert!(!foreign(&Method::GET, false, &[("sec-fetch-site", "same-site")]));
    }
}
