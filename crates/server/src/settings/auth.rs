//! Which credentials a request needs.

use super::SettingError;

/// Which credentials a request needs.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// The key that opens everything.
    pub api_key: Option<ApiKey>,
    /// Whether the server may listen beyond the loopback although everyone may then do everything.
    pub insecure_no_auth: bool,
}

/// The key that clients send as `Authorization: Bearer KEY`. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// # Errors
    /// When no header can carry it. The error does not repeat the key.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(SettingError {
            key: "auth.api_key".to_owned(),
            value: "…".to_owned(),
            reason: "must be printable ASCII characters without blanks, and at least one of them".to_owned(),
        })
    }

    /// The key itself.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey")
    }
}
