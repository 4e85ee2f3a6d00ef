//! [`Client`].

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use timberline_disk::{Cipher, EncryptedStorage, FileStorage, Storage, os};
use timberline_log::LogOptions;
use timberline_model::{Data, Duration, Pulsetime, Timestamp};

use super::call::Call;
use super::config::Server;
use super::http::Http;
use super::sender::Sender;
use super::transport::Transport;
use super::worker::{self, Shared};
use crate::clock::{Clock, SystemClock};
use crate::queue::{Bucket, Place, Queue, QueueError, QueueOptions, Stored, Waiting};

/// The options of a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    server: Server,
    state: PathBuf,
    hostname: Option<String>,
    commit_interval: StdDuration,
    limit: usize,
    cipher: Option<Arc<Cipher>>,
}

/// Segments of the queue's log.
const SEGMENT: u64 = 512 << 10;

impl ClientOptions {
    /// A client of this server, whose queue is in this directory. The directory is made if it is not there, and one process
    /// at a time uses it.
    #[must_use]
    pub fn new(server: Server, state: impl Into<PathBuf>) -> ClientOptions {
        ClientOptions {
            commit_interval: server.commit_interval(),
            server,
            state: state.into(),
            hostname: None,
            limit: 32 << 20,
            cipher: None,
        }
    }

    /// The name of this machine in buckets, if it is not what the system says.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> ClientOptions {
        self.hostname = Some(hostname.into());
        self
    }

    /// How long a heartbeat is held back for merging; 0: not at all. 10 s unless set here or in aw-client's configuration.
    #[must_use]
    pub fn commit_interval(mut self, interval: StdDuration) -> ClientOptions {
        self.commit_interval = interval;
        self
    }

    /// Encrypts the queue on the disk. It must be opened with the same key from then on.
    #[must_use]
    pub fn encrypted(mut self, cipher: Arc<Cipher>) -> ClientOptions {
        self.cipher = Some(cipher);
        self
    }

    /// The most bytes that wait for the server, about: 32 MiB unless set, which is some months of use. They are also kept in
    /// memory. When it is full, what waits is kept, and heartbeats that begin something new are refused ([`QueueError::Full`]).
    #[must_use]
    pub fn queue_limit(mut self, bytes: usize) -> ClientOptions {
        self.limit = bytes;
        self
    }
}

/// Why a client cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its queue cannot be opened.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The system has no thread for it.
    #[error("cannot start a thread for the client: {0}")]
    NoThread(#[source] std::io::Error),
}

/// A client of a server that speaks the API of ActivityWatch: Timberline, aw-server-rust, aw-server.
///
/// Heartbeats go into a queue on disk and are sent by a thread, so that none is lost: not while the server is away or refuses
/// them for now, and not when this process is killed. `docs/watchers.md` says what is promised. All other calls ask the server at
/// once; they return a [`Call`], for `await` and for `wait()`.
///
/// Clones are the same client: all watchers of a process use one.
///
/// ```
/// use std::time::Duration;
/// use timberline_model::{Data, Duration as Length, Pulsetime, Timestamp};
/// use timberline_watchers::{Client, ClientOptions, Server, Stored};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let state = tempfile::tempdir()?;
/// // Nobody listens at port 1; use `Server::configured(false)?`.
/// let server = Server::new("127.0.0.1", 1);
/// let client = Client::open(ClientOptions::new(server, state.path()))?;
/// let bucket = client.bucket("my-watcher", "my-watcher_laptop", "my.type");
///
/// let now = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let data = Data::parse(r#"{"label": "reading"}"#)?;
/// let stored = bucket.heartbeat(now, Length::ZERO, &data, Pulsetime::from_secs_f64(60.0)?)?;
/// assert_eq!(stored, Stored::OnDisk);
///
/// // At SIGTERM: sends what is left, at most so long. What is not sent now is sent by the next process.
/// let closed = client.close(Duration::from_secs(5)).wait();
/// assert_eq!(closed.left, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    transport: Arc<dyn Transport>,
    hostname: String,
}

/// The state of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Heartbeats that wait, those that are held back for merging included.
    pub waiting: usize,
    /// The approximate size of what is to be sent, in bytes.
    pub bytes: usize,
    /// Whether the last heartbeat that begins something new was refused, because too much waits.
    pub is_full: bool,
    /// Whether some of it is only in memory, because the disk is full.
    pub disk_is_full: bool,
    /// Why nothing is sent at the moment; `None` if the server accepts what is sent.
    pub trouble: Option<String>,
}

