//! An object taken apart into its members, without parsing the values.

/// The members of a canonical JSON object, as texts: `("key"` with quotes, `value)`.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    rest: &'a str,
}

impl<'a> Members<'a> {
    /// The members of an object; the text must be canonical.
    #[must_use]
    pub fn of(object: &'a str) -> Members<'a> {
        let inner = object
            .strip_prefix('{')
            .and_then(|o| o.strip_suffix('}'))
            .unwrap_or_default();
        Members { rest: inner }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        if self.rest.is_empty() {
            return None;
        }
        let (key, after) = self.rest.split_at_checked(text_end(self.rest.as_bytes(), b':'))?;
        let after = after.get(1..)?;
        let (value, rest) = after.split_at_checked(text_end(after.as_bytes(), b','))?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some((key, value))
    }
}

/// Where the JSON text at the front ends: at the first `stop` outside strings and brackets.
fn text_end(bytes: &[u8], stop: u8) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0u32, false, false);
    for (i, b) in bytes.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b if *b == stop && depth == 0 => return i,
            _ => {}
        }
    }
    bytes.len()
}
