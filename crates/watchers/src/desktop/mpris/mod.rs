//! What is played, as players say on the session bus by MPRIS.
//!
//! | module | what it does |
//! |---|---|
//! | `source` | the source `mpris`: listens to the players |
//! | `players` | which players there are, and which of them counts |

mod players;
mod source;

pub use source::Mpris;
