//! A request body in one piece, within the limits.

use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{ApiError, json};
use crate::settings::Limits;

/// Bodies up to this size take no part in the pools: that many fit in memory for every connection.
pub(super) const SMALL_BYTES: u64 = 16 << 10;
/// Bodies up to this size have a pool of their own, so that batches of events do not wait for whole days of them.
const MEDIUM_BYTES: u64 = 1 << 20;
/// The part of the memory that is theirs: one in so many.
const MEDIUM_PART: usize = 4;
/// How often a body that waits for memory has it looked for among the slow ones.
const RECHECK_AFTER: Duration = Duration::from_millis(250);
/// How much of a body that is too large is read and thrown away, so that the client gets to read the
/// answer instead of seeing its connection reset.
const DISCARD_BYTES: u64 = 512 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// Bounds the memory that request bodies take, one by one and together.
#[derive(Debug)]
pub(crate) struct BodyPool {
    limit: usize,
    medium: Pool,
    large: Pool,
    /// Notified while a body waits for its share. The listener may end slow bodies that have one.
    waits: Arc<Notify>,
}

#[derive(Debug)]
struct Pool {
    free: Arc<Semaphore>,
    kib: u32,
}

impl Pool {
    fn of_bytes(bytes: usize) -> Self {
        let kib = u32::try_from(bytes >> 10)
            .unwrap_or(u32::MAX >> 4)
            .clamp(1, u32::MAX >> 4);
        Self {
            free: Arc::new(Semaphore::new(kib as usize)),
            kib,
        }
    }
}

impl BodyPool {
    pub(crate) fn new(limits: &Limits) -> Self {
        let medium = limits.body_pool_bytes / MEDIUM_PART;
        Self {
            limit: limits.body_bytes,
            medium: Pool::of_bytes(medium),
            large: Pool::of_bytes(limits.body_pool_bytes - medium),
            waits: Arc::default(),
        }
    }

    /// Told while a body waits for memory.
    pub(crate) fn waits(&self) -> Arc<Notify> {
        Arc::clone(&self.waits)
    }

    /// [`BodyPool::share`] for what is not held by [`collect`]; small bodies need none.
    pub(crate) async fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        if bytes <= SMALL_BYTES {
            return None;
        }
        self.share(bytes).await
    }

    /// Waits until `bytes` fit in addition to the bodies in memory. A body that would never fit gets all memory.
    async fn share(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let pool = if bytes > MEDIUM_BYTES {
            &self.large
        } else {
            &self.medium
        };
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).min(pool.kib);
        let mut acquiring = pin!(Arc::clone(&pool.free).acquire_many_owned(kib));
        loop {
            tokio::select! {
                biased;
                // The pool is never closed.
                share = &mut acquiring => return share.ok(),
                () = tokio::time::sleep(RECHECK_AFTER) => self.waits.notify_one(),
            }
        }
    }
}

