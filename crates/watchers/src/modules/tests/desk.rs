//! A desktop that does what a test says, a server that takes what is recorded, and time that passes at once.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use timberline_model::{Duration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::client::tests::fake_server::{FakeServer, Kind, Link};
use crate::clock::{Clock, Reading, SystemClock};
use crate::desktop::{Lost, Reports, Session, Source, Watching};
use crate::modules::sources::Sources;
use crate::modules::{Context, Ends, Module, ModuleError, Status};
use crate::{Client, ClientOptions, Server};

/// Clocks that follow tokio's, which stands still in these tests until all tasks wait.
#[derive(Debug)]
pub(crate) struct TestClock {
    began: Instant,
    start: Timestamp,
    slept: Mutex<Duration>,
    stepped: Mutex<Duration>,
    jumped: watch::Sender<u32>,
}

impl TestClock {
    pub(crate) fn at(start: &str) -> Arc<TestClock> {
        Arc::new(TestClock {
            began: Instant::now(),
            start: Timestamp::parse(start).expect("a time"),
            slept: Mutex::new(Duration::ZERO),
            stepped: Mutex::new(Duration::ZERO),
            jumped: watch::Sender::new(0),
        })
    }

    /// The machine sleeps. Its tasks do nothing meanwhile.
    pub(crate) fn suspend(&self, seconds: i64) {
        let mut slept = self.slept.lock();
        *slept = slept.saturating_add(Duration::from_secs(seconds));
        self.jumped.send_modify(|times| *times += 1);
    }

    /// Somebody sets the wall clock.
    pub(crate) fn step(&self, seconds: i64) {
        let mut stepped = self.stepped.lock();
        *stepped = stepped.saturating_add(Duration::from_secs(seconds));
        self.jumped.send_modify(|times| *times += 1);
    }
}

impl Clock for TestClock {
    fn read(&self) -> Reading {
        let monotonic = Duration::from_nanos(i64::try_from(self.began.elapsed().as_nanos()).expect("short"));
        let boot = monotonic.saturating_add(*self.slept.lock());
        Reading {
            wall: self
                .start
                .saturating_add(boot)
                .saturating_add(*self.stepped.lock()),
            monotonic,
            boot: Some(boot),
        }
    }

    fn jumped(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut jumped = self.jumped.subscribe();
        Box::pin(async move { drop(jumped.changed().await) })
    }
}

#[derive(Clone)]
enum Do<R> {
    Report(Timestamp, R),
    End,
}

/// Something that moves fake sources: as many as a test starts, and all in the same way.
#[derive(Clone)]
pub(crate) struct Hand<R> {
    name: &'static str,
    clock: Arc<TestClock>,
    sources: Arc<Mutex<Vec<mpsc::UnboundedSender<Do<R>>>>>,
    /// Whether the desktop offers what the sources need.
    pub(crate) works: Arc<AtomicBool>,
    /// How often a source was started.
    pub(crate) tries: Arc<AtomicUsize>,
}

struct FakeSource<R> {
    hand: Hand<R>,
    told: mpsc::UnboundedReceiver<Do<R>>,
}

impl<R: Clone + Send + 'static> Hand<R> {
    pub(crate) fn of(name: &'static str, clock: &Arc<TestClock>) -> Hand<R> {
        Hand {
            name,
            clock: Arc::clone(clock),
            sources: Arc::default(),
            works: Arc::new(AtomicBool::new(true)),
            tries: Arc::default(),
        }
    }

    /// One more source.
    pub(crate) fn source(&self) -> Box<dyn Source<R>> {
        let (tell, told) = mpsc::unbounded_channel();
        self.sources.lock().push(tell);
        Box::new(FakeSource {
            hand: self.clone(),
            told,
        })
    }

    /// They report that this is the case now.
    pub(crate) fn report(&self, report: R) {
        self.report_ago(0, report);
    }

    /// They report that this is the case since so many seconds.
    pub(crate) fn report_ago(&self, seconds: i64, report: R) {
        let time = self
            .clock
            .read()
            .wall
            .saturating_sub(Duration::from_secs(seconds));
        self.tell(Do::Report(time, report));
    }

    /// They end.
    pub(crate) fn end(&self) {
        self.tell(Do::End);
    }

    fn tell(&self, what: Do<R>) {
        // A module that has been stopped does not listen any more.
        self.sources
            .lock()
            .retain(|source| source.send(what.clone()).is_ok());
    }
}

