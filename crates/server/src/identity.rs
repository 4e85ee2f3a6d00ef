//! Who this server is: its device id and host name.
//!
//! The device id is made once and kept in the file `device_id` in the data directory. It marks the
//! log's segments, so that logs of several devices can be told apart, and clients see it in
//! `/api/0/info`.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use timberline_log::DeviceId;

use crate::config::Settings;

/// The file in the data directory.
const FILE: &str = "device_id";
/// Longest id that a launcher may hand over.
const MAX_BYTES: usize = 128;

/// Why the identity could not be established.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data directory cannot be made or written to.
    #[error(
        "cannot write to the data directory {dir}: {error}; change its owner or mode, or choose another --dbpath"
    )]
    DataDir {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The kept id cannot be used.
    #[error("{path} does not hold a device id; restore it, or delete it to become a new device")]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The id given by flag or configuration cannot be used.
    #[error("device_id = {0}: must be 1 to {MAX_BYTES} printable ASCII characters, such as a UUID")]
    Given(String),
}

/// Device id and host name.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As clients see it.
    pub device_id: String,
    /// This machine's name.
    pub hostname: String,
}

impl Identity {
    /// Reads the kept device id, or makes one; makes the data directory if there is none.
    ///
    /// # Errors
    /// [`IdentityError`], with what to do about it.
    pub fn load(settings: &Settings) -> Result<Self, IdentityError> {
        let dir = &settings.data_dir;
        let in_dir = |error| IdentityError::DataDir {
            dir: dir.clone(),
            error,
        };
        make_dir(dir).map_err(in_dir)?;
        let kept = match kept_id(&dir.join(FILE)) {
            Ok(kept) => kept,
            // There is something by that name, but not an id.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::IsADirectory) => {
                return Err(IdentityError::Broken { path: dir.join(FILE) });
            }
            Err(error) => return Err(in_dir(error)),
        };
        let device_id = match &settings.device_id {
            Some(given) if is_usable(given) => given.clone(),
            Some(given) => return Err(IdentityError::Given(given.clone())),
            None if is_usable(&kept) => kept,
            None => {
                return Err(IdentityError::Broken { path: dir.join(FILE) });
            }
        };
        Ok(Self {
            device_id,
            hostname: hostname(),
        })
    }

    /// The id as the log stores it: the UUID's bytes, or a digest of whatever else a launcher gave.
    pub fn log_id(&self) -> DeviceId {
        DeviceId(uuid_bytes(&self.device_id).unwrap_or_else(|| digest(&self.device_id)))
    }
}

/// A directory that only its owner may look into: it is somebody's history.
fn make_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if dir.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn kept_id(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let id = new_uuid()?;
    // Complete under another name first: an id that is cut short by a crash would stay wrong for ever.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    writeln!(file, "{id}")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(id),
        // Another instance was faster; the store's lock will sort out the rest.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(fs::read_to_string(path)?.trim().to_owned())
        }
        Err(error) => Err(error.error),
    }
}

fn is_usable(id: &str) -> bool {
    (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_str()
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or("unknown")
        .to_owned()
}

/// A random UUID (version 4, RFC 9562).
fn new_uuid() -> io::Result<String> {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) | (0x4 << 76);
    let number = number & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let parts: Vec<&str> = [0..8, 8..12, 12..16, 16..20, 20..32]
        .into_iter()
        .filter_map(|range| hex.get(range))
        .collect();
    Ok(parts.join("-"))
}

fn uuid_bytes(id: &str) -> Option<[u8; 16]> {
    let hyphens_fit = [8, 13, 18, 23]
        .iter()
        .all(|at| id.as_bytes().get(*at) == Some(&b'-'));
    let hex: String = id.split('-').collect();
    let digits_fit = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let fits = hyphens_fit && digits_fit && id.len() == 36;
    fits.then(|| u128::from_str_radix(&hex, 16).ok())
        .flatten()
        .map(u128::to_be_bytes)
}

/// FNV-1a, 128 bits: enough to tell the devices of one person apart.
fn digest(id: &str) -> [u8; 16] {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in id.bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: &Path) -> Settings {
        Settings {
            data_dir: dir.to_owned(),
            ..crate::config::test_settings()
        }
    }

    #[test]
    fn the_device_id_is_a_uuid_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(&dir.path().join("new"));
        let first = Identity::load(&settings).unwrap();
        let second = Identity::load(&settings).unwrap();
        assert_eq!(first.device_id, second.device_id);
        assert!(uuid_bytes(&first.device_id).is_some(), "{first:?}");
        assert_eq!(first.device_id.as_bytes()[14], b'4');
        assert!(matches!(
            first.device_id.as_bytes()[19],
            b'8' | b'9' | b'a' | b'b'
        ));
    }

    #[test]
    fn a_given_device_id_wins_and_may_be_any_text() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        settings.device_id = Some("my-phone".to_owned());
        let identity = Identity::load(&settings).unwrap();
        assert_eq!(identity.device_id, "my-phone");
        assert_ne!(identity.log_id().0, [0; 16]);
    }

    #[test]
    fn ids_that_cannot_be_used_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        settings.device_id = Some("a b".to_owned());
        assert!(matches!(Identity::load(&settings), Err(IdentityError::Given(_))));
        settings.device_id = None;
        for content in ["".as_bytes(), b"\xff\xfe", b"two words"] {
            fs::write(dir.path().join(FILE), content).unwrap();
            let error = Identity::load(&settings).unwrap_err();
            assert!(matches!(error, IdentityError::Broken { .. }), "{error}");
            assert!(error.to_string().contains("device_id"), "{error}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Identity::load(&settings(&file.join("data"))).unwrap_err();
        assert!(error.to_string().contains("data directory"), "{error}");
    }

    #[test]
    fn a_uuid_is_its_bytes() {
        let bytes = uuid_bytes("00010203-0405-0607-0809-0a0b0c0d0e0f").unwrap();
        assert_eq!(bytes, std::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(uuid_bytes("0001020304050607-08090a0b0c0d0e0f"), None);
        assert_eq!(uuid_bytes("+0010203-0405-0607-0809-0a0b0c0d0e0f"), None);
    }
}
