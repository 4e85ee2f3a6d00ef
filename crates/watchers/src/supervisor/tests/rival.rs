//! Another client that has made the bucket of a module.

use std::sync::atomic::AtomicI64;

use super::*;

/// A server whose buckets belong to `awatcher`. Their last event ended at the start, and later each time it is asked for, by so
/// many seconds.
#[derive(Default)]
struct Filled {
    seconds: i64,
    asked: AtomicI64,
}

impl Transport for Filled {
    fn send(&self, request: &Request) -> Result<Answer, NotSent> {
        let (status, body) = match request.method {
            _ if request.path.starts_with("/api/1/") => (404, "{}".to_owned()),
            Method::Get if request.path.contains("/events") => {
                let ended = self.asked.fetch_add(self.seconds, Ordering::SeqCst);
                let event = format!(
                    r#"[{{"id":1,"timestamp":"2026-03-01T10:00:00Z","duration":{ended},"data":{{}}}}]"#
                );
                (200, event)
            }
            Method::Get => {
                let bucket = r#"{"id":"b","client":"awatcher","type":"currentwindow","hostname":"laptop"}"#;
                (200, bucket.to_owned())
            }
            _ => (200, r#"{"timestamp":"2026-03-01T10:00:00Z"}"#.to_owned()),
        };
        Ok(Answer {
            status,
            retry_after: None,
            body: body.into_bytes(),
        })
    }
}

fn bench(dir: &Path, puppet: &Puppet, seconds: i64) -> Bench {
    let server = Filled {
        seconds,
        ..Filled::default()
    };
    let client_options = ClientOptions::new(Server::new("127.0.0.1", 1), dir.join(unique("client")))
        .hostname("laptop")
        .commit_interval(StdDuration::ZERO);
    let clock = Arc::new(SystemClock::new());
    let client = Client::with_transport(client_options, Arc::new(server), clock).expect("a client");
    Bench::with(SupervisorOptions {
        client,
        ..options(dir, &[puppet])
    })
}

/// Lets time pass until this is the case. The client's threads go by real time.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(StdDuration::from_millis(1));
        tokio::time::sleep(StdDuration::from_millis(100)).await;
    }
    panic!("{what} has not come");
}

/// Its events may be those of this module: awatcher was there before.
#[tokio::test(start_paused = true)]
async fn a_module_records_while_it_looks_whether_another_client_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let puppet = Puppet::new("window", Way::Error);
    let bench = bench(dir.path(), &puppet, 0);
    settle().await;
    assert!(puppet.is_running());
    for _ in 0..600 {
        std::thread::sleep(StdDuration::from_millis(1));
        tokio::time::sleep(StdDuration::from_millis(100)).await;
        assert!(puppet.is_running());
    }
    drop(bench);
}

#[tokio::test(start_paused = true)]
async fn a_module_stands_back_when_it_finds_events_that_are_not_its_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let puppet = Puppet::new("window", Way::Error);
    let bench = bench(dir.path(), &puppet, 3600);
    settle().await;
    assert!(puppet.is_running());
    let stands_back = || matches!(bench.status("window").condition, Condition::StandingBack(_));
    until("another client's event", stands_back).await;
    assert!(!puppet.is_running());
    let why = Condition::StandingBack("awatcher writes to the same bucket".to_owned());
    assert_eq!(bench.status("window").condition, why);
    tokio::time::sleep(StdDuration::from_secs(25)).await;
    assert!(!puppet.is_running(), "it looks again without recording");
}
