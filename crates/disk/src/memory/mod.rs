//! Mapped memory, of files and of no file.

mod append;
mod mapping;

pub use append::AppendMemory;
pub(crate) use mapping::Mapping;
