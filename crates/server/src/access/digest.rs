//! SHA-256 digests of secrets.
//!
//! Secrets are compared by their digests only, and digests in constant time: how long a comparison takes says nothing about
//! how much of a guess is right, nor about the secret's length.

use sha2::{Digest as _, Sha256};

/// The digest of a secret.
#[derive(Clone, Copy)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Compares all bytes, wherever the first difference is.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |difference, (a, b)| difference | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_match_only_if_the_secrets_are_the_same() {
        let key = Digest::of(b"key");
        assert!(key.matches(&Digest::of(b"key")));
        for other in [&b"kex"[..], b"key ", b"ke", b""] {
            assert!(!key.matches(&Digest::of(other)));
        }
    }
}
