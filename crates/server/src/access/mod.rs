//! Who may do what: the API key, and tokens that may do a part of everything.
//!
//! | file | what it does |
//! |---|---|
//! | `keys` | the credentials that a server accepts; whether a request carries them |
//! | `rules`, `scope` | what a token may do |
//! | `token_file` | the tokens of a data directory |
//! | `known` | the tokens that a running server accepts; when each was last used |
//! | `throttle` | how often somebody may be refused |
//! | `digest` | the only form in which secrets are kept and compared |
//!
//! Which pages and host names may reach the server is the business of [`crate::http::guard`]. It comes first.

mod digest;
mod keys;
mod known;
mod rules;
mod scope;
mod throttle;
mod token_file;

pub use known::{LOOK_AFTER, last_uses};
pub use scope::Scope;
pub use token_file::{NewToken, Token, TokenError, TokenForm, Tokens};

pub(crate) use keys::{Client, Granted, Keys, Refused, is_open};
