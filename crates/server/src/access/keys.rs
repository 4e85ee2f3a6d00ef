//! The credentials that a server accepts, and whether a request carries them.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, request};
use timberline_model::Timestamp;

use super::digest::{Digest, hex};
use super::known::{Known, KnownTokens};
use super::rules::{self, Extent};
use super::scope::Scope;
use super::throttle::{Throttle, Who};
use super::token_file::{Token, TokenError};
use crate::settings::Auth;

/// What a request must carry. A server without credentials has none of this, and checks nothing.
#[derive(Debug)]
pub(crate) struct Keys {
    api_key: Option<Digest>,
    /// A secret of this process.
    own: Option<Digest>,
    tokens: Option<KnownTokens>,
    throttle: Throttle,
}

/// Who asks, and when: the limit of refusals counts by both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// Where the request comes from.
    pub(crate) address: IpAddr,
    /// By the monotonic clock.
    pub(crate) now: Instant,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It has no credentials, or unknown ones.
    Unknown,
    /// There were too many refusals.
    TooMany {
        /// When there may be another one.
        wait: Duration,
    },
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
pub(crate) struct Granted {
    known: Arc<Known>,
    /// It may add events to the bucket in the path, and no more.
    records_only: bool,
}

impl Granted {
    /// The token's name.
    pub(crate) fn name(&self) -> &str {
        &self.known.token.name
    }

    /// Whether the token is for this bucket.
    pub(crate) fn covers(&self, bucket: &str) -> bool {
        rules::covers(&self.known.token.buckets, bucket)
    }

    /// The buckets that the token is for, with `*` for any text; none named: all.
    pub(crate) fn buckets(&self) -> &[String] {
        &self.known.token.buckets
    }

    /// Whether the token may replace events that are there.
    pub(crate) fn may_replace(&self) -> bool {
        !self.records_only
    }

    /// Whether the token may read what is recorded.
    pub(crate) fn may_read(&self) -> bool {
        !self.records_only
    }

    /// The refusal of a request that the token does not allow.
    pub(crate) fn refusal(&self) -> Refused {
        refusal(&self.known)
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
        let tokens = KnownTokens::read(data_dir, timberline_clock::monotonic())?;
        Ok((api_key.is_some() || tokens.is_some()).then(|| Self {
            api_key,
            own: None,
            tokens,
            throttle: Throttle::default(),
        }))
    }

    /// Makes a secret for what runs in this process. It opens everything, as the API key does, and is written nowhere.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn make_own(&mut self) -> std::io::Result<String> {
        let secret = hex(&timberline_disk::random::<32>()?);
        self.own = Some(Digest::of(secret.as_bytes()));
        Ok(secret)
    }

    /// Whether a secret opens everything.
    fn opens_all(&self, given: &Digest) -> bool {
        let mut keys = [&self.api_key, &self.own].into_iter().flatten();
        keys.any(|key| key.matches(given))
    }

    /// Checks the credentials of a request for a path that is not open. The path must be normalised. `id_of` gives the id of
    /// the bucket with a name. Gives back the token, if it is one that may not do everything.
    ///
    /// # Errors
    /// When the credentials are missing or unknown, or do not suffice, or too many have been.
    pub(crate) fn check(
        &self,
        head: &request::Parts,
        client: Client,
        id_of: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Granted>, Refused> {
        let secret = secret(&head.headers, head.uri.path()).ok_or(Refused::Unknown)?;
        let given = Digest::of(&secret);
        let Client { address, now } = client;
        if self.opens_all(&given) {
            let admitted = self.throttle.admit(address, now);
            return admitted.map(|()| None).map_err(|wait| Refused::TooMany { wait });
        }
        let wall = Timestamp::from(timberline_clock::wall());
        let known = self
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.find(&given, wall, now));
        let Some(known) = known else {
            return Err(self.refuse(Who::address(address), now, Refused::Unknown));
        };
        let token = &known.token;
        let (method, path) = (&head.method, head.uri.path());
        let allowed = rules::allows(token.scope, &token.buckets, method, path);
        let extent = rules::extent(&token.buckets, method, path, id_of);
        if !allowed || extent == Extent::Nothing {
            return Err(self.refuse(Who::Token(token.name.clone()), now, refusal(&known)));
        }
        let restricts = token.scope == Scope::Append || !token.buckets.is_empty();
        let records_only = token.scope == Scope::Append || extent == Extent::Recording;
        Ok(restricts.then_some(Granted { known, records_only }))
    }

    /// Whether the credentials of a request that was admitted would be accepted again now.
    pub(crate) fn still_accepts(&self, head: &request::Parts) -> bool {
        let Some(secret) = secret(&head.headers, head.uri.path()) else {
            return false;
        };
        let given = Digest::of(&secret);
        if self.opens_all(&given) {
            return true;
        }
        let wall = Timestamp::from(timberline_clock::wall());
        let tokens = self.tokens.as_ref();
        let known = tokens.and_then(|tokens| tokens.find(&given, wall, timberline_clock::monotonic()));
        known.is_some_and(|known| {
            let token = &known.token;
            rules::allows(token.scope, &token.buckets, &head.method, head.uri.path())
        })
    }

    /// Counts a refusal; beyond the limit it becomes another one.
    fn refuse(&self, who: Who, now: Instant, refused: Refused) -> Refused {
        let wait = self.throttle.refuse(who, now);
        wait.map_or(refused, |wait| Refused::TooMany { wait })
    }

    /// The tokens, each with its last use.
    pub(crate) fn tokens(&self) -> Vec<(Token, Option<Timestamp>)> {
        let tokens = self.tokens.as_ref();
        tokens
            .map(|tokens| tokens.list(timberline_clock::monotonic()))
            .unwrap_or_default()
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
fn secret<'a>(headers: &'a HeaderMap, path: &str) -> Option<Cow<'a, [u8]>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let value = value.as_bytes();
    let secret = match after(value, b"bearer ") {
        Some(secret) => Cow::Borrowed(secret),
        None if path.starts_with(WAKATIME) => Cow::Owned(user(after(value, b"basic ")?)?),
        None => return None,
    };
    (!secret.is_empty()).then_some(secret)
}

