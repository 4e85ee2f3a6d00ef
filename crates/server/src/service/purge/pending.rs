//! Purges that were previewed and may be confirmed with their token.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use timberline_disk::random;

use super::error::PurgeError;
use super::request::PurgeRequest;

/// How long a token is valid.
pub(crate) const VALID: Duration = Duration::from_secs(600);
/// Previews whose token is valid at the same time.
const MAX_PENDING: usize = 16;

/// Previews that may be confirmed, by their token.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<HashMap<String, (Instant, Arc<PurgeRequest>)>>);

impl Pending {
    /// Keeps a request. Returns its token. If too many are pending, the oldest goes.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn keep(&self, request: PurgeRequest) -> Result<String, PurgeError> {
        let token = token()?;
        let mut kept = self.0.lock();
        kept.retain(|_, (since, _)| since.elapsed() < VALID);
        while kept.len() >= MAX_PENDING
            && let Some(oldest) = kept
                .iter()
                .min_by_key(|(_, (since, _))| *since)
                .map(|(token, _)| token.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(token.clone(), (timberline_clock::monotonic(), Arc::new(request)));
        Ok(token)
    }

    /// Takes the request of a token, which is then no longer valid.
    ///
    /// # Errors
    /// When there is no such token, or it stands for a purge and a redaction was asked for, or the other way round.
    pub(crate) fn take(&self, token: &str, redact: bool) -> Result<Arc<PurgeRequest>, PurgeError> {
        let mut kept = self.0.lock();
        kept.retain(|_, (since, _)| since.elapsed() < VALID);
        let is_known = kept
            .get(token)
            .is_some_and(|(_, request)| request.is_redaction() == redact);
        match is_known.then(|| kept.remove(token)).flatten() {
            Some((_, request)) => Ok(request),
            None => Err(PurgeError::UnknownToken),
        }
    }
}

fn token() -> Result<String, PurgeError> {
    let bytes: [u8; 16] = random().map_err(PurgeError::NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
