//! Pauses as events, and across restarts.

use super::*;
use crate::supervisor::Which;
use crate::supervisor::pauses::Pauses;

struct Recorded {
    server: Arc<Agreeable>,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Recorded {
    fn new() -> Recorded {
        let dir = tempfile::tempdir().expect("a directory");
        let server = Arc::new(Agreeable::default());
        Recorded {
            client: client(dir.path(), Arc::clone(&server)),
            server,
            _dir: dir,
        }
    }

    /// The events: from second to second, and the watchers.
    fn events(self) -> Vec<(i64, i64, Vec<String>)> {
        let closed = self.client.close(StdDuration::from_secs(30)).wait();
        assert_eq!(closed.left, 0);
        let start = Timestamp::parse("2026-03-01T10:00:00Z").expect("a time");
        let mut events: Vec<(i64, i64, Vec<String>)> = Vec::new();
        for (path, body) in self.server.0.lock().iter() {
            if !path.contains("/timberline-watchers_laptop/heartbeat") {
                continue;
            }
            let beat: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(beat["data"]["status"], "paused");
            let time = Timestamp::parse(beat["timestamp"].as_str().expect("a time")).expect("a time");
            let from = time.since(start).nanos() / 1_000_000_000;
            let length = beat["duration"].as_f64().expect("a number").round() as i64;
            let watchers = serde_json::from_value(beat["data"]["watchers"].clone()).expect("names");
            match events.last_mut() {
                Some(last) if last.0 == from && last.2 == watchers => last.1 = from + length,
                _ => events.push((from, from + length, watchers)),
            }
        }
        events
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_an_event_for_each_set_of_watchers() {
    let puppets = [
        Puppet::new("camera", Way::Error),
        Puppet::new("microphone", Way::Error),
    ];
    let bench = Bench::start(&[&puppets[0], &puppets[1]]);
    let recorded = Recorded::new();
    let pauses = Pauses::new(Arc::clone(bench.board()), &recorded.client);
    let until = |seconds| Some(bench.board().now().saturating_add(Duration::from_secs(seconds)));
    let script = async {
        seconds(10).await;
        bench
            .handle
            .pause(Which::One("microphone"), until(600))
            .expect("done");
        seconds(100).await;
        bench.handle.pause(Which::All, None).expect("done");
        seconds(90).await;
        bench.handle.resume(Which::One("camera")).expect("done");
        seconds(10).await;
        assert!(puppets[0].is_running() && !puppets[1].is_running());
        bench
            .handle
            .pause(Which::One("microphone"), until(50))
            .expect("done");
        seconds(100).await;
        assert!(puppets[1].is_running());
    };
    tokio::select! {
        () = pauses.record() => {}
        () = script => {}
    }
    let expected = [
        (10, 110, names(&["microphone"])),
        (110, 200, names(&["camera", "microphone"])),
        (200, 260, names(&["microphone"])),
    ];
    assert_eq!(recorded.events(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_over_a_restart_as_one_event() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(RuntimeClock::new());
    let recorded = Recorded::new();
    let puppet = Puppet::new("microphone", Way::Error);
    for round in 0..2 {
        let mut options = options(dir.path(), &[&puppet]);
        options.clock = Arc::clone(&clock) as _;
        let bench = Bench::with(options);
        let pauses = Pauses::new(Arc::clone(bench.board()), &recorded.client);
        settle().await;
        if round == 0 {
            assert!(puppet.is_running());
            bench.handle.pause(Which::All, None).expect("done");
        }
        pauses.update();
        seconds(300).await;
        pauses.update();
        assert!(!puppet.is_running());
        bench.board().end();
        settle().await;
    }
    let events = recorded.events();
    assert_eq!(events, [(0, 600, names(&["microphone"]))]);
}
