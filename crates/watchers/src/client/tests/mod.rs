//! The client against fake servers, on the simulated disk, in fake time.

mod answers;
mod chaos;
pub(crate) mod fake_server;
mod once;
mod process;
mod queue;
mod threads;

use std::sync::Arc;

use parking_lot::Mutex;
use timberline_disk::SimDisk;
use timberline_log::LogOptions;
use timberline_model::{Data, Duration, Pulsetime, Timestamp};

use super::sender::{Now, Sender, Step};
use crate::queue::{Bucket, Place, Queue, QueueError, QueueOptions, Stored, Waiting};
use fake_server::{FakeServer, Kind, Link};

/// A watcher's process on a simulated disk, and the time.
struct Process {
    disk: SimDisk,
    link: Arc<Link>,
    options: QueueOptions,
    now: Duration,
    queue: Arc<Mutex<Queue>>,
    sender: Sender,
}

fn options(commit_interval: i64) -> QueueOptions {
    QueueOptions {
        commit_interval: Duration::from_secs(commit_interval),
        limit: 32 << 20,
        log: LogOptions {
            segment_bytes: 512 << 10,
            manual_sync: true,
            ..LogOptions::default()
        },
    }
}

fn place(disk: &SimDisk) -> Place {
    Place {
        root: disk.dir("state"),
        logs: [disk.dir("a"), disk.dir("b")],
    }
}

impl Process {
    fn start(kind: Kind, options: QueueOptions) -> Process {
        let link = Arc::new(Link::to(FakeServer::new(kind)));
        Process::start_on(
            SimDisk::with_files_up_to(1, 1 << 20),
            link,
            options,
            Duration::ZERO,
        )
    }

    fn start_on(disk: SimDisk, link: Arc<Link>, options: QueueOptions, now: Duration) -> Process {
        let queue = Queue::open(place(&disk), options.clone(), now).expect("the queue opens");
        let queue = Arc::new(Mutex::new(queue));
        let sender = Sender::new(Arc::clone(&queue), link.clone());
        Process {
            disk,
            link,
            options,
            now,
            queue,
            sender,
        }
    }

    /// `kill -9`: what was written stays, and everything in memory is gone.
    fn kill(self, seed: u64) -> Process {
        self.queue.lock().sync();
        self.cut_power(seed)
    }

    /// What was not durable may be gone.
    fn cut_power(self, seed: u64) -> Process {
        let disk = self.disk.crash(seed);
        Process::start_on(disk, self.link.clone(), self.options.clone(), self.now)
    }

    fn beat(&self, bucket: &str, start: i64, data: &str) -> Result<Stored, QueueError> {
        self.beat_for(bucket, start, 0, data, 2)
    }

    fn beat_for(
        &self,
        bucket: &str,
        start: i64,
        seconds: i64,
        data: &str,
        pulsetime: i64,
    ) -> Result<Stored, QueueError> {
        let beat = waiting(bucket, start, seconds, data, pulsetime);
        self.queue.lock().take(beat, self.now)
    }

    /// Sends until there is nothing to do at this time.
    fn send(&mut self) -> Step {
        for _ in 0..10_000 {
            self.queue.lock().maintain(self.now);
            let step = self.sender.step(Now {
                monotonic: self.now,
                wall: at(self.now.nanos() / 1_000_000_000),
            });
            if step != Step::Again {
                return step;
            }
        }
        panic!("the sender never rests");
    }

    /// Lets time pass, second by second, and sends.
    fn run(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now = self.now.saturating_add(Duration::from_secs(1));
            self.send();
        }
    }

    fn waiting(&self) -> usize {
        self.queue.lock().len()
    }

    /// What was set aside.
    fn refused(&self) -> String {
        let text = self
            .disk
            .dir("state")
            .read_file("refused.ndjson")
            .unwrap_or_default();
        String::from_utf8(text).expect("text")
    }

    /// The events of a bucket on the server: start and end in seconds, and their data.
    fn stored(&self, bucket: &str) -> Vec<(i64, i64, String)> {
        self.link.server.lock().events(bucket)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

fn waiting(bucket: &str, start: i64, seconds: i64, data: &str, pulsetime: i64) -> Waiting {
    Waiting {
        number: 0,
        bucket: Arc::new(Bucket {
            id: bucket.to_owned(),
            type_: "test".to_owned(),
            client: "aw-watcher-test".to_owned(),
            hostname: "laptop".to_owned(),
        }),
        pulsetime: Pulsetime::from_nanos(pulsetime * 1_000_000_000),
        start: at(start),
        duration: Duration::from_secs(seconds),
        data: Data::parse(&format!(r#"{{"d":"{data}"}}"#)).expect("data"),
    }
}
