//! Window events of random histories, compared with a plain model that knows the whole history.

use proptest::prelude::*;
use timberline_model::{Duration, Timestamp};
use timberline_watchers::window::{Front, PrivateWindows, Rule, Rules, Window, WindowEvent};

const SETTLE: i64 = 5;
const PATIENCE: i64 = 20;

type Seen = Option<(&'static str, &'static str)>;

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

fn history() -> impl Strategy<Value = Vec<(i64, Seen)>> {
    let app = prop::sample::select(vec!["a", "b"]);
    let title = prop::sample::select(vec!["1", "2", "3", "4", "secret"]);
    let seen = prop_oneof![
        1 => Just(None),
        9 => (prop_oneof![5 => Just("a"), 1 => app], title).prop_map(Some),
    ];
    let pause = prop_oneof![6 => 0i64..7, 1 => 0i64..40];
    prop::collection::vec((pause, seen), 0..40)
}

fn rules() -> Rules {
    let drop = Rule {
        app: Some("b".to_owned()),
        title: Some("secret".to_owned()),
        drop: true,
        ..Rule::default()
    };
    let same = Rule {
        title: Some("^[34]$".to_owned()),
        set_title: Some("3 or 4".to_owned()),
        ..Rule::default()
    };
    Rules::new(PrivateWindows::Record, &[drop, same]).expect("good rules")
}

fn ruled((app, title): (&'static str, &'static str)) -> Seen {
    match (app, title) {
        ("b", "secret") => None,
        (app, "3" | "4") => Some((app, "3 or 4")),
        other => Some(other),
    }
}

/// A stretch of time with one window and title.
#[derive(Clone, Copy, Debug)]
struct Segment {
    from: i64,
    to: i64,
    seen: Seen,
}

/// What is in front, after the rules: neighbours differ, and none is empty.
fn segments(history: &[(i64, Seen)], end: i64) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut now = 0;
    let mut changes: Vec<(i64, Seen)> = vec![(0, None)];
    for (pause, seen) in history {
        now += pause;
        changes.push((now, seen.and_then(ruled)));
    }
    for (index, &(from, seen)) in changes.iter().enumerate() {
        let to = changes.get(index + 1).map_or(end, |next| next.0);
        match segments.last_mut() {
            _ if from == to => {}
            Some(last) if last.seen == seen => last.to = to,
            _ => segments.push(Segment { from, to, seen }),
        }
    }
    segments
}

type Expected = (i64, i64, &'static str, &'static str);

fn expected(history: &[(i64, Seen)], end: i64) -> Vec<Expected> {
    let segments = segments(history, end);
    let app_of = |segment: &Segment| segment.seen.map(|(app, _)| app);
    let runs = segments.chunk_by(|one, other| app_of(one) == app_of(other));
    runs.filter(|run| run[0].seen.is_some())
        .flat_map(events_of_run)
        .collect()
}

/// The events of a stretch of time in which one program is in front.
fn events_of_run(run: &[Segment]) -> Vec<Expected> {
    let (start, end) = (run[0].from, run[run.len() - 1].to);
    let mut events: Vec<Expected> = Vec::new();
    let mut untaken_since = start;
    for (index, segment) in run.iter().enumerate() {
        let (app, title) = segment.seen.unwrap();
        let is_last = index + 1 == run.len();
        let stands = segment.to - segment.from >= SETTLE;
        let waited = !is_last && segment.to - untaken_since >= PATIENCE;
        if stands || waited || is_last && events.is_empty() {
            untaken_since = segment.to;
            if events.last().is_some_and(|event| event.3 == title) {
                continue;
            }
            let from = if events.is_empty() { start } else { segment.from };
            if let Some(before) = events.last_mut() {
                before.1 = from;
            }
            events.push((from, end, app, title));
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn window_events_are_those_of_the_plain_model(
        history in history(),
        ticks in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let span = |millis| Duration::from_nanos(millis * 1_000_000);
        let mut window = Window::with_settle(rules(), span(SETTLE), span(PATIENCE));
        let mut bucket: Vec<WindowEvent> = Vec::new();
        let mut store = |said: Vec<WindowEvent>| for event in said {
            bucket.pop_if(|last| last.start == event.start && last.front == event.front && last.end < event.end);
            bucket.push(event);
        };
        let mut now = 0;
        for (index, &(pause, seen)) in history.iter().enumerate() {
            for step in 0..pause {
                if ticks[(index + step as usize) % ticks.len()] {
                    store(window.tick(ms(now + step)));
                }
            }
            now += pause;
            let front = seen.map(|(app, title)| Front { app: app.to_owned(), title: title.to_owned() });
            store(window.change(ms(now), front));
        }
        let end = now + 3;
        store(window.tick(ms(end)));
        store(window.change(ms(end), None));
        store(window.tick(ms(end + 1)));
        let events: Vec<_> = bucket.iter().map(|event| {
            let millis = |at: Timestamp| at.nanos() / 1_000_000;
            (millis(event.start), millis(event.end), event.front.app.as_str(), event.front.title.as_str())
        }).collect();
        prop_assert_eq!(events, expected(&history, end));
    }
}