impl<R: Clone + Send + 'static> Source<R> for FakeSource<R> {
    fn name(&self) -> &'static str {
        self.hand.name
    }

    fn watch(&mut self, reports: Reports<R>) -> Watching<'_> {
        let FakeSource { hand, told } = self;
        hand.tries.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if !hand.works.load(Ordering::Relaxed) {
                return Lost::Missing(format!("{} is not there", hand.name));
            }
            loop {
                match told.recv().await {
                    Some(Do::Report(time, report)) => reports.send_at(time, report),
                    Some(Do::End) | None => return Lost::Ended(format!("{} has ended", hand.name)),
                }
            }
        })
    }
}

/// A person's machine.
pub(crate) struct Desk {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) link: Arc<Link>,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn at(start: &str) -> Desk {
        Desk::with(start, |options| options)
    }

    /// With other options of the client.
    pub(crate) fn with(start: &str, choose: impl FnOnce(ClientOptions) -> ClientOptions) -> Desk {
        let dir = tempfile::tempdir().expect("a directory");
        let link = Arc::new(Link::to(FakeServer::new(Kind::Timberline)));
        let options = ClientOptions::new(Server::new("127.0.0.1", 1), dir.path()).hostname("desk");
        let options = choose(options);
        // The client has a thread of its own, in real time.
        let clock = Arc::new(SystemClock::new());
        let client = Client::with_transport(options, link.clone(), clock).expect("it opens");
        Desk {
            clock: TestClock::at(start),
            link,
            client,
            _dir: dir,
        }
    }

    /// Starts a module.
    pub(crate) fn run(&self, module: &dyn Module) -> Run {
        let (stop, stopped) = watch::channel(false);
        let (status, said) = watch::channel(Status::default());
        let context = Context {
            client: self.client.clone(),
            clock: self.clock.clone(),
            session: Arc::new(no_session()),
            status,
            stop: stopped,
            ends: Ends::default(),
        };
        Run {
            stop,
            status: said,
            task: tokio::spawn(module.run(context)),
        }
    }

    /// Sends all that was recorded.
    pub(crate) fn finish(&self) {
        assert_eq!(self.client.close(StdDuration::from_secs(60)).wait().left, 0);
    }

    /// The events of a bucket, each with its times of day and its data.
    pub(crate) fn recorded(&self, bucket: &str) -> Vec<String> {
        let events = self.link.server.lock().stored(bucket);
        let line = |(start, end, data): &(i64, i64, String)| {
            format!("{} {} {data}", clock_time(*start), clock_time(*end))
        };
        events.iter().map(line).collect()
    }
}

/// A module that runs.
pub(crate) struct Run {
    stop: watch::Sender<bool>,
    pub(crate) status: watch::Receiver<Status>,
    task: JoinHandle<Result<(), ModuleError>>,
}

impl Run {
    /// Stops it.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.expect("no panic").expect("no error");
    }
}

/// Time passes.
pub(crate) async fn pass(seconds: f64) {
    tokio::time::sleep(StdDuration::from_secs_f64(seconds)).await;
}

/// The time of day in UTC, with milliseconds only if there are some.
fn clock_time(millis: i64) -> String {
    let mut text = Vec::new();
    Timestamp::from_nanos(millis * 1_000_000).write(&mut text);
    let text = String::from_utf8(text).expect("text");
    let time = text.split('T').nth(1).expect("a time");
    let time = time.trim_end_matches('Z').split('+').next().expect("a time");
    match time.split_once('.') {
        Some((whole, part)) if part.trim_end_matches('0').is_empty() => whole.to_owned(),
        Some((whole, part)) => format!("{whole}.{}", part.trim_end_matches('0')),
        None => time.to_owned(),
    }
}

fn no_session() -> Session {
    Session::from_environment(|name| {
        // Not the buses of the machine that runs the tests.
        name.starts_with("DBUS")
            .then(|| PathBuf::from("unix:path=/nowhere").into_os_string())
    })
}

/// All that a desktop reports to the modules `window` and `afk`.
pub(crate) struct Hands {
    pub(crate) window: Hand<Option<crate::desktop::Sighting>>,
    pub(crate) activity: Hand<crate::desktop::Activity>,
    pub(crate) facts: Hand<crate::afk::Fact>,
}

impl Hands {
    pub(crate) fn on(desk: &Desk) -> Hands {
        Hands {
            window: Hand::of("windows", &desk.clock),
            activity: Hand::of("activity", &desk.clock),
            facts: Hand::of("facts", &desk.clock),
        }
    }

    pub(crate) fn sources(&self) -> Arc<Sources> {
        let (window, activity, facts) = (self.window.clone(), self.activity.clone(), self.facts.clone());
        Arc::new(Sources {
            window: Box::new(move |_| vec![window.source()]),
            activity: Box::new(move |_| vec![activity.source()]),
            facts: Box::new(move |_| vec![facts.source()]),
            lid: Box::new(|_| Vec::new()),
            counts: Box::new(|_| Vec::new()),
        })
    }
}
