//! The file inside a form (`multipart/form-data`, RFC 7578), read as it arrives.
//!
//! Written here because a form's file has no length: everything that is there hands out its fields
//! whole or counts on async readers, and the pass that follows is a blocking one.

use std::io::{self, Read};

use memchr::memmem;

use super::window::Window;

/// Longest header of a part.
const HEADER_BYTES: usize = 16 << 10;

/// The content of one field.
#[derive(Debug)]
pub(crate) struct Multipart<R> {
    window: Window<R>,
    /// What ends the field: a line break and the boundary.
    delimiter: Vec<u8>,
    ended: bool,
}

impl<R: Read> Multipart<R> {
    /// Finds the first field with one of the `names`.
    ///
    /// # Errors
    /// `InvalidData` when there is none or the form is broken; what `source` fails with.
    pub(crate) fn open(source: R, boundary: &str, names: &[&str]) -> io::Result<Self> {
        let mut form = Self {
            window: Window::new(source, 0),
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            ended: false,
        };
        // The first boundary may come without the line break before it.
        let opening = form.delimiter.get(2..).unwrap_or_default().to_vec();
        form.skip_past(&opening)?;
        loop {
            if form.take_bytes(2)? == b"--" {
                return Err(broken(format!(
                    "the form has no field '{}'",
                    names.join("' or '")
                )));
            }
            let header = form.header()?;
            if field_name(&header).is_some_and(|name| names.contains(&name)) {
                return Ok(form);
            }
            let delimiter = form.delimiter.clone();
            form.skip_past(&delimiter)?;
        }
    }

    /// Passes everything up to and including `mark`.
    fn skip_past(&mut self, mark: &[u8]) -> io::Result<()> {
        loop {
            let bytes = self.window.bytes();
            if let Some(at) = memmem::find(bytes, mark) {
                self.window.pass(at + mark.len());
                return Ok(());
            }
            // The mark may have begun.
            let passed = bytes.len().saturating_sub(mark.len());
            self.window.pass(passed);
            self.more()?;
        }
    }

    fn take_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.window.bytes().len() < count {
            self.more()?;
        }
        let taken = self.window.bytes().get(..count).unwrap_or_default().to_vec();
        self.window.pass(count);
        Ok(taken)
    }

    fn header(&mut self) -> io::Result<String> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            let end = memmem::find(self.window.bytes(), END);
            // By its own length, not by what has arrived: the same form is taken or refused however it comes.
            if end.unwrap_or(self.window.bytes().len()) > HEADER_BYTES {
                return Err(broken("a field's header is too long"));
            }
            if let Some(at) = end {
                let header = self.take_bytes(at + END.len())?;
                return Ok(String::from_utf8_lossy(&header).into_owned());
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> io::Result<()> {
        if self.window.more()? {
            return Ok(());
        }
        Err(broken("the form ends before its last boundary"))
    }
}

impl<R: Read> Read for Multipart<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let bytes = self.window.bytes();
            let content = match memmem::find(bytes, &self.delimiter) {
                Some(0) => {
                    self.ended = true;
                    return Ok(0);
                }
                Some(at) => at,
                // The delimiter may have begun.
                None => bytes.len().saturating_sub(self.delimiter.len()),
            };
            let count = content.min(buffer.len());
            if count > 0 {
                let (to, _) = buffer.split_at_mut(count);
                to.copy_from_slice(bytes.get(..count).unwrap_or_default());
                self.window.pass(count);
                return Ok(count);
            }
            self.more()?;
        }
    }
}

/// The field's name in a part's header.
fn field_name(header: &str) -> Option<&str> {
    let disposition = header.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    disposition.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "name").then(|| value.trim().trim_matches('"'))
    })
}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Trickle;
    use super::*;

    const FORM: &[u8] = b"preamble\r\n--B\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nskip me\
        \r\n--B\r\ncontent-disposition: form-data; name=\"buckets.json\"; filename=\"x.json\"\r\n\
        Content-Type: application/json\r\n\r\n{\"a\":\"\r\n-- \r\n--\"}\r\n--B--\r\n";

    fn read(form: &[u8], names: &[&str]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Multipart::open(form, "B", names)?.read_to_end(&mut out)?;
        let mut slowly = Vec::new();
        Multipart::open(Trickle(form), "B", names)?.read_to_end(&mut slowly)?;
        assert_eq!(out, slowly);
        Ok(out)
    }

    #[test]
    fn the_named_field_is_found_and_read_to_its_boundary() {
        let content = read(FORM, &["buckets.json", "buckets"]).unwrap();
        assert_eq!(content, b"{\"a\":\"\r\n-- \r\n--\"}");
    }

    #[test]
    fn an_empty_field_is_empty() {
        let form = b"--B\r\nContent-Disposition: form-data; name=buckets\r\n\r\n\r\n--B--";
        assert_eq!(read(form, &["buckets"]).unwrap(), b"");
    }

    #[test]
    fn a_form_without_the_field_says_so() {
        let error = read(FORM, &["none"]).unwrap_err();
        assert!(error.to_string().contains("'none'"), "{error}");
    }

    #[test]
    fn a_header_is_too_long_or_not_however_it_arrives() {
        for (padding, accepted) in [(HEADER_BYTES - 100, true), (HEADER_BYTES, false)] {
            let form = format!(
                "--B\r\nX: {}\r\nContent-Disposition: form-data; name=buckets\r\n\r\n1\r\n--B--",
                "x".repeat(padding)
            );
            let at_once = Multipart::open(form.as_bytes(), "B", &["buckets"]).is_ok();
            let slowly = Multipart::open(Trickle(form.as_bytes()), "B", &["buckets"]).is_ok();
            assert_eq!((at_once, slowly), (accepted, accepted), "{padding}");
        }
    }

    #[test]
    fn a_form_that_breaks_off_is_an_error_wherever_it_does() {
        for end in 0..FORM.len() - 4 {
            assert!(read(&FORM[..end], &["buckets.json"]).is_err(), "{end}");
        }
    }
}
