//! The file `KEY`: the data key, locked with a passphrase. Specified to the byte in `docs/format/key.md`.
//!
//! The passphrase does not encrypt data. It locks a random key that does, so the passphrase can be changed without
//! rewriting anything else.

use std::io;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, Zeroizing};

use super::{Cipher, KEY, NONCE, TAG};
use crate::fixed::{part, word};
use crate::random::{draw, random};
use crate::{DataDir, IoError, create_private_dir, write_atomically};

const MAGIC: [u8; 8] = *b"TMBRKEY\n";
const VERSION: u32 = 1;
/// Bytes of the file.
const LEN: usize = 128;
const SALT: usize = 16;
/// Everything before this is associated data of the locked key: if it is changed, the key cannot be unlocked.
const NONCE_AT: usize = 40;
const CRC_AT: usize = LEN - 4;
/// More than anybody's passphrase takes is not spent on a file that says so: a gigabyte, and a hundred passes.
const MAX_COST: Cost = Cost {
    memory: 1 << 20,
    passes: 100,
    lanes: 64,
};

/// What guessing a passphrase costs: the parameters of argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    /// In KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106 (section 4), with one lane: we compute on one core.
    const USUAL: Self = Self {
        memory: 64 << 10,
        passes: 3,
        lanes: 1,
    };

    fn is_bearable(self) -> bool {
        let most =
            self.memory <= MAX_COST.memory && self.passes <= MAX_COST.passes && self.lanes <= MAX_COST.lanes;
        // What argon2 itself asks for.
        most && self.passes >= 1 && self.lanes >= 1 && self.memory >= 8 * self.lanes
    }
}

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The passphrase does not open it.
    #[error("wrong passphrase for {}", path.display())]
    WrongPassphrase {
        /// The key file.
        path: PathBuf,
    },
    /// The file is not what was once written.
    #[error("{} is damaged: put back a copy of it; without it the data cannot be decrypted", path.display())]
    Damaged {
        /// The key file.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error(
        "{} has format version {found}, this program knows versions up to {VERSION}: update Timberline",
        path.display()
    )]
    Newer {
        /// The key file.
        path: PathBuf,
        /// The version it carries.
        found: u32,
    },
    /// The operating system refused an operation.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// The file `KEY` of a data directory, which makes the directory an encrypted one.
#[derive(Debug)]
pub struct KeyFile {
    dir: PathBuf,
    cost: Cost,
}

impl KeyFile {
    /// That of a data directory, whether it is there or not.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self {
            dir: data_dir.to_path_buf(),
            cost: Cost::USUAL,
        }
    }

    /// The same, but a passphrase is cheap to guess once it is created: for tests.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn cheap(data_dir: &Path) -> Self {
        Self {
            dir: data_dir.to_path_buf(),
            cost: Cost {
                memory: 8,
                passes: 1,
                lanes: 1,
            },
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.join(DataDir::KEY)
    }

    /// Whether the directory is encrypted.
    ///
    /// # Errors
    /// If that cannot be determined.
    pub fn exists(&self) -> Result<bool, KeyError> {
        let path = self.path();
        path.try_exists().map_err(self.io("look for"))
    }

    /// Makes a new key and locks it with a passphrase. Durable on return. The caller sees to it that there is no key
    /// yet and nothing that was written without one.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn create(&self, passphrase: &[u8]) -> Result<Cipher, KeyError> {
        let mut key = Zeroizing::new([0; KEY]);
        let made = draw(&mut *key).and_then(|()| {
            self.write(&key, passphrase)?;
            Cipher::of(&key)
        });
        made.map_err(self.io("write"))
    }

    /// Whether the file is one that a passphrase can open, without a passphrase.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn check(&self) -> Result<(), KeyError> {
        self.locked().map(drop)
    }

    /// Opens the key with its passphrase.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(&self, passphrase: &[u8]) -> Result<Cipher, KeyError> {
        let key = self.read(passphrase)?;
        Cipher::of(&key).map_err(self.io("use"))
    }

    /// Locks the same key with another passphrase. Data stay as they are; a copy of the old file still opens with
    /// the old one.
    ///
    /// # Errors
    /// [`KeyError`]; then the old passphrase is still the one.
    pub fn change(&self, old: &[u8], new: &[u8]) -> Result<(), KeyError> {
        let key = self.read(old)?;
        self.write(&key, new).map_err(self.io("write"))
    }

    fn read(&self, passphrase: &[u8]) -> Result<Zeroizing<[u8; KEY]>, KeyError> {
        let key = self.locked()?.unlock(passphrase).map_err(self.io("unlock"))?;
        key.ok_or(KeyError::WrongPassphrase { path: self.path() })
    }

    fn locked(&self) -> Result<Locked, KeyError> {
        let path = self.path();
        let bytes = std::fs::read(&path).map_err(self.io("read"))?;
        match Locked::decode(&bytes) {
            Read::Good(locked) => Ok(locked),
            Read::Newer(found) => Err(KeyError::Newer { path, found }),
            Read::Damaged => Err(KeyError::Damaged { path }),
        }
    }

    fn write(&self, key: &[u8; KEY], passphrase: &[u8]) -> io::Result<()> {
        let locked = Locked::lock(key, passphrase, self.cost, random()?, random()?)?;
        create_private_dir(&self.dir)?;
        write_atomically(&self.dir, DataDir::KEY, &locked.encode())
    }

    fn io(&self, op: &'static str) -> impl FnOnce(io::Error) -> KeyError {
        let at = IoError::at(op, self.path());
        move |source| KeyError::Io(at(source))
    }
}

