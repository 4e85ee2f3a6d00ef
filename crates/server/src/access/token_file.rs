//! `tokens.json` in the data directory: the tokens that a server accepts, without the tokens themselves.
//!
//! The command line changes the file, servers read it. Once it is there, a server asks for credentials, also when the last
//! token was revoked: a revocation must not open the server to everyone.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use timberline_disk::{DataDir, IoError};
use timberline_model::Timestamp;

use super::digest::Digest;
use super::scope::Scope;

/// The file in the data directory.
pub(super) const FILE: &str = DataDir::TOKENS;
/// What tokens begin with, so that programs that look for leaked secrets can find them.
const PREFIX: &str = "timberline_";
/// Longest name of a token.
const NAME_CHARS: usize = 64;

/// Why tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] IoError),
    /// The directory cannot be locked against other commands, or random numbers are not to be had.
    #[error("cannot {op} {path}")]
    Io {
        /// What was to be done.
        op: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} cannot be read ({source}): put a copy back, or remove it and create the tokens again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// There is a token of this name.
    #[error("there is a token named {0:?} already: revoke it first, or choose another name")]
    Taken(String),
    /// There is no token of this name.
    #[error("there is no token named {0:?}")]
    Unknown(String),
    /// The name cannot be used.
    #[error("a token's name has 1 to {NAME_CHARS} letters, digits, dots, dashes and underscores")]
    Name,
    /// A pattern for buckets is empty.
    #[error("a pattern for buckets must not be empty; leave it out for all buckets")]
    Pattern,
}

/// A token, by everything except the token itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub scope: Scope,
    /// The ids of the buckets that it is for; `*` stands for any text. All if there are none.
    #[serde(default)]
    pub buckets: Vec<String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it ends, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time")]
    pub expires: Option<Timestamp>,
    sha256: Digest,
}

/// What a new token is to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub scope: Scope,
    /// The ids of the buckets that it is for; `*` stands for any text. All if there are none.
    pub buckets: Vec<String>,
    /// When it is made.
    pub now: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// What it looks like.
    pub form: TokenForm,
}

impl Token {
    pub(super) fn is(&self, given: &Digest) -> bool {
        self.sha256.matches(given)
    }

    /// Whether it is the other one, perhaps changed.
    pub(super) fn is_same(&self, other: &Token) -> bool {
        self.sha256.matches(&other.sha256)
    }

    /// Whether it has ended.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// What a token looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenForm {
    /// `timberline_` and 64 hexadecimal digits.
    #[default]
    Timberline,
    /// A random UUID (version 4), as WakaTime's API keys are: its plugins refuse everything else.
    Uuid,
}

impl TokenForm {
    /// A random token of this form.
    fn draw(self) -> std::io::Result<String> {
        Ok(match self {
            Self::Timberline => format!(
                "{PREFIX}{}",
                super::digest::hex(&timberline_disk::random::<32>()?)
            ),
            Self::Uuid => uuid(u128::from_be_bytes(timberline_disk::random()?)),
        })
    }
}

/// A UUID of version 4 with the random bits of `random` (RFC 9562, section 5.4).
fn uuid(random: u128) -> String {
    const VERSION: u128 = 0x4 << 76;
    const VARIANT: u128 = 0b10 << 62;
    let bits = random & !(0xf << 76) & !(0b11 << 62) | VERSION | VARIANT;
    let group = |from: u32, digits: u32| (bits >> from) & ((1 << (4 * digits)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 8),
        group(80, 4),
        group(64, 4),
        group(48, 4),
        group(0, 12)
    )
}

/// All tokens of a data directory.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    tokens: Vec<Token>,
}

impl Tokens {
    /// Those in a data directory; `None` if it never had any.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, TokenError> {
        let data = DataDir::at(data_dir);
        let Some(bytes) = data.read(FILE)? else {
            return Ok(None);
        };
        let tokens = serde_json::from_slice(&bytes);
        tokens.map(Some).map_err(|source| TokenError::Damaged {
            path: data.join(FILE),
            source,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter()
    }

    /// Makes a token and keeps its digest. Gives back the token, which is nowhere else.
    ///
    /// # Errors
    /// When the name cannot be used, or the file cannot be changed.
    pub fn create(data_dir: &Path, new: NewToken) -> Result<String, TokenError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !(1..=NAME_CHARS).contains(&new.name.len()) || !new.name.chars().all(plain) {
            return Err(TokenError::Name);
        }
        if new.buckets.iter().any(String::is_empty) {
            return Err(TokenError::Pattern);
        }
        let secret = new.form.draw().map_err(|source| TokenError::Io {
            op: "draw a random token for",
            path: data_dir.to_owned(),
            source,
        })?;
        change(data_dir, |tokens| {
            if tokens.iter().any(|token| token.name == new.name) {
                return Err(TokenError::Taken(new.name));
            }
            tokens.push(Token {
                name: new.name,
                scope: new.scope,
                buckets: new.buckets,
                created: new.now.to_string(),
                expires: new.expires,
                sha256: Digest::of(secret.as_bytes()),
            });
            Ok(())
        })?;
        Ok(secret)
    }

