//! How a store comes and goes: opening, folding what the checkpoint lacks, closing.

mod close;
mod fold_tail;
mod new_dirs;
mod open;

pub use fold_tail::Progress;
pub use open::Rebuild;
