//! The client: for programs that record into an ActivityWatch server.
//!
//! | module | what it does |
//! |---|---|
//! | `config` | where the server is and which key it wants, from aw-client's configuration |
//! | `transport` | requests and answers; `http` sends them with ureq |
//! | `sender` | what to send next, and what an answer means; knows no thread and no clock of its own |
//! | `worker` | the thread that sends |
//! | `handle` | [`Client`] |
//! | `call` | [`Call`]: the answer to a call that was made, for `await` and for `wait()` |
//! | `api` | the calls of the API |

mod api;
mod call;
mod config;
mod handle;
mod http;
mod sender;
#[cfg(test)]
pub(crate) mod tests;
mod transport;
mod worker;

pub use api::{BucketInfo, CallError, ServerInfo};
pub use call::Call;
pub use config::{ConfigError, Server};
pub use handle::{BucketHandle, Client, ClientOptions, Closed, Health, OpenError};
pub use transport::{Answer, Method, NotSent, Request, Transport};
