//! Encryption at rest with a data key. Somebody who has only the files cannot read them, and cannot change them without
//! being noticed.
//!
//! The cipher is XChaCha20-Poly1305; `docs/decisions/009-sealed-with-xchacha20.md` gives the reasons and the cost. The
//! associated data are documented where payloads are encrypted: frames in `crates/log`, files in `encrypted.rs`, the data
//! key in [`key_file`].

pub(crate) mod key_file;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::random::{draw, random};

/// Bytes of a data key.
pub(crate) const KEY: usize = 32;
/// Bytes of a nonce. It stands before the ciphertext.
pub(crate) const NONCE: usize = 24;
/// Bytes of the tag. It stands after the ciphertext.
pub(crate) const TAG: usize = 16;
/// The random part of a nonce, the same for all nonces of one [`Cipher`].
const DRAWN: usize = 16;

/// Authentication failed: another key, other associated data, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was changed since it was encrypted, or was encrypted with another key")]
pub struct NotAuthentic;

/// A data key in use.
///
/// No nonce is ever used twice with a key: its first 16 bytes are drawn at random whenever a key is taken into use,
/// the other 8 count. So a torn tail may be cut off and written again under the same sequence numbers.
pub struct Cipher {
    aead: XChaCha20Poly1305,
    drawn: [u8; DRAWN],
    count: AtomicU64,
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

impl Cipher {
    /// How much longer sealed bytes are than plain ones.
    pub const OVERHEAD: usize = NONCE + TAG;

    /// A key that nobody else knows and that is gone with this value: for temporary files.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn ephemeral() -> io::Result<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        draw(&mut *key)?;
        Self::of(&key)
    }

    /// Takes a key into use.
    pub(crate) fn of(key: &[u8; KEY]) -> io::Result<Self> {
        Ok(Self::with_nonces(key, random()?))
    }

    /// A key with nonces that are known before: for files whose bytes are compared.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn repeatable(key: &[u8; 32], drawn: [u8; 16]) -> Self {
        Self::with_nonces(key, drawn)
    }

    /// A known key, taken into use as that of a key file is.
    ///
    /// # Panics
    /// If the system has no random bytes.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn taken_into_use(key: &[u8; 32]) -> Self {
        Self::of(key).unwrap_or_else(|error| panic!("no random bytes: {error}"))
    }

    fn with_nonces(key: &[u8; KEY], drawn: [u8; DRAWN]) -> Self {
        Self {
            aead: XChaCha20Poly1305::new(key.into()),
            drawn,
            count: AtomicU64::new(0),
        }
    }

    fn next_nonce(&self) -> [u8; NONCE] {
        // A counter of 64 bits does not come round: at ten million a second that would take 58,000 years.
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; NONCE];
        nonce[..DRAWN].copy_from_slice(&self.drawn);
        nonce[DRAWN..].copy_from_slice(&count.to_le_bytes());
        nonce
    }

    /// Encrypts `plain` and adds to `out`: the nonce, the encrypted bytes, the tag over them and over the associated
    /// data `aad`. The associated data is not stored; decrypting needs the same.
    ///
    /// # Panics
    /// If there are 256 GiB or more; nothing here is that large.
    pub fn encrypt(&self, aad: &[u8], plain: &[u8], out: &mut Vec<u8>) {
        let nonce = self.next_nonce();
        out.reserve(plain.len() + Self::OVERHEAD);
        out.extend_from_slice(&nonce);
        let begin = out.len();
        out.extend_from_slice(plain);
        let body = InOutBuf::from(out.split_at_mut(begin).1);
        let encrypted = self.aead.encrypt_inout_detached(&XNonce::from(nonce), aad, body);
        match encrypted {
            Ok(tag) => out.extend_from_slice(&tag),
            Err(_) => panic!("{} bytes are too many to encrypt at once", plain.len()),
        }
    }

    /// Decrypts what [`encrypt`](Self::encrypt) made: replaces `out` by the plain bytes.
    ///
    /// # Errors
    /// [`NotAuthentic`]; then `out` is empty.
    pub fn decrypt(&self, aad: &[u8], encrypted: &[u8], out: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        out.clear();
        let (nonce, rest) = encrypted.split_first_chunk::<NONCE>().ok_or(NotAuthentic)?;
        let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(NotAuthentic)?;
        out.extend_from_slice(body);
        let opened = self.aead.decrypt_inout_detached(
            &XNonce::from(*nonce),
            aad,
            InOutBuf::from(out.as_mut_slice()),
            &Tag::from(*tag),
        );
        opened.map_err(|_| {
            out.clear();
            NotAuthentic
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn encrypted(cipher: &Cipher, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        cipher.encrypt(aad, plain, &mut out);
        out
    }

    proptest! {
        #[test]
        fn what_is_encrypted_is_decrypted(
            plain in prop::collection::vec(any::<u8>(), 0..300), aad in prop::collection::vec(any::<u8>(), 0..40)
        ) {
            let cipher = Cipher::ephemeral().unwrap();
            let encrypted = encrypted(&cipher, &aad, &plain);
            prop_assert_eq!(encrypted.len(), plain.len() + Cipher::OVERHEAD);
            let mut decrypted = b"of before".to_vec();
            prop_assert_eq!(cipher.decrypt(&aad, &encrypted, &mut decrypted), Ok(()));
            prop_assert_eq!(decrypted, plain);
        }

        #[test]
        fn any_flipped_bit_is_noticed(
            plain in prop::collection::vec(any::<u8>(), 0..64), pick in any::<prop::sample::Index>()
        ) {
            let cipher = Cipher::ephemeral().unwrap();
            let mut encrypted = encrypted(&cipher, b"here", &plain);
            let bit = pick.index(encrypted.len() * 8);
            encrypted[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(cipher.decrypt(b"here", &encrypted, &mut Vec::new()), Err(NotAuthentic));
        }
    }

    #[test]
    fn another_place_another_key_or_fewer_bytes_do_not_open_it() {
        let (cipher, other) = (Cipher::ephemeral().unwrap(), Cipher::ephemeral().unwrap());
        let encrypted = encrypted(&cipher, b"here", b"plain");
        let decrypt =
            |cipher: &Cipher, aad: &[u8], encrypted: &[u8]| cipher.decrypt(aad, encrypted, &mut Vec::new());
        assert_eq!(decrypt(&cipher, b"here", &encrypted), Ok(()));
        assert_eq!(decrypt(&cipher, b"there", &encrypted), Err(NotAuthentic));
        assert_eq!(decrypt(&other, b"here", &encrypted), Err(NotAuthentic));
        for len in 0..encrypted.len() {
            assert_eq!(decrypt(&cipher, b"here", &encrypted[..len]), Err(NotAuthentic));
        }
    }

    #[test]
    fn no_nonce_comes_twice_whenever_the_key_is_taken_into_use() {
        let key = [7; KEY];
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let cipher = Cipher::of(&key).unwrap();
            for _ in 0..20 {
                let encrypted = encrypted(&cipher, b"", b"the same");
                assert!(seen.insert(encrypted[..NONCE].to_vec()));
                assert!(seen.insert(encrypted[NONCE..].to_vec()));
            }
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?}", Cipher::with_nonces(&[0xab; KEY], [0xcd; DRAWN]));
        assert_eq!(shown, "Cipher { .. }");
    }
}
