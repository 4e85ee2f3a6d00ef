//! Web pages that were built for `/`, below a base path.
//!
//! Pages name their files, and the API, by addresses that begin with `/`. Below `/aw/` those would lead out of it. So in HTML
//! and CSS they get the base path in front, and each page loads a small script first that does the same to the addresses
//! that scripts make ([`SCRIPT`]).

use std::borrow::Cow;
use std::path::Path;

use axum::body::Body;
use http::{HeaderValue, Response, header};

use super::media_type;
use crate::settings::BasePath;

/// The path of the script, below the base path.
pub(super) const SCRIPT_PATH: &str = "/timberline-base.js";
const SCRIPT: &str = include_str!("rebase.js");

/// Attributes of HTML that hold an address.
const ATTRIBUTES: [&str; 4] = [" href=", " src=", " action=", " poster="];

/// What may have to be changed in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Html,
    Css,
}

impl Kind {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let media_type = media_type::of(path);
        [Self::Html, Self::Css]
            .into_iter()
            .find(|kind| kind.media_type() == media_type)
    }

    pub(super) fn media_type(self) -> HeaderValue {
        media_type::of(Path::new(match self {
            Self::Html => "x.html",
            Self::Css => "x.css",
        }))
    }

    /// The text of a file with all its addresses below `base`.
    pub(super) fn rebase(self, text: &str, base: &BasePath) -> String {
        match self {
            Self::Html => html(text, base),
            Self::Css => css(text, base),
        }
    }
}

/// The script, as an answer.
pub(super) fn script(base: &BasePath) -> Response<Body> {
    let mut response = Response::new(Body::from(SCRIPT.replace("{base}", base.as_str())));
    let headers = response.headers_mut();
    let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, javascript);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn html(text: &str, base: &BasePath) -> String {
    let mut out = Cow::Borrowed(text);
    for attribute in ATTRIBUTES {
        for quote in ["\"", "'", ""] {
            out = Cow::Owned(below(&out, &format!("{attribute}{quote}"), base));
        }
    }
    let script = format!("<script src=\"{base}{SCRIPT_PATH}\"></script>");
    let head = out.find("<head").and_then(|start| {
        let end = out.get(start..)?.find('>')?;
        Some(start + end + 1)
    });
    let (before, after) = out.split_at_checked(head.unwrap_or(0)).unwrap_or(("", &out));
    format!("{before}{script}{after}")
}

fn css(text: &str, base: &BasePath) -> String {
    let mut out = text.to_owned();
    for before in ["url(", "url(\"", "url('", "@import \"", "@import '"] {
        out = below(&out, before, base);
    }
    out
}

/// `text` with the base path in front of every address that begins with `/` and follows `before`. Two slashes begin the
/// name of another host.
fn below(text: &str, before: &str, base: &BasePath) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut pieces = text.split(before);
    out.extend(pieces.next());
    for piece in pieces {
        out.push_str(before);
        let is_below =
            |rest: &str| rest.is_empty() || rest.starts_with(['/', '"', '\'', ')', ' ', '>', '?', '#']);
        let already = piece.strip_prefix(base.as_str()).is_some_and(is_below);
        if piece.starts_with('/') && !piece.starts_with("//") && !already {
            out.push_str(base.as_str());
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> BasePath {
        BasePath::parse("/aw/").unwrap()
    }

    #[test]
    fn addresses_in_html_get_the_base_path() {
        let page = r##"<html><head lang=en><link href="/a.css"><script src='/js/a.js'></script>
<img src=/logo.png><a href="//other.example/"><a href="https://x/y"><a href="#/home"><a href="b.html"><a href="/aw/c"><a href="/">"##;
        let expected = r##"<html><head lang=en><script src="/aw/timberline-base.js"></script><link href="/aw/a.css"><script src='/aw/js/a.js'></script>
<img src=/aw/logo.png><a href="//other.example/"><a href="https://x/y"><a href="#/home"><a href="b.html"><a href="/aw/c"><a href="/aw/">"##;
        assert_eq!(Kind::Html.rebase(page, &base()), expected);
        assert!(
            Kind::Html
                .rebase("<h1>x", &base())
                .starts_with("<script src=\"/aw/")
        );
    }

    #[test]
    fn addresses_in_css_get_the_base_path() {
        let sheet = "a{b:url(/f.woff) url(\"/g.png\") url(data:x) url(//h/i) url(j.png)} @import '/k.css';";
        let expected =
            "a{b:url(/aw/f.woff) url(\"/aw/g.png\") url(data:x) url(//h/i) url(j.png)} @import '/aw/k.css';";
        assert_eq!(Kind::Css.rebase(sheet, &base()), expected);
    }

    #[test]
    fn only_html_and_css_are_changed() {
        let of = |name: &str| Kind::of(name.as_ref());
        assert_eq!(of("index.html"), Some(Kind::Html));
        assert_eq!(of("a.css"), Some(Kind::Css));
        assert_eq!((of("a.csv"), of("a.js"), of("a")), (None, None, None));
    }
}
