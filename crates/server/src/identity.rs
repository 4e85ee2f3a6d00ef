//! Who this server is: its device id and host name.
//!
//! The device id is made once and kept in the file `device_id` in the data directory. It marks the
//! log's segments, so that logs of several devices can be distinguished, and clients see it in
//! `/api/0/info`. When the file is missing or damaged the id is taken from the segments: data that
//! changed their owner would look like those of two devices.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use timberline_disk::{DataDir, IoError, create_private_dir, write_atomically};
use timberline_log::DeviceId;
use timberline_views::OpenError;

use crate::settings::Settings;

/// Longest id that a launcher may hand over.
const MAX_BYTES: usize = 128;

/// Why the identity could not be established.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data directory cannot be made or written to.
    #[error(transparent)]
    DataDir(IoError),
    /// The kept id cannot be used, and the log does not say which it was.
    #[error(
        "{path} does not hold a device id, and {why}: write the right id into it, such as that of a backup's device_id"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why it cannot be restored.
        why: String,
    },
    /// The log, which contains the id, cannot be read.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The id given by flag or configuration cannot be used.
    #[error("device_id = {0}: must be 1 to {MAX_BYTES} printable ASCII characters, such as a UUID")]
    Given(String),
}

impl IdentityError {
    pub(crate) fn data_dir(dir: &Path) -> impl FnOnce(io::Error) -> Self {
        let at = IoError::at("write to the data directory", dir);
        move |error| Self::DataDir(at(error))
    }
}

/// Device id and host name.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As clients see it.
    pub device_id: String,
    /// This machine's name.
    pub hostname: String,
    origin: Origin,
}

/// Where the device id comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// The file, or a flag or key.
    Known,
    /// It is new.
    New,
    /// The log's segments; this was wrong with the file.
    Restored(&'static str),
}

impl Identity {
    /// Finds the kept device id and keeps it, see [`find`](Self::find) and [`keep`](Self::keep); makes the data directory
    /// if there is none.
    ///
    /// # Errors
    /// [`IdentityError`], with what to do about it.
    pub fn load(settings: &Settings) -> Result<Self, IdentityError> {
        let dir = &settings.data_dir;
        let identity = Self::find(settings)?;
        create_private_dir(dir)
            .and_then(|()| identity.keep(dir))
            .map_err(IdentityError::data_dir(dir))?;
        Ok(identity)
    }

    /// Reads the kept device id; restores it from the log's segments if it is missing or damaged, or makes a new one if
    /// there is no log. Changes nothing.
    ///
    /// # Errors
    /// [`IdentityError`], with what to do about it.
    pub fn find(settings: &Settings) -> Result<Self, IdentityError> {
        let (device_id, origin) = match &settings.device_id {
            Some(given) if is_usable(given) => (given.clone(), Origin::Known),
            Some(given) => return Err(IdentityError::Given(given.clone())),
            None => kept_id(&settings.data_dir)?,
        };
        Ok(Self {
            device_id,
            hostname: hostname(),
            origin,
        })
    }

    /// Writes the device id to its file if it is not there.
    ///
    /// # Errors
    /// When the data directory cannot be written to.
    pub fn keep(&self, data_dir: &Path) -> io::Result<()> {
        match self.origin {
            Origin::Known => Ok(()),
            Origin::New | Origin::Restored(_) => {
                let line = format!("{}\n", self.device_id);
                write_atomically(data_dir, DataDir::DEVICE_ID, line.as_bytes())
            }
        }
    }

    /// What was wrong with the file, if the id was restored from the log's segments.
    pub fn restored(&self) -> Option<&'static str> {
        match self.origin {
            Origin::Restored(what) => Some(what),
            Origin::Known | Origin::New => None,
        }
    }

    /// The id as the log stores it: the UUID's bytes, or a digest of whatever else a launcher gave.
    pub fn log_id(&self) -> DeviceId {
        log_id(&self.device_id)
    }
}

/// The id in the file; without one, the id in the log; without either, a new id.
fn kept_id(dir: &Path) -> Result<(String, Origin), IdentityError> {
    let path = dir.join(DataDir::DEVICE_ID);
    let text = match fs::read_to_string(&path) {
        Ok(text) => Some(text.trim().to_owned()),
        // There is something by that name, but not an id.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::IsADirectory) => {
            Some(String::new())
        }
        // What is in the way of the directory is found when it is made.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(error) => {
            return Err(IdentityError::data_dir(dir)(error));
        }
    };
    let written_by = devices(dir, text.as_deref())?;
    let wrong = match text.as_deref() {
        Some(id) if is_usable(id) && !looks_damaged(id, &written_by) => {
            return Ok((id.to_owned(), Origin::Known));
        }
        Some(_) => "was damaged",
        None => "was missing",
    };
    match (&written_by[..], text) {
        ([device], _) => Ok((uuid_text(*device), Origin::Restored(wrong))),
        ([], None) => new_uuid()
            .map(|id| (id, Origin::New))
            .map_err(IdentityError::data_dir(dir)),
        ([], Some(_)) => Err(IdentityError::Broken {
            path,
            why: "no segment of the log says which it was".to_owned(),
        }),
        (several, _) => {
            let ids: Vec<String> = several.iter().map(|device| uuid_text(*device)).collect();
            Err(IdentityError::Broken {
                path,
                why: format!("the log's segments name several: {}", ids.join(", ")),
            })
        }
    }
}

