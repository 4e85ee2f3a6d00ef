//! The sequencer: the one place where writes get their order.

pub(crate) mod commit;