/// A body and its share of the pool.
#[derive(Debug)]
pub(crate) struct Collected {
    bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl Deref for Collected {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

/// [`collect`], after a look at the content type.
///
/// # Errors
/// Also when the content type is not JSON.
pub(crate) async fn collect_json<B>(
    headers: &HeaderMap,
    body: B,
    pool: &BodyPool,
) -> Result<Collected, ApiError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    if !json::is_json(headers.get(header::CONTENT_TYPE)) {
        pass_over(headers, body).await;
        return Err(ApiError::WrongContentType);
    }
    collect(body, pool).await
}

/// Waits for the whole of `body`. One that arrives in one piece, as a heartbeat does, is not copied.
///
/// # Errors
/// When it is larger than the limit, or breaks off.
pub(crate) async fn collect<B>(body: B, pool: &BodyPool) -> Result<Collected, ApiError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = pin!(body);
    let expected = body.size_hint().lower();
    if expected > pool.limit as u64 {
        discard(body).await;
        return Err(ApiError::BodyTooLarge { limit: pool.limit });
    }
    let mut share = None;
    if expected > SMALL_BYTES {
        share = pool.share(expected).await;
    }
    let first = next(body.as_mut()).await?.unwrap_or_default();
    if body.is_end_stream() {
        return Ok(Collected {
            bytes: first,
            _share: share,
        });
    }
    // What the client announced is not yet a reason to allocate it.
    let room = usize::try_from(expected.min(SMALL_BYTES)).unwrap_or(0);
    let mut whole = BytesMut::with_capacity(room.max(first.len()));
    whole.extend_from_slice(&first);
    while let Some(piece) = next(body.as_mut()).await? {
        if whole.len() + piece.len() > pool.limit {
            discard(body).await;
            return Err(ApiError::BodyTooLarge { limit: pool.limit });
        }
        // Without an announced length it may turn out to be large only now.
        if share.is_none() && (whole.len() + piece.len()) as u64 > SMALL_BYTES {
            share = pool.share(pool.limit as u64).await;
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Collected {
        bytes: whole.freeze(),
        _share: share,
    })
}

/// Hands `body` over piece by piece, or the reason why it broke off, until `take` says that it has
/// enough; the rest is thrown away.
pub(crate) async fn pieces<B, W>(body: B, mut take: impl FnMut(Result<Bytes, String>) -> W)
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
    W: Future<Output = bool>,
{
    let mut body = pin!(body);
    loop {
        let piece = match next(body.as_mut()).await {
            Ok(None) => return,
            Ok(Some(piece)) => Ok(piece),
            Err(error) => Err(error.to_string()),
        };
        let broke_off = piece.is_err();
        let enough = !take(piece).await;
        if broke_off {
            return;
        }
        if enough {
            return discard(body).await;
        }
    }
}

async fn next<B>(mut body: Pin<&mut B>) -> Result<Option<Bytes>, ApiError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    loop {
        match std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            None => return Ok(None),
            Some(Err(error)) => return Err(ApiError::BodyLost(error.to_string())),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
        }
    }
}

/// Reads and throws away the body of a request that is refused for what its head says. A client that sends without
/// looking would otherwise see its connection reset and never the reason; one that waits for a `100 Continue` does
/// look, and need not send.
pub(crate) async fn pass_over<B>(headers: &HeaderMap, body: B)
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    if !headers.contains_key(header::EXPECT) {
        discard(pin!(body)).await;
    }
}

async fn discard<B>(mut body: Pin<&mut B>)
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let reading = async {
        let mut read = 0;
        while let Ok(Some(piece)) = next(body.as_mut()).await {
            read += piece.len() as u64;
            if read > DISCARD_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(limit: usize) -> BodyPool {
        BodyPool::new(&Limits {
            body_bytes: limit,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let bytes = Bytes::from(vec![1, 2, 3]);
        let at = bytes.as_ptr();
        let collected = collect(axum::body::Body::from(bytes), &pool(10)).await.unwrap();
        assert_eq!(collected.as_ptr(), at);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_says_so() {
        let body = axum::body::Body::from(vec![0; 11]);
        let error = collect(body, &pool(10)).await.unwrap_err();
        assert_eq!(error.status(), 413);
        assert!(error.to_string().contains("10 bytes"), "{error}");
    }

    #[tokio::test]
    async fn a_body_without_a_length_is_refused_when_it_grows_too_large() {
        let body = super::super::answer::stream(|out| {
            out.send(vec![0; 6])?;
            out.send(vec![0; 6])
        });
        let error = collect(body, &pool(10)).await.unwrap_err();
        assert_eq!(error.status(), 413);
    }

    #[tokio::test]
    async fn a_large_body_that_waits_says_so_and_holds_up_no_smaller_one() {
        let pool = pool(1 << 30);
        let held = pool.share(1 << 30).await;
        let large = pool.share(2 << 20);
        tokio::pin!(large);
        tokio::select! {
            _ = &mut large => panic!("there is no room"),
            () = pool.waits.notified() => {}
        }
        assert!(pool.share(MEDIUM_BYTES).await.is_some());
        drop(held);
        assert!(large.await.is_some());
    }

    #[tokio::test]
    async fn pieces_are_put_together() {
        let body = super::super::answer::stream(|out| {
            out.send(b"ab".to_vec())?;
            out.send(b"cd".to_vec())
        });
        let collected = collect(body, &pool(10)).await.unwrap();
        assert_eq!(&collected[..], b"abcd");
    }
}
