//! The credentials that a server accepts, and whether a request carries them.

use std::path::Path;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, request};
use timberline_model::Timestamp;

use super::digest::Digest;
use super::known::{Known, KnownTokens};
use super::rules;
use super::scope::Scope;
use super::token_file::TokenError;
use crate::settings::Auth;

/// What a request must carry. A server without credentials has none of this, and checks nothing.
#[derive(Debug)]
pub(crate) struct Keys {
    api_key: Option<Digest>,
    tokens: Option<KnownTokens>,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It has no credentials, or unknown ones.
    Unknown,
    /// Its token may not do this.
    Forbidden {
        /// The token's name.
        token: String,
        /// What it is for.
        scope: Scope,
        /// Whether it is for some buckets only.
        limited: bool,
    },
}

/// In a request's extensions: it came with this token.
#[derive(Clone, Debug)]
pub(crate) struct Granted(Arc<Known>);

impl Granted {
    /// Whether the token is for this bucket.
    pub(crate) fn covers(&self, bucket: &str) -> bool {
        rules::covers(&self.0.token.buckets, bucket)
    }

    /// Whether the token may replace events that are there.
    pub(crate) fn may_replace(&self) -> bool {
        self.0.token.scope != Scope::Append
    }

    /// The refusal of what it may not do.
    pub(crate) fn refusal(&self) -> Refused {
        refusal(&self.0)
    }
}

fn refusal(known: &Known) -> Refused {
    Refused::Forbidden {
        token: known.token.name.clone(),
        scope: known.token.scope,
        limited: !known.token.buckets.is_empty(),
    }
}

impl Keys {
    /// The credentials of the settings and of the data directory; `None` if there are none.
    ///
    /// # Errors
    /// When the tokens cannot be read: a server must not start without them.
    pub(crate) fn new(auth: &Auth, data_dir: &Path) -> Result<Option<Self>, TokenError> {
        let api_key = auth
            .api_key
            .as_ref()
            .map(|key| Digest::of(key.secret().as_bytes()));
        let tokens = KnownTokens::read(data_dir)?;
        Ok((api_key.is_some() || tokens.is_some()).then_some(Self { api_key, tokens }))
    }

    /// Checks the credentials of a request for a path that is not open. The path must be normalised. Gives back the token,
    /// if it is one that may not do everything.
    ///
    /// # Errors
    /// When the credentials are missing or unknown, or do not suffice.
    pub(crate) fn check(&self, head: &request::Parts) -> Result<Option<Granted>, Refused> {
        let given = Digest::of(bearer(&head.headers).ok_or(Refused::Unknown)?);
        if self.api_key.as_ref().is_some_and(|key| key.matches(&given)) {
            return Ok(None);
        }
        let now = Timestamp::from(timberline_clock::wall());
        let known = self.tokens.as_ref().and_then(|tokens| tokens.find(&given, now));
        let known = known.ok_or(Refused::Unknown)?;
        let token = &known.token;
        if !rules::allows(token.scope, &token.buckets, &head.method, head.uri.path()) {
            return Err(refusal(&known));
        }
        let restricts = token.scope == Scope::Append || !token.buckets.is_empty();
        Ok(restricts.then_some(Granted(known)))
    }

    /// Writes down when tokens were last used: the server stops.
    pub(crate) fn close(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.close();
        }
    }
}

/// What the header `Authorization: Bearer …` holds. Nothing if there are several such headers: a proxy may have checked
/// another one than we would.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, secret) = HeaderValue::as_bytes(value).split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && !secret.is_empty()).then_some(secret)
}

/// Whether everyone may ask for this path: what the server is, and the files of web pages. A browser fetches those before
/// a page can add a header to its requests.
pub(crate) fn is_open(path: &str) -> bool {
    let private = ["/api", "/metrics"]
        .iter()
        .any(|private| path.starts_with(private));
    !private || matches!(path, "/api/0/info" | "/api/0/info/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ApiKey;

    fn keys(api_key: Option<&str>) -> Option<Keys> {
        let auth = Auth {
            api_key: api_key.map(|key| ApiKey::parse(key).unwrap()),
            ..Auth::default()
        };
        Keys::new(&auth, Path::new("/nowhere")).unwrap()
    }

    fn is_accepted(values: &[&'static str]) -> bool {
        let (mut head, ()) = http::Request::new(()).into_parts();
        for value in values {
            head.headers
                .append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        keys(Some("secret")).unwrap().check(&head).is_ok()
    }

    #[test]
    fn the_key_is_accepted_as_a_bearer_token_only() {
        assert!(is_accepted(&["Bearer secret"]));
        assert!(is_accepted(&["bearer secret"]));
        for values in [
            &[][..],
            &["Bearer "],
            &["Bearer"],
            &["secret"],
            &["Basic secret"],
            &["Bearer secretx"],
            &["Bearer secre"],
            &["Bearer Secret"],
            &["Bearer  secret"],
            &["Bearer secret", "Bearer secret"],
            &["Bearer x", "Bearer secret"],
        ] {
            assert!(!is_accepted(values), "{values:?}");
        }
    }

    #[test]
    fn without_credentials_nothing_is_checked() {
        assert!(keys(None).is_none());
    }

    #[test]
    fn only_info_and_files_are_open() {
        for path in ["/api/0/info", "/api/0/info/", "/", "/js/app.js", "/pages/x/"] {
            assert!(is_open(path), "{path}");
        }
        for path in [
            "/api",
            "/api/0/buckets",
            "/api/0/info/x",
            "/api/0/infos",
            "/api/1/log",
            "/metrics",
        ] {
            assert!(!is_open(path), "{path}");
        }
    }
}
