//! Rows and cells. Bounded: a quote that is never closed does not make a row of the rest of the file.

use std::borrow::Cow;
use std::io::{self, Read};

use csv_core::ReadRecordResult;

/// Bytes of one row.
const ROW_BYTES: usize = 16 << 20;
/// Cells of one row.
const ROW_CELLS: usize = 4096;
const BUFFER: usize = 1 << 16;

/// A table that is read row by row.
pub(super) struct Table<R> {
    source: R,
    parser: csv_core::Reader,
    delimiter: u8,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
    row: u64,
}

/// A row, until the next is read.
pub(super) struct Row<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    too_large: bool,
    /// Its number: the header is row 1, as in a spreadsheet without line breaks in cells.
    pub(super) number: u64,
}

impl<R: Read> Table<R> {
    /// Finds out from the first line what separates the cells.
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        let mut buffer = vec![0; BUFFER];
        let mut end = 0;
        while let Some(rest) = buffer.get_mut(end..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(read) => end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What is there can be read; the error comes again.
                Err(_) if end > 0 => break,
                Err(error) => return Err(error),
            }
        }
        let start = buffer.get(..end).unwrap_or_default();
        let delimiter = delimiter(start);
        let mark = "\u{feff}".len();
        let at = if start.starts_with("\u{feff}".as_bytes()) {
            mark
        } else {
            0
        };
        Ok(Table {
            source,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            buffer,
            at,
            end,
            text: vec![0; 1024],
            ends: vec![0; 64],
            row: 0,
        })
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        let (mut length, mut cells, mut too_large) = (0, 0, false);
        loop {
            if self.at == self.end {
                self.at = 0;
                self.end = read_some(&mut self.source, &mut self.buffer)?;
            }
            let input = self.buffer.get(self.at..self.end).unwrap_or_default();
            let output = self.text.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(cells..).unwrap_or_default();
            let (result, read, written, ended) = self.parser.read_record(input, output, ends);
            self.at += read;
            length += written;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if length < ROW_BYTES => {
                    self.text.resize((length * 2).clamp(1024, ROW_BYTES), 0);
                }
                ReadRecordResult::OutputEndsFull if cells < ROW_CELLS => {
                    self.ends.resize((cells * 2).clamp(64, ROW_CELLS), 0);
                }
                // Too much of it: the rest of the row is passed over.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    too_large = true;
                    (length, cells) = (0, 0);
                }
                ReadRecordResult::Record => {
                    self.row += 1;
                    return Ok(Some(Row {
                        text: self.text.get(..length).unwrap_or_default(),
                        ends: self.ends.get(..cells).unwrap_or_default(),
                        too_large,
                        number: self.row,
                    }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// What is most often in the first line, outside of quotes: a comma, semicolon, or tab.
fn delimiter(start: &[u8]) -> u8 {
    let mut counts = [(b',', 0u32), (b';', 0), (b'\t', 0)];
    let mut in_quotes = false;
    for byte in start {
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\n' if !in_quotes => break,
            _ if in_quotes => {}
            byte => {
                if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| delimiter == byte) {
                    *count += 1;
                }
            }
        }
    }
    // Of equals the first.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(b',', |(delimiter, _)| *delimiter)
}

impl Row<'_> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn too_large(&self) -> bool {
        self.too_large
    }

    /// The bytes of a cell; none for one that is not there.
    pub(super) fn bytes(&self, cell: usize) -> &[u8] {
        let from = match cell.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        let to = self.ends.get(cell).copied();
        from.zip(to)
            .and_then(|(from, to)| self.text.get(from..to))
            .unwrap_or_default()
    }

    /// A cell as text; what is no UTF-8 is replaced.
    pub(super) fn text(&self, cell: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let mut table = Table::new(text.as_bytes()).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next().unwrap() {
            rows.push((0..row.len()).map(|at| row.text(at).into_owned()).collect());
        }
        rows
    }

    #[test]
    fn cells_are_found_whatever_separates_them() {
        for delimiter in [",", ";", "\t"] {
            let text = ["a", "\"b,;\t\n\"\"\"", "c"].join(delimiter) + "\r\n1" + delimiter + delimiter;
            let expected = [vec!["a", "b,;\t\n\"", "c"], vec!["1", "", ""]];
            assert_eq!(rows(&text), expected, "{delimiter:?}");
        }
        assert_eq!(rows("\u{feff}a\nb"), [["a"], ["b"]]);
        assert!(rows("").is_empty());
    }

    #[test]
    fn a_row_without_an_end_takes_bounded_memory() {
        let text = "a,b\n1,\"".to_owned() + &"x".repeat(40 << 20);
        let mut table = Table::new(text.as_bytes()).unwrap();
        assert!(!table.next().unwrap().unwrap().too_large());
        assert!(table.next().unwrap().unwrap().too_large());
        assert!(table.text.len() <= ROW_BYTES);
        let wide = ",".repeat(10_000);
        assert!(
            Table::new(wide.as_bytes())
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .too_large()
        );
    }
}
