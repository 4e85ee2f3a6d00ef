//! Entry points for the targets in `fuzz/`: the parts of an import that depend only on its bytes.

use std::io::{self, Read};

use super::FORM_FIELDS;
use super::layout;
use super::layout_error::LayoutError;
use super::multipart::Multipart;
use super::split::Splitter;

/// Why a file is no export.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not JSON; this is what was said.
    Syntax(String),
    /// It is JSON of another kind, or too large.
    Other(String),
}

/// First pass: each bucket's id, and where its lists of events begin.
///
/// # Errors
/// When `source` is no export.
pub fn layout(source: impl Read) -> Result<Vec<(String, Vec<u64>)>, Refused> {
    let layout = layout::read(source).map_err(|error| match error {
        LayoutError::Syntax { .. } => Refused::Syntax(error.to_string()),
        _ => Refused::Other(error.to_string()),
    })?;
    let places = layout.buckets.into_iter();
    Ok(places.map(|bucket| (bucket.id, bucket.events)).collect())
}

/// Second pass: the batches of the list that `source` stands before, each a list of so many elements.
///
/// # Errors
/// When `source` has no list, or breaks off.
pub fn batches(source: impl Read) -> io::Result<Vec<(Vec<u8>, usize)>> {
    let mut splitter = Splitter::new(source);
    let mut all = Vec::new();
    while let Some(batch) = splitter.next()? {
        all.push((batch.text, batch.count));
    }
    Ok(all)
}

/// The file in a form.
///
/// # Errors
/// When there is none, or the form is broken.
pub fn file_in_form(source: impl Read, boundary: &str) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    Multipart::open(source, boundary, &FORM_FIELDS)?.read_to_end(&mut file)?;
    Ok(file)
}
