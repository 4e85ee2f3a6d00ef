//! Requests that were previewed and may be confirmed with their token.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use timberline_disk::random;

use super::error::PurgeError;

/// How long a token is valid.
pub(crate) const VALID: Duration = Duration::from_secs(600);
/// Previews whose token is valid at the same time.
const MAX_PENDING: usize = 16;

/// Previews that may be confirmed, by their token.
#[derive(Debug)]
pub(crate) struct Pending<T>(Mutex<HashMap<String, (Instant, Arc<T>)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pending<T> {
    /// Keeps a request from `now` on. Returns its token. If too many are pending, the oldest goes.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn keep(&self, request: T, now: Instant) -> Result<String, PurgeError> {
        let token = token()?;
        let mut kept = self.0.lock();
        kept.retain(|_, (since, _)| now.saturating_duration_since(*since) < VALID);
        while kept.len() >= MAX_PENDING
            && let Some(oldest) = kept
                .iter()
                .min_by_key(|(_, (since, _))| *since)
                .map(|(token, _)| token.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(token.clone(), (now, Arc::new(request)));
        Ok(token)
    }

    /// Takes the request of a token that is valid `now`; then it is no longer.
    ///
    /// # Errors
    /// When there is no such token, or it stands for a request of another kind than `is_meant` says.
    pub(crate) fn take(
        &self,
        token: &str,
        is_meant: impl FnOnce(&T) -> bool,
        now: Instant,
    ) -> Result<Arc<T>, PurgeError> {
        let mut kept = self.0.lock();
        kept.retain(|_, (since, _)| now.saturating_duration_since(*since) < VALID);
        let is_known = kept.get(token).is_some_and(|(_, request)| is_meant(request));
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

#[cfg(test)]
mod tests {
    use timberline_views::TimeRange;

    use super::super::request::{Action, PurgeRequest};
    use super::*;

    fn request(action: Action) -> PurgeRequest {
        PurgeRequest {
            buckets: None,
            events: None,
            range: TimeRange::ALL,
            data: None,
            action,
        }
    }

    fn is_purge(request: &PurgeRequest) -> bool {
        !request.is_redaction()
    }

    fn is_unknown(taken: Result<Arc<PurgeRequest>, PurgeError>) -> bool {
        matches!(taken, Err(PurgeError::UnknownToken))
    }

    #[test]
    fn a_token_is_valid_once_and_for_ten_minutes() {
        let (pending, begun) = (Pending::default(), timberline_clock::monotonic());
        let keep = || pending.keep(request(Action::PurgeEvents), begun).unwrap();
        let token = keep();
        let last_moment = begun + VALID - Duration::from_nanos(1);
        assert!(pending.take(&token, is_purge, last_moment).is_ok());
        assert!(is_unknown(pending.take(&token, is_purge, last_moment)));
        assert!(is_unknown(pending.take(&keep(), is_purge, begun + VALID)));
        assert!(is_unknown(pending.take("", is_purge, begun)));
    }

    #[test]
    fn a_token_of_a_purge_confirms_no_redaction_and_stays_valid() {
        let (pending, now) = (Pending::default(), timberline_clock::monotonic());
        let token = pending.keep(request(Action::PurgeBuckets), now).unwrap();
        assert!(is_unknown(pending.take(&token, PurgeRequest::is_redaction, now)));
        assert!(pending.take(&token, is_purge, now).is_ok());
    }

    #[test]
    fn of_too_many_previews_the_oldest_can_no_longer_be_confirmed() {
        let (pending, begun) = (Pending::default(), timberline_clock::monotonic());
        let at = |second: usize| begun + Duration::from_secs(second as u64);
        let tokens: Vec<String> = (0..=MAX_PENDING)
            .map(|second| pending.keep(request(Action::PurgeEvents), at(second)).unwrap())
            .collect();
        let is_valid = |token: &String| pending.take(token, is_purge, at(MAX_PENDING)).is_ok();
        let valid: Vec<bool> = tokens.iter().map(is_valid).collect();
        assert_eq!(valid.iter().filter(|valid| !**valid).count(), 1);
        assert!(!valid[0]);
    }
}
