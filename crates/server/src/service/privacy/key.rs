//! The key of hashes. Without it nobody can find the value of a hash by hashing all likely ones; with it
//! equal values stay equal, so that durations can still be summed by value.

use std::fs;
use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use timberline_disk::DataDir;

const KEY_BYTES: usize = 32;
/// Every hash begins so.
const PREFIX: &str = "hash:";
/// What stands for a value when there is no key to hash it with; better lost than stored.
pub(super) const WITHOUT_KEY: &str = "hash:unavailable";
/// Bytes of the HMAC that are kept, as twice as many digits: that two values of one person have the same is out of
/// the question.
const HASH_BYTES: usize = 16;

/// A secret that values are hashed with.
#[derive(Clone)]
pub(super) struct HashKey([u8; KEY_BYTES]);

impl HashKey {
    /// The key in this data directory; makes it if there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, or what is there is no key.
    pub(super) fn kept_or_made(dir: &Path) -> io::Result<HashKey> {
        if let Some(key) = HashKey::kept(dir)? {
            return Ok(key);
        }
        let key = HashKey::random()?;
        let line = format!("{}\n", hex(&key.0));
        match DataDir::at(dir).create_atomically(DataDir::PRIVACY_KEY, line.as_bytes()) {
            Ok(()) => Ok(key),
            // Another thread was faster.
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
                HashKey::kept(dir)?.ok_or_else(|| io::ErrorKind::NotFound.into())
            }
            Err(error) => Err(error.source),
        }
    }

    /// The key in this data directory, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, or what is there is no key.
    pub(super) fn kept(dir: &Path) -> io::Result<Option<HashKey>> {
        match fs::read(dir.join(DataDir::PRIVACY_KEY)) {
            Ok(text) => parse(text.trim_ascii()).map(|key| Some(HashKey(key))).ok_or_else(|| {
                let message = "it does not hold 64 hexadecimal digits; restore it, or delete it to begin with a new key";
                io::Error::new(io::ErrorKind::InvalidData, message)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A key that is not kept.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn random() -> io::Result<HashKey> {
        timberline_disk::random().map(HashKey)
    }

    /// The hash of a value; of a hash, itself, so that events that come in a second time (an export that is imported)
    /// are still the same events.
    pub(super) fn hash(&self, value: &str) -> String {
        if is_hash(value) {
            return value.to_owned();
        }
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length.
            return WITHOUT_KEY.to_owned();
        };
        mac.update(value.as_bytes());
        let hash = mac.finalize().into_bytes();
        format!("{PREFIX}{}", hex(hash.get(..HASH_BYTES).unwrap_or(&hash)))
    }
}

/// A key in a log or a panic message would be no secret.
impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey")
    }
}

fn is_hash(value: &str) -> bool {
    value
        .strip_prefix(PREFIX)
        .is_some_and(|digits| digits.len() == 2 * HASH_BYTES && digits.bytes().all(is_hex))
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse(digits: &[u8]) -> Option<[u8; KEY_BYTES]> {
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut key = [0; KEY_BYTES];
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        let value = |digit: &u8| char::from(*digit).to_digit(16);
        let digits: Option<Vec<u32>> = pair.iter().map(value).collect();
        *byte = digits?.iter().fold(0, |sum, digit| sum * 16 + *digit as u8);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(HashKey::kept(dir.path()).unwrap().is_none());
        let first = HashKey::kept_or_made(dir.path()).unwrap();
        let again = HashKey::kept_or_made(dir.path()).unwrap();
        assert_eq!(first.hash("secret"), again.hash("secret"));
        let mode = fs::metadata(dir.path().join(DataDir::PRIVACY_KEY))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_hash_is_hmac_sha256_cut_to_128_bits() {
        // RFC 4231's keys are not 32 bytes long; this value comes from Python's hmac module.
        let key = HashKey(std::array::from_fn(|i| i as u8));
        assert_eq!(key.hash("Inbox"), "hash:fc91870b06dc95cadd8a3a13e1184d76");
    }

    #[test]
    fn other_keys_give_other_hashes_and_a_hash_stays_itself() {
        let (a, b) = (HashKey::random().unwrap(), HashKey::random().unwrap());
        assert_ne!(a.hash("x"), b.hash("x"));
        assert_ne!(a.hash("x"), a.hash("y"));
        assert_eq!(b.hash(&a.hash("x")), a.hash("x"));
        assert_ne!(a.hash("hash:123"), "hash:123");
    }

    #[test]
    fn a_file_that_is_no_key_is_an_error_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for content in ["", "abc", &"g".repeat(64), &"0".repeat(63)] {
            fs::write(dir.path().join(DataDir::PRIVACY_KEY), content).unwrap();
            let error = HashKey::kept_or_made(dir.path()).unwrap_err();
            assert!(error.to_string().contains("delete it"), "{error}");
            assert_eq!(
                fs::read_to_string(dir.path().join(DataDir::PRIVACY_KEY)).unwrap(),
                content
            );
        }
    }
}
