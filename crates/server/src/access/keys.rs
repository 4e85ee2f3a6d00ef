//! The credentials that a server accepts, and whether a request carries them.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::digest::Digest;
use crate::settings::Auth;

/// What a request must carry. A server without credentials has none of this, and checks nothing.
#[derive(Debug)]
pub(crate) struct Keys {
    api_key: Option<Digest>,
}

/// The request carries no credentials that are accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unknown;

impl Keys {
    /// `None` if no credentials are configured.
    pub(crate) fn new(auth: &Auth) -> Option<Self> {
        let api_key = auth.api_key.as_ref()?;
        Some(Self {
            api_key: Some(Digest::of(api_key.secret().as_bytes())),
        })
    }

    /// Checks the credentials of a request for a path that is not open.
    ///
    /// # Errors
    /// When it has none, or unknown ones.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Unknown> {
        let given = Digest::of(bearer(headers).ok_or(Unknown)?);
        match &self.api_key {
            Some(key) if key.matches(&given) => Ok(()),
            _ => Err(Unknown),
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

    fn keys() -> Keys {
        let auth = Auth {
            api_key: Some(ApiKey::parse("secret").unwrap()),
            ..Auth::default()
        };
        Keys::new(&auth).unwrap()
    }

    fn check(values: &[&'static str]) -> Result<(), Unknown> {
        let values = values
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_static(value)));
        keys().check(&values.collect())
    }

    #[test]
    fn the_key_is_accepted_as_a_bearer_token_only() {
        assert_eq!(check(&["Bearer secret"]), Ok(()));
        assert_eq!(check(&["bearer secret"]), Ok(()));
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
            assert_eq!(check(values), Err(Unknown), "{values:?}");
        }
    }

    #[test]
    fn without_a_configured_key_nothing_is_checked() {
        assert!(Keys::new(&Auth::default()).is_none());
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