/// The devices that wrote the log, as its segments' headers say. While `kept` is the one of the newest, only that is read.
fn devices(dir: &Path, kept: Option<&str>) -> Result<Vec<DeviceId>, IdentityError> {
    let reader = match timberline_views::tools::log_files(dir) {
        Ok(reader) => reader,
        Err(OpenError::NoLog { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let newest = reader.newest_device().map_err(OpenError::from)?;
    if let (Some(newest), Some(kept)) = (newest, kept)
        && is_usable(kept)
        && log_id(kept) == newest
    {
        return Ok(vec![newest]);
    }
    let segments = reader.segments().map_err(OpenError::from)?;
    let mut devices: Vec<DeviceId> = segments.iter().filter_map(|segment| segment.device).collect();
    devices.sort_unstable();
    devices.dedup();
    Ok(devices)
}

/// How many letters of an id may differ from that in the log before it is another id and not the same, damaged.
const FEW: usize = 4;

/// Whether an id that could be one is a part of that of the log, or differs from it in a few letters. Another id altogether is somebody's
/// choice, now (it was written to the file by hand) or then (it was given by a flag).
fn looks_damaged(id: &str, written_by: &[DeviceId]) -> bool {
    let [device] = written_by else { return false };
    let right = uuid_text(*device);
    let differing = right.bytes().zip(id.bytes()).filter(|(a, b)| a != b).count();
    let is_cut = id.len() < right.len() && right.starts_with(id);
    is_cut || id.len() == right.len() && (1..=FEW).contains(&differing)
}

fn is_usable(id: &str) -> bool {
    (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// The name of this machine.
pub fn hostname() -> String {
    timberline_disk::os::process::host_name().unwrap_or_else(|| "unknown".to_owned())
}

/// A random UUID (version 4, RFC 9562).
fn new_uuid() -> io::Result<String> {
    let bytes = timberline_disk::random()?;
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) | (0x4 << 76);
    let number = number & !(0x3 << 62) | (0x2 << 62);
    Ok(uuid_text(DeviceId(number.to_be_bytes())))
}

fn log_id(id: &str) -> DeviceId {
    DeviceId(uuid_bytes(id).unwrap_or_else(|| digest(id)))
}

fn uuid_text(device: DeviceId) -> String {
    let hex = device.to_string();
    let parts: Vec<&str> = [0..8, 8..12, 12..16, 16..20, 20..32]
        .into_iter()
        .filter_map(|range| hex.get(range))
        .collect();
    parts.join("-")
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

/// FNV-1a, 128 bits: enough to distinguish the devices of one person.
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
            ..crate::settings::test_settings()
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
            fs::write(dir.path().join(DataDir::DEVICE_ID), content).unwrap();
            let error = Identity::load(&settings).unwrap_err();
            assert!(matches!(error, IdentityError::Broken { .. }), "{error}");
            assert!(error.to_string().contains("device_id"), "{error}");
        }
    }

    /// A log with a segment that each of these devices wrote.
    fn log_of(dir: &Path, devices: &[DeviceId]) {
        let storage = std::sync::Arc::new(timberline_disk::FileStorage::open(dir.join("log")).unwrap());
        for &device in devices {
            let options = timberline_log::LogOptions {
                device,
                ..Default::default()
            };
            let (mut log, _) = timberline_log::Log::open(storage.clone(), options).unwrap();
            log.begin_segment().unwrap();
            let entry = timberline_log::Entry {
                kind: 1,
                payload: b"",
            };
            log.append(&[entry]).unwrap();
            log.begin_segment().unwrap();
            log.close().unwrap();
        }
    }

    #[test]
    fn an_id_that_is_missing_or_damaged_is_restored_from_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let first = Identity::load(&settings).unwrap();
        log_of(dir.path(), &[first.log_id()]);
        let file = dir.path().join(DataDir::DEVICE_ID);
        let mut flipped = first.device_id.clone().into_bytes();
        flipped[3] ^= 1;
        let cut = first.device_id.as_bytes()[..20].to_vec();
        for content in [
            None,
            Some(vec![]),
            Some(cut),
            Some(b"\xff\xfe".to_vec()),
            Some(b"a b".to_vec()),
            Some(flipped),
        ] {
            match &content {
                None => fs::remove_file(&file).unwrap(),
                Some(content) => fs::write(&file, content).unwrap(),
            }
            let found = Identity::find(&settings).unwrap();
            assert_eq!(found.device_id, first.device_id, "{content:?}");
            assert!(found.restored().is_some());
            let kept = Identity::load(&settings).unwrap();
            assert_eq!(kept.device_id, first.device_id);
            let again = Identity::find(&settings).unwrap();
            assert_eq!(
                (again.device_id.as_str(), again.restored()),
                (first.device_id.as_str(), None)
            );
        }
        // Another id altogether is one that somebody has chosen.
        fs::write(&file, "my-phone").unwrap();
        assert_eq!(Identity::find(&settings).unwrap().device_id, "my-phone");
    }

    #[test]
    fn an_id_of_which_the_log_knows_several_is_not_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        log_of(dir.path(), &[DeviceId([1; 16]), DeviceId([2; 16])]);
        let error = Identity::find(&settings).unwrap_err().to_string();
        assert!(
            error.contains("01010101-0101-0101-0101-010101010101, 02020202"),
            "{error}"
        );
        assert!(!dir.path().join(DataDir::DEVICE_ID).exists());
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
