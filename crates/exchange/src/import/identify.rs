//! What kind of file one is, by what is in it. Its name does not count, except where nothing else says more.

use std::path::Path;

use super::input::Input;
use super::reservation::Reservation;
use super::{Options, Reader, csv, json};
use crate::export::OUR_CSV;
use crate::{Error, Result};

/// How every unencrypted SQLite database begins.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";
/// How much of a file is looked at.
const PEEK: usize = 4096;

/// Opens a file as what it is.
pub(super) fn open(path: &Path, options: &Options) -> Result<Box<dyn Reader + Send>> {
    let reservation = Reservation::of(path)?;
    let start = Input::peek(path, PEEK)?;
    if start.starts_with(SQLITE_MAGIC) {
        return database(path, reservation);
    }
    let unrecognised = |reason: &str| Error::Unrecognised {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let text = start
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(&start)
        .trim_ascii_start();
    match text.first() {
        None => Err(unrecognised("the file is empty")),
        Some(b'{' | b'[') if options.csv.is_none() => Ok(Box::new(json::JsonReader::open(path, options)?)),
        Some(_) if text.starts_with(OUR_CSV) || is_text(&start) => {
            Ok(Box::new(csv::CsvReader::open(path, options)?))
        }
        Some(_) if looks_encrypted(&start) => Err(Error::Encrypted {
            path: path.to_owned(),
        }),
        Some(_) => Err(unrecognised(
            "this is no SQLite database, no JSON and no CSV file, also not a compressed one",
        )),
    }
}

#[cfg(feature = "sqlite")]
fn database(path: &Path, reservation: Reservation) -> Result<Box<dyn Reader + Send>> {
    Ok(Box::new(super::sqlite::SqliteReader::open(path, reservation)?))
}

#[cfg(not(feature = "sqlite"))]
fn database(path: &Path, _reservation: Reservation) -> Result<Box<dyn Reader + Send>> {
    Err(Error::Unrecognised {
        path: path.to_owned(),
        reason: "this is a SQLite database, and this program was built without SQLite".to_owned(),
    })
}

/// Whether bytes are the beginning of a text: hardly any control characters, and hardly anything that is not UTF-8.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let broken = bytes
        .utf8_chunks()
        .filter(|chunk| !chunk.invalid().is_empty())
        .count();
    let controls = bytes.iter().filter(|byte| is_control(byte)).count();
    controls * 50 <= bytes.len() && broken * 50 <= bytes.len().max(50)
}

/// Whether bytes look random, as those of an encrypted database do: they begin with a random salt, and nothing in them
/// can be recognised.
fn looks_encrypted(bytes: &[u8]) -> bool {
    if bytes.len() < 512 {
        return false;
    }
    let mut counts = [0u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    // Each value is expected n/256 times; for random bytes this sum of squares is about 255, give or take 23.
    let expected = bytes.len() as f64 / 256.0;
    let spread: f64 = counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum();
    spread < 255.0 + 8.0 * 23.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// xorshift: random enough.
    fn random(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn random_bytes_look_encrypted_and_others_do_not() {
        for length in [512, 1024, 4096] {
            assert!(looks_encrypted(&random(length)), "{length}");
        }
        assert!(!looks_encrypted(&random(100)));
        assert!(!looks_encrypted(&[0; 4096]));
        let text = "a text of some length, again and again. ".repeat(100);
        assert!(!looks_encrypted(text.as_bytes()));
        assert!(is_text(text.as_bytes()));
        assert!(!is_text(&random(4096)));
        assert!(is_text("t\u{e9}xt, in Latin-1 as well: ".repeat(9).as_bytes()));
    }
}
