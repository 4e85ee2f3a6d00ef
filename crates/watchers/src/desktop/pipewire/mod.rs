//! Which programs play and record sound, as PipeWire says.
//!
//! PipeWire's own library would be the only part of Timberline in C. `pw-dump`, which comes with PipeWire, prints the same, and
//! prints again only what has changed.
//!
//! | module | what it does |
//! |---|---|
//! | `source` | the source `pipewire`: reads what `pw-dump` prints |
//! | `graph` | the streams of sound |

mod graph;
mod source;

pub use graph::Sound;
pub use source::PipeWire;