    /// Removes a token.
    ///
    /// # Errors
    /// When there is none of this name, or the file cannot be changed.
    pub fn revoke(data_dir: &Path, name: &str) -> Result<(), TokenError> {
        // A directory that has no tokens stays as it is, and one that is not there is not made.
        if Self::read(data_dir)?.is_none() {
            return Err(TokenError::Unknown(name.to_owned()));
        }
        change(data_dir, |tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            match tokens.len() {
                after if after < before => Ok(()),
                _ => Err(TokenError::Unknown(name.to_owned())),
            }
        })
    }
}

/// Changes the tokens. Commands that run at the same time wait for each other.
fn change(
    data_dir: &Path,
    change: impl FnOnce(&mut Vec<Token>) -> Result<(), TokenError>,
) -> Result<(), TokenError> {
    let io = |op| {
        move |source| TokenError::Io {
            op,
            path: data_dir.to_owned(),
            source,
        }
    };
    let data = DataDir::at(data_dir);
    data.create_private().map_err(io("make the data directory"))?;
    let lock = File::open(data_dir).map_err(io("open"))?;
    match lock.lock() {
        Ok(()) => {}
        // A file system without locks: two commands at the same moment are then the user's to avoid.
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        Err(error) => return Err(io("lock")(error)),
    }
    let mut all = Tokens::read(data_dir)?.unwrap_or_default();
    change(&mut all.tokens)?;
    let bytes = serde_json::to_vec_pretty(&all).map_err(|source| TokenError::Damaged {
        path: data.join(FILE),
        source,
    })?;
    Ok(data.write_atomically(FILE, &bytes)?)
}

/// Instants as RFC 3339.
pub(super) mod time {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
    use timberline_model::Timestamp;

    pub(in crate::access) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| time.to_string()).serialize(to)
    }

    pub(in crate::access) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let parse = |text: String| {
            Timestamp::parse(&text).map_err(|_| de::Error::custom(format!("{text:?} is not a time")))
        };
        text.map(parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            uuid(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
            "00112233-4455-4677-8899-aabbccddeeff"
        );
    }

    fn new(name: &str) -> NewToken {
        NewToken {
            form: TokenForm::default(),
            name: name.to_owned(),
            scope: Scope::Append,
            buckets: vec!["a*".to_owned()],
            now: Timestamp::from_nanos(0),
            expires: Some(Timestamp::from_nanos(10)),
        }
    }

    #[test]
    fn a_token_is_kept_as_a_digest_in_a_file_of_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Tokens::read(dir.path()).unwrap().is_none());
        let secret = Tokens::create(dir.path(), new("vim")).unwrap();
        let path = dir.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret.trim_start_matches(PREFIX)));
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let tokens = Tokens::read(dir.path()).unwrap().unwrap();
        let token = tokens.iter().next().unwrap();
        assert!(token.is(&Digest::of(secret.as_bytes())) && !token.is(&Digest::of(b"x")));
        assert!(token.has_expired(Timestamp::from_nanos(10)) && !token.has_expired(Timestamp::from_nanos(9)));
        assert!(matches!(
            Tokens::create(dir.path(), new("vim")),
            Err(TokenError::Taken(_))
        ));
    }

    #[test]
    fn a_revoked_token_leaves_an_empty_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Tokens::revoke(dir.path(), "x"),
            Err(TokenError::Unknown(_))
        ));
        assert!(Tokens::read(dir.path()).unwrap().is_none());
        let nowhere = dir.path().join("nowhere");
        assert!(matches!(
            Tokens::revoke(&nowhere, "x"),
            Err(TokenError::Unknown(_))
        ));
        assert!(!nowhere.exists());
        Tokens::create(dir.path(), new("x")).unwrap();
        Tokens::revoke(dir.path(), "x").unwrap();
        assert_eq!(Tokens::read(dir.path()).unwrap().unwrap().iter().count(), 0);
    }

    #[test]
    fn commands_that_run_at_the_same_time_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let dir = dir.path();
                scope.spawn(move || Tokens::create(dir, new(&format!("t{number}"))).unwrap());
            }
        });
        assert_eq!(Tokens::read(dir.path()).unwrap().unwrap().iter().count(), 8);
    }

    #[test]
    fn names_and_files_that_make_no_sense_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(
                matches!(Tokens::create(dir.path(), new(name)), Err(TokenError::Name)),
                "{name}"
            );
        }
        for text in ["", "{", "[]", r#"{"tokens":[{}]}"#, r#"{"tokens":[],"x":1}"#] {
            std::fs::write(dir.path().join(FILE), text).unwrap();
            assert!(Tokens::read(dir.path()).is_err(), "{text}");
            assert!(Tokens::create(dir.path(), new("x")).is_err(), "{text}");
        }
    }
}
