//! All differences to aw-core 0.5.18: what differs, how the comparison of random programs deals with it, and an example
//! with both answers (see `notation`). A test holds that each example is answered so.

mod functions;
mod language;
mod store;
mod times;

use super::notation::Short;

/// A difference.
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    /// What differs, in a sentence or two.
    pub(crate) what: &'static str,
    /// What the comparison of random programs does about it.
    pub(crate) compared: &'static str,
    /// Events of the buckets `b` and `c` of the example; there is also an empty one, `aw-watcher-afk_host`.
    pub(crate) b: &'static [Short],
    pub(crate) c: &'static [Short],
    /// Seconds after noon.
    pub(crate) period: (f64, f64),
    pub(crate) program: &'static str,
    pub(crate) timberline: &'static str,
    pub(crate) aw_core: &'static str,
}

/// Two vims and a fox, with gaps.
const EXAMPLE: Difference = Difference {
    name: "",
    what: "",
    compared: "",
    b: &[
        (0.0, 10.0, r#"{"app":"vim"}"#),
        (20.0, 10.0, r#"{"app":"fox"}"#),
        (40.0, 10.0, r#"{"app":"vim"}"#),
    ],
    c: &[],
    period: (-3600.0, 3600.0),
    program: "",
    timberline: "",
    aw_core: "",
};

/// All of them.
pub(crate) const DIFFERENCES: &[&[Difference]] = &[
    language::DIFFERENCES,
    store::DIFFERENCES,
    times::DIFFERENCES,
    functions::DIFFERENCES,
];