/// The result of [`Client::close`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Heartbeats that were not sent. They are in the queue, for the next process.
    pub left: usize,
}

impl Client {
    /// Opens the queue, and begins to send what waits in it.
    ///
    /// # Errors
    /// When the queue cannot be opened, for example because another process uses it. A server that does not answer is no
    /// error.
    pub fn open(options: ClientOptions) -> Result<Client, OpenError> {
        let http = Arc::new(Http::new(&options.server));
        Client::with_transport(options, http, Arc::new(SystemClock::new()))
    }

    /// The same with another transport and other clocks.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn with_transport(
        options: ClientOptions,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Client, OpenError> {
        let dir = |name: &str| {
            let storage = FileStorage::open(options.state.join(name)).map_err(QueueError::Directory)?;
            Ok::<_, QueueError>(Arc::new(storage) as Arc<dyn Storage>)
        };
        // The logs encrypt their records themselves. What is set aside is written as a whole.
        let root = match &options.cipher {
            Some(cipher) => Arc::new(EncryptedStorage::new(dir("")?, Arc::clone(cipher))),
            None => dir("")?,
        };
        let place = Place {
            root,
            logs: [dir("queue-a")?, dir("queue-b")?],
        };
        let interval = i64::try_from(options.commit_interval.as_nanos()).unwrap_or(i64::MAX);
        let queue_options = QueueOptions {
            commit_interval: Duration::from_nanos(interval),
            limit: options.limit,
            log: LogOptions {
                segment_bytes: SEGMENT,
                cipher: options.cipher.clone(),
                ..LogOptions::default()
            },
        };
        let queue = Queue::open(place, queue_options, clock.read().monotonic)?;
        let queue = Arc::new(Mutex::new(queue));
        let sender = Sender::new(Arc::clone(&queue), Arc::clone(&transport));
        let shared = Arc::new(Shared::new(queue, clock));
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("timberline-sender".to_owned())
            .spawn(move || worker::run(&of_thread, sender))
            .map_err(OpenError::NoThread)?;
        let hostname = options.hostname.or_else(os::process::host_name);
        Ok(Client(Arc::new(Inner {
            shared,
            transport,
            hostname: hostname.unwrap_or_else(|| "unknown".to_owned()),
        })))
    }