/// Below this path a secret may also be the user's name of basic authentication: WakaTime's plugins know nothing else.
const WAKATIME: &str = "/api/wakatime/";

/// What follows a scheme, whose case does not matter.
fn after<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (given, rest) = value.split_at_checked(scheme.len())?;
    given.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The user's name in the credentials of basic authentication.
fn user(credentials: &[u8]) -> Option<Vec<u8>> {
    let mut text = BASE64_STANDARD.decode(credentials).ok()?;
    if let Some(colon) = text.iter().position(|byte| *byte == b':') {
        text.truncate(colon);
    }
    Some(text)
}

/// Whether everyone may ask for this path: what the server is, and the files of web pages. A browser fetches those before
/// a page can add a header to its requests.
pub(crate) fn is_open(path: &str) -> bool {
    const OPEN: [&str; 5] = [
        "/api",
        "/api/0/info",
        "/api/explorer.css",
        "/api/explorer.js",
        "/api/openapi.json",
    ];
    let private = ["/api", "/mcp", "/metrics"]
        .iter()
        .any(|private| path.starts_with(private));
    !private || OPEN.contains(&path.strip_suffix('/').unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::settings::ApiKey;

    fn keys(api_key: Option<&str>) -> Option<Keys> {
        let auth = Auth {
            api_key: api_key.map(|key| ApiKey::parse(key).unwrap()),
            ..Auth::default()
        };
        Keys::new(&auth, Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn plugins_of_wakatime_may_use_basic_authentication() {
        // "secret", "secret:" and "secret:password"
        for (value, path, expected) in [
            ("Basic c2VjcmV0", "/api/wakatime/v1/x", true),
            ("basic c2VjcmV0Og==", "/api/wakatime/v1/x", true),
            ("Basic c2VjcmV0OnBhc3N3b3Jk", "/api/wakatime/v1/x", true),
            ("Bearer secret", "/api/wakatime/v1/x", true),
            ("Basic c2VjcmV0", "/api/0/buckets", false),
            ("Basic secret", "/api/wakatime/v1/x", false),
            ("Basic ", "/api/wakatime/v1/x", false),
            ("Basic Og==", "/api/wakatime/v1/x", false),
        ] {
            let (mut head, ()) = http::Request::new(()).into_parts();
            head.uri = path.parse().unwrap();
            head.headers
                .insert(AUTHORIZATION, HeaderValue::from_static(value));
            let accepted = keys(Some("secret"))
                .unwrap()
                .check(&head, client(0), |_| None)
                .is_ok();
            assert_eq!(accepted, expected, "{value} {path}");
        }
    }

    fn is_accepted(values: &[&'static str]) -> bool {
        let (mut head, ()) = http::Request::new(()).into_parts();
        for value in values {
            head.headers
                .append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        keys(Some("secret"))
            .unwrap()
            .check(&head, client(0), |_| None)
            .is_ok()
    }

    fn client(last: u8) -> Client {
        Client {
            address: IpAddr::from([192, 0, 2, last]),
            now: timberline_clock::monotonic(),
        }
    }

    #[test]
    fn guesses_run_out_for_their_sender_only() {
        let keys = keys(Some("secret")).unwrap();
        let check = |secret: &'static str, client| {
            let (mut head, ()) = http::Request::new(()).into_parts();
            let value = HeaderValue::from_static(secret);
            head.headers.insert(AUTHORIZATION, value);
            keys.check(&head, client, |_| None).map(drop)
        };
        let (guesser, owner) = (client(1), client(2));
        assert_eq!(check("Bearer secret", owner), Ok(()));
        let tried = (0..1_000).take_while(|_| check("Bearer guess", guesser) == Err(Refused::Unknown));
        assert!(tried.count() < 100);
        for client in [guesser, owner] {
            while check("Bearer guess", client) == Err(Refused::Unknown) {}
        }
        assert!(
            matches!(check("Bearer secret", guesser), Err(Refused::TooMany { .. })),
            "it may be a guess"
        );
        assert_eq!(check("Bearer secret", owner), Ok(()), "it was right before");
        let (head, ()) = http::Request::new(()).into_parts();
        assert_eq!(
            keys.check(&head, guesser, |_| None).map(drop),
            Err(Refused::Unknown),
            "no guess"
        );
        let later = Client {
            now: guesser.now + Duration::from_secs(2),
            ..guesser
        };
        assert_eq!(check("Bearer secret", later), Ok(()));
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
        for path in [
            "/api",
            "/api/0/info",
            "/api/0/info/",
            "/api/openapi.json",
            "/",
            "/js/app.js",
            "/pages/x/",
        ] {
            assert!(is_open(path), "{path}");
        }
        for path in [
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
