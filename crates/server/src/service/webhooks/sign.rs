//! Signatures: a receiver that knows the secret can tell that a delivery is ours, and how old it is.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use timberline_model::Timestamp;

/// What secrets begin with, so that programs that look for leaked secrets can find them.
const PREFIX: &str = "whsec_";

/// What the deliveries of a webhook are signed with. Its owner sees it once.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn random() -> std::io::Result<Secret> {
        let random = timberline_disk::random::<32>()?;
        Ok(Secret(format!("{PREFIX}{}", hex(&random))))
    }

    /// The secret itself, for its owner.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The signature of a body that is sent at this time: HMAC-SHA256 of the seconds since 1970, a full stop and the body,
    /// keyed with the text of the secret.
    pub(super) fn sign(&self, time: Timestamp, body: &[u8]) -> Signature {
        let seconds = time.nanos().div_euclid(1_000_000_000).to_string();
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_bytes()) else {
            // HMAC takes keys of any length. An empty signature is refused by every receiver.
            return Signature {
                seconds,
                hex: String::new(),
            };
        };
        mac.update(seconds.as_bytes());
        mac.update(b".");
        mac.update(body);
        Signature {
            seconds,
            hex: hex(&mac.finalize().into_bytes()),
        }
    }
}

/// A secret in a log would be none.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A signature with the time that it includes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// Seconds since 1970.
    pub(super) seconds: String,
    /// The digits of the HMAC.
    pub(super) hex: String,
}

/// Bytes as digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_any_other_program_computes() {
        // printf '1709287200.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let secret = Secret("whsec_test".to_owned());
        let time = Timestamp::parse("2024-03-01T10:00:00.9Z").unwrap();
        let signature = secret.sign(time, br#"{"a":1}"#);
        assert_eq!(signature.seconds, "1709287200");
        assert_eq!(
            signature.hex,
            "bf4735c2bf268199e709c41d6e3a608bb23b84a0e770eb330043766ce0dd9503"
        );
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::random().unwrap();
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_ne!(secret, Secret::random().unwrap());
    }
}