    /// The name of this machine, as buckets have it.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.0.hostname
    }

    /// A bucket of this machine, which `client` fills. It is created on the server with its first heartbeat.
    #[must_use]
    pub fn bucket(&self, client: &str, id: &str, type_: &str) -> BucketHandle {
        BucketHandle {
            client: self.clone(),
            bucket: Arc::new(Bucket {
                id: id.to_owned(),
                type_: type_.to_owned(),
                client: client.to_owned(),
                hostname: self.0.hostname.clone(),
            }),
        }
    }

    /// The bucket `aw-watcher-afk_HOST`, for [`afk::AfkEvent`](crate::afk::AfkEvent)s.
    #[must_use]
    pub fn afk_bucket(&self) -> BucketHandle {
        self.bucket_of_host("aw-watcher-afk", "afkstatus")
    }

    /// The bucket `aw-watcher-window_HOST`, for [`window::WindowEvent`](crate::window::WindowEvent)s.
    #[must_use]
    pub fn window_bucket(&self) -> BucketHandle {
        self.bucket_of_host("aw-watcher-window", "currentwindow")
    }

    /// The bucket `timberline-presence_HOST`, for [`afk::PresenceEvent`](crate::afk::PresenceEvent)s.
    #[must_use]
    pub fn presence_bucket(&self) -> BucketHandle {
        self.bucket_of_host("timberline-presence", "timberline.presence")
    }

    /// The bucket `timberline-window-facts_HOST`: what is known of the window in front beyond its event.
    #[must_use]
    pub fn window_facts_bucket(&self) -> BucketHandle {
        self.bucket_of_host("timberline-window-facts", "timberline.window-facts")
    }

    /// The bucket `timberline-watchers_HOST`: which watchers were paused.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub(crate) fn pauses_bucket(&self) -> BucketHandle {
        self.bucket_of_host("timberline-watchers", "timberline.watchers")
    }

    /// The bucket `CLIENT_HOST`, as most watchers name theirs.
    #[must_use]
    pub(crate) fn bucket_of_host(&self, client: &str, type_: &str) -> BucketHandle {
        self.bucket(client, &format!("{client}_{}", self.0.hostname), type_)
    }

    /// The state of the queue.
    #[must_use]
    pub fn health(&self) -> Health {
        let trouble = self.0.shared.trouble();
        let queue = self.0.shared.queue.lock();
        Health {
            waiting: queue.len(),
            bytes: queue.bytes(),
            is_full: queue.is_full(),
            disk_is_full: queue.is_behind(),
            trouble,
        }
    }

    /// Erases heartbeats from the queue's files that the server has taken. Without it, they are gone after ten minutes. If the disk
    /// refuses, it is tried again. It takes as long as the disk does.
    pub fn forget_sent(&self) {
        let now = self.0.shared.clock.read().monotonic;
        self.0.shared.queue.lock().forget_sent(now);
    }

    /// Sends soon what is held back for merging, because this machine is about to sleep.
    pub(crate) fn send_held(&self) {
        let shared = &self.0.shared;
        let mut queue = shared.queue.lock();
        queue.let_go(shared.clock.read().monotonic);
        let (something_to_send, deadline) = (queue.has_something_to_send(), queue.deadline());
        drop(queue);
        shared.taken(something_to_send, deadline);
    }

    /// Sends what waits and what is held back, for at most so long, and ends the client: heartbeats are refused from now on. What
    /// the server does not take stays in the queue. If nobody listens at its address, this ends at once.
    pub fn close(&self, patience: StdDuration) -> Call<Closed> {
        let shared = Arc::clone(&self.0.shared);
        let of_thread = Arc::clone(&shared);
        let close = move |patience| {
            of_thread.wait_finished(patience);
            let mut queue = of_thread.queue.lock();
            if let Err(error) = queue.close(of_thread.clock.read().monotonic) {
                tracing::warn!("the queue of heartbeats could not be closed: {error}");
            }
            Closed { left: queue.len() }
        };
        shared.queue.lock().let_go(shared.clock.read().monotonic);
        shared.close(patience);
        let otherwise = close.clone();
        Call::make(move || close(patience), move |_| otherwise(StdDuration::ZERO))
    }

    pub(super) fn transport(&self) -> &Arc<dyn Transport> {
        &self.0.transport
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("hostname", &self.hostname)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What is held back stays in the queue, for the next process.
        self.shared.close(StdDuration::ZERO);
    }
}

/// A bucket to send heartbeats to.
#[derive(Clone, Debug)]
pub struct BucketHandle {
    client: Client,
    bucket: Arc<Bucket>,
}

impl BucketHandle {
    /// Reports that something is (still) the case, from `start` on, for `duration`. It extends the bucket's last event if the data are
    /// equal and the gap between them is at most `pulsetime`.
    ///
    /// This asks nobody and returns at once, except while the queue's log is written anew (once in ten minutes at most, for as long as the disk
    /// takes). Heartbeats that extend one another are merged for some seconds before they are sent.
    ///
    /// # Errors
    /// When it is not recorded: the queue is full, the client is closed, or it is not a heartbeat that can be sent twice (a
    /// negative duration or pulsetime).
    pub fn heartbeat(
        &self,
        start: Timestamp,
        duration: Duration,
        data: &Data,
        pulsetime: Pulsetime,
    ) -> Result<Stored, QueueError> {
        let shared = &self.client.0.shared;
        let beat = Waiting {
            number: 0,
            bucket: Arc::clone(&self.bucket),
            pulsetime,
            start,
            duration,
            data: data.clone(),
        };
        let mut queue = shared.queue.lock();
        let stored = queue.take(beat, shared.clock.read().monotonic)?;
        let (something_to_send, deadline) = (queue.has_something_to_send(), queue.deadline());
        drop(queue);
        shared.taken(something_to_send, deadline);
        Ok(stored)
    }

    /// Reports an event as far as it is known. A longer one with the same start and data replaces it. For events
    /// that are known exactly, such as those of [`afk`](crate::afk) and [`window`](crate::window).
    ///
    /// # Errors
    /// As [`heartbeat`](Self::heartbeat).
    pub fn event(&self, start: Timestamp, end: Timestamp, data: &Data) -> Result<Stored, QueueError> {
        self.heartbeat(start, end.since(start), data, Pulsetime::from_nanos(0))
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }
}
