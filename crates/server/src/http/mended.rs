//! Bodies that are read a second time, mended, when they cannot be read as they are.

use timberline_model::{ParseError, ParseErrorKind, json};

/// What `parse` makes of `body`, or else of the body with halves of surrogate pairs and the like replaced
/// ([`json::mend`]), which is then kept in `mended`. One odd title must not cost all that came with it: deployed clients
/// throw away what is refused.
///
/// # Errors
/// When that cannot be read either.
pub(crate) fn parse_mended<'a, T>(
    body: &'a [u8],
    mended: &'a mut Vec<u8>,
    parse: impl Fn(&'a [u8]) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let error = match parse(body) {
        Err(error) if error.kind == ParseErrorKind::Syntax => error,
        read => return read,
    };
    let (text, changed) = json::mend(body);
    if changed.is_nothing() {
        return Err(error);
    }
    tracing::debug!(?changed, "a body was mended");
    *mended = text.into_owned();
    parse(mended)
}
