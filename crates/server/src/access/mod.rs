//! Who may do what: the API key.
//!
//! | file | what it does |
//! |---|---|
//! | `keys` | the credentials that a server accepts; whether a request carries them |
//! | `digest` | the only form in which secrets are compared |
//!
//! Which pages and host names may reach the server is the business of [`crate::http::guard`]. It comes first.

mod digest;
mod keys;

pub(crate) use keys::{Keys, Unknown, is_open};