/// A data key that needs a passphrase: what the file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Locked {
    cost: Cost,
    salt: [u8; SALT],
    nonce: [u8; NONCE],
    key: [u8; KEY],
    tag: [u8; TAG],
}

enum Read {
    Good(Locked),
    Newer(u32),
    Damaged,
}

impl Locked {
    fn lock(
        key: &[u8; KEY],
        passphrase: &[u8],
        cost: Cost,
        salt: [u8; SALT],
        nonce: [u8; NONCE],
    ) -> io::Result<Self> {
        let mut locked = Self {
            cost,
            salt,
            nonce,
            key: *key,
            tag: [0; TAG],
        };
        let aad = locked.aad();
        let tag = locked.aead(passphrase)?.encrypt_inout_detached(
            &XNonce::from(nonce),
            &aad,
            InOutBuf::from(locked.key.as_mut_slice()),
        );
        locked.tag = tag.map_err(io::Error::other)?.into();
        Ok(locked)
    }

    /// The key; `None` if it is another passphrase.
    fn unlock(&self, passphrase: &[u8]) -> io::Result<Option<Zeroizing<[u8; KEY]>>> {
        let mut key = Zeroizing::new(self.key);
        let opened = self.aead(passphrase)?.decrypt_inout_detached(
            &XNonce::from(self.nonce),
            &self.aad(),
            InOutBuf::from(key.as_mut_slice()),
            &Tag::from(self.tag),
        );
        Ok(opened.is_ok().then_some(key))
    }

    /// The cipher that locks the key: its own key is derived from the passphrase.
    fn aead(&self, passphrase: &[u8]) -> io::Result<XChaCha20Poly1305> {
        let Cost {
            memory,
            passes,
            lanes,
        } = self.cost;
        let params = Params::new(memory, passes, lanes, Some(KEY)).map_err(io::Error::other)?;
        let mut blocks = Vec::new();
        // Without it, a machine with too little memory would end the program instead of telling.
        blocks
            .try_reserve_exact(params.block_count())
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        blocks.resize(params.block_count(), Block::default());
        let mut derived = Zeroizing::new([0; KEY]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let outcome =
            argon.hash_password_into_with_memory(passphrase, &self.salt, &mut *derived, &mut blocks);
        blocks.iter_mut().for_each(Zeroize::zeroize);
        outcome.map_err(io::Error::other)?;
        Ok(XChaCha20Poly1305::new((&*derived).into()))
    }

    fn aad(&self) -> [u8; NONCE_AT] {
        let mut bytes = [0; NONCE_AT];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.cost.memory.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.cost.passes.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.cost.lanes.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.salt);
        bytes
    }

    fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..NONCE_AT].copy_from_slice(&self.aad());
        bytes[40..64].copy_from_slice(&self.nonce);
        bytes[64..96].copy_from_slice(&self.key);
        bytes[96..112].copy_from_slice(&self.tag);
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Read {
        let Some(block) = bytes.first_chunk::<LEN>() else {
            return Read::Damaged;
        };
        // Magic, version and the place of the checksum are promised to stay where they are in later versions.
        if block[..8] != MAGIC || crc32fast::hash(&block[..CRC_AT]) != word::<CRC_AT, _>(block) {
            return Read::Damaged;
        }
        if word::<8, _>(block) > VERSION {
            return Read::Newer(word::<8, _>(block));
        }
        let locked = Self {
            cost: Cost {
                memory: word::<12, _>(block),
                passes: word::<16, _>(block),
                lanes: word::<20, _>(block),
            },
            salt: part::<24, _, _>(block),
            nonce: part::<NONCE_AT, _, _>(block),
            key: part::<64, _, _>(block),
            tag: part::<96, _, _>(block),
        };
        if bytes.len() != LEN || !locked.cost.is_bearable() {
            return Read::Damaged;
        }
        Read::Good(locked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> Locked {
        let cost = Cost {
            memory: 64,
            passes: 1,
            lanes: 1,
        };
        Locked::lock(&[7; KEY], b"correct horse", cost, [1; SALT], [2; NONCE]).unwrap()
    }

    /// What a passphrase has once locked it must open for ever: the bytes of `docs/format/key.md`.
    #[test]
    fn golden_key_file() {
        let golden_bytes = include_bytes!("../../tests/golden/key.v1");
        assert_eq!(golden().encode(), *golden_bytes);
        let Read::Good(locked) = Locked::decode(golden_bytes) else {
            panic!("it does not decode");
        };
        assert_eq!(
            locked.unlock(b"correct horse").unwrap().as_deref(),
            Some(&[7; KEY])
        );
    }

    #[test]
    fn only_the_passphrase_unlocks_it() {
        let locked = golden();
        for wrong in [&b"correct horsf"[..], b"", b"correct horse "] {
            assert!(locked.unlock(wrong).unwrap().is_none());
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let mut bytes = golden().encode();
        for bit in 0..LEN * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Locked::decode(&bytes), Read::Damaged), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(matches!(Locked::decode(&bytes[..LEN - 1]), Read::Damaged));
        assert!(matches!(Locked::decode(&bytes), Read::Good(_)));
    }

    /// A checksum is no protection against somebody who recomputes it: the tag is.
    #[test]
    fn the_associated_data_of_the_key_is_authenticated() {
        for at in [12, 16, 24, 40, 64, 96] {
            let mut bytes = golden().encode();
            bytes[at] ^= 2;
            let crc = crc32fast::hash(&bytes[..CRC_AT]);
            bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
            let Read::Good(locked) = Locked::decode(&bytes) else {
                panic!("byte {at} is not checked by the checksum alone");
            };
            assert!(locked.unlock(b"correct horse").unwrap().is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_or_too_little_memory_is_refused() {
        let mut locked = golden();
        for memory in [MAX_COST.memory + 1, u32::MAX, 7, 0] {
            locked.cost.memory = memory;
            assert!(matches!(Locked::decode(&locked.encode()), Read::Damaged));
        }
    }

    #[test]
    fn a_newer_version_is_told() {
        let mut bytes = golden().encode();
        bytes[8] = 9;
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert!(matches!(Locked::decode(&bytes), Read::Newer(9)));
    }

    #[test]
    fn a_passphrase_can_be_changed_and_the_key_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyFile {
            dir: dir.path().to_path_buf(),
            cost: golden().cost,
        };
        assert!(!file.exists().unwrap());
        let made = file.create(b"old").unwrap();
        assert!(file.exists().unwrap());
        let mut encrypted = Vec::new();
        made.encrypt(b"", b"plain", &mut encrypted);
        file.change(b"old", b"new").unwrap();
        assert!(matches!(file.open(b"old"), Err(KeyError::WrongPassphrase { .. })));
        assert!(matches!(
            file.change(b"old", b"other"),
            Err(KeyError::WrongPassphrase { .. })
        ));
        let mut plain = Vec::new();
        file.open(b"new")
            .unwrap()
            .decrypt(b"", &encrypted, &mut plain)
            .unwrap();
        assert_eq!(plain, b"plain");
    }

    /// What is spent on a passphrase is what RFC 9106 recommends, not what a test would like.
    #[test]
    fn the_usual_cost_is_that_of_the_rfc() {
        let file = KeyFile::of(Path::new("/nowhere"));
        assert_eq!((file.cost.memory, file.cost.passes), (64 * 1024, 3));
    }
}
