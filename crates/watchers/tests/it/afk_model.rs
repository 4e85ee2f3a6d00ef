//! AFK events and reasons of random histories, compared with plain models: one answer for each millisecond.

use proptest::prelude::*;
use timberline_model::{Duration, Timestamp};
use timberline_watchers::afk::{Afk, AfkEvent, Fact, Presence, PresenceEvent, Reason, State, Status};

const TIMEOUT: i64 = 10;

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

fn millis(at: Timestamp) -> i64 {
    at.nanos() / 1_000_000
}

/// What happens, after how many milliseconds since what happened before; clock steps are by so much.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Fact(Fact),
    Step(i64),
}

type History = Vec<(i64, Happens)>;

fn history() -> impl Strategy<Value = History> {
    let fact = prop_oneof![
        12 => Just(Happens::Fact(Fact::Input)),
        2 => Just(Happens::Fact(Fact::Locked)),
        2 => Just(Happens::Fact(Fact::Unlocked)),
        1 => Just(Happens::Fact(Fact::SwitchedAway)),
        1 => Just(Happens::Fact(Fact::SwitchedBack)),
        1 => Just(Happens::Fact(Fact::LockUnknown)),
        1 => Just(Happens::Fact(Fact::SwitchUnknown)),
        2 => Just(Happens::Fact(Fact::SleepBegan)),
        2 => Just(Happens::Fact(Fact::SleepEnded)),
        1 => prop_oneof![-60i64..60, -3i64..4].prop_map(Happens::Step),
        2 => (reason(), any::<Option<bool>>()).prop_map(|(reason, on)| Happens::Fact(Fact::Reason(reason, on))),
    ];
    let pause = prop_oneof![4 => 0i64..6, 4 => 0i64..14, 1 => 0i64..40];
    prop::collection::vec((pause, fact), 0..40)
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Inhibitor),
        Just(Reason::Audio),
        Just(Reason::Microphone),
        Just(Reason::FullScreen)
    ]
}

/// What is the case in one millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    /// How often the clock was set before, and what it says.
    era: usize,
    wall: i64,
    status: Option<Status>,
    state: State,
    reasons: [Option<bool>; 4],
}

/// A stretch of time in which the session is unlocked, on the screen, awake, and the clock is not set.
#[derive(Debug, Default)]
struct Span {
    from: i64,
    /// `None` if the history ends before it does.
    to: Option<i64>,
    /// The last input before it, if only a clock step separates them; then those in it.
    inputs: Vec<i64>,
}

/// The model. Time here is the time that passes, whatever the wall clock says.
fn moments(history: &History, end: i64) -> Vec<Moment> {
    let mut spans: Vec<Span> = vec![Span {
        from: 0,
        to: None,
        inputs: vec![0],
    }];
    let mut changes: Vec<(i64, Moment)> = vec![(
        0,
        Moment {
            era: 0,
            wall: 0,
            status: None,
            state: State::Unlocked,
            reasons: [None; 4],
        },
    )];
    let (mut locked, mut away, mut asleep, mut reasons) = (false, false, false, [None; 4]);
    let (mut now, mut era, mut shift) = (0, 0, 0);
    for &(pause, happens) in history {
        now += pause;
        let was_present = !(locked || away || asleep);
        let mut comes_back = false;
        match happens {
            Happens::Fact(Fact::Input) if was_present => spans.last_mut().unwrap().inputs.push(now),
            Happens::Fact(Fact::Locked) => locked = true,
            Happens::Fact(Fact::SwitchedAway) => away = true,
            Happens::Fact(Fact::Unlocked) => comes_back = std::mem::take(&mut locked),
            Happens::Fact(Fact::SwitchedBack) => comes_back = std::mem::take(&mut away),
            Happens::Fact(Fact::LockUnknown) => locked = false,
            Happens::Fact(Fact::SwitchUnknown) => away = false,
            Happens::Fact(Fact::SleepBegan) => asleep = true,
            Happens::Fact(Fact::SleepEnded) => asleep = false,
            Happens::Fact(Fact::Reason(reason, on)) => reasons[reason as usize] = on,
            Happens::Step(by) if by != 0 => {
                (era, shift) = (era + 1, shift + by);
                if was_present {
                    let span = spans.last_mut().unwrap();
                    span.to = Some(now);
                    let carried = span.inputs.last().copied();
                    spans.push(Span {
                        from: now,
                        to: None,
                        inputs: carried.into_iter().collect(),
                    });
                }
            }
            _ => {}
        }
        let is_present = !(locked || away || asleep);
        if was_present && !is_present {
            spans.last_mut().unwrap().to = Some(now);
        }
        if !was_present && is_present {
            spans.push(Span {
                from: now,
                to: None,
                inputs: comes_back.then_some(now).into_iter().collect(),
            });
        }
        let state = match (asleep, away, locked) {
            (true, ..) => State::Asleep,
            (_, true, _) => State::Elsewhere,
            (_, _, true) => State::Locked,
            _ => State::Unlocked,
        };
        let moment = Moment {
            era,
            wall: shift,
            status: None,
            state,
            reasons: if asleep { [Some(false); 4] } else { reasons },
        };
        changes.push((now, moment));
    }
    spans.last_mut().unwrap().to.get_or_insert(end);
    let mut all: Vec<Moment> = Vec::new();
    for unit in 0..end {
        let (_, context) = changes.iter().rfind(|(from, _)| *from <= unit).unwrap();
        let span = spans
            .iter()
            .rfind(|span| span.from <= unit && unit < span.to.unwrap());
        let status = match span {
            _ if context.state == State::Asleep => None,
            None => Some(Status::Afk),
            Some(span) => {
                let active = all
                    .last()
                    .is_some_and(|before| before.status == Some(Status::NotAfk) && before.era == context.era);
                Some(status_within(span, unit, active))
            }
        };
        all.push(Moment {
            wall: unit + context.wall,
            status,
            ..*context
        });
    }
    all
}

/// Whether a millisecond of a span is active: its last input and the next one, or the end of the span, are closer than the
/// timeout; or it is the millisecond of a single input.
fn status_within(span: &Span, unit: i64, active_before: bool) -> Status {
    let Some(&last) = span.inputs.iter().rfind(|&&input| input <= unit) else {
        return Status::Afk;
    };
    let next = span.inputs.iter().copied().find(|&input| input > unit);
    let next = next.or(span.to).unwrap();
    if next - last < TIMEOUT || last == unit && !active_before {
        Status::NotAfk
    } else {
        Status::Afk
    }
}

/// Stretches of milliseconds that are equal in `what`.
fn runs<T: PartialEq + Copy>(moments: &[Moment], what: impl Fn(&Moment) -> Option<T>) -> Vec<(i64, i64, T)> {
    let mut runs: Vec<(i64, i64, T)> = Vec::new();
    let mut before: Option<(T, usize)> = None;
    for moment in moments {
        let now = what(moment).map(|what| (what, moment.era));
        match (now, runs.last_mut()) {
            (None, _) => {}
            (Some(_), Some(run)) if now == before => run.1 = moment.wall + 1,
            (Some((what, _)), _) => runs.push((moment.wall, moment.wall + 1, what)),
        }
        before = now;
    }
    runs
}

/// Feeds a history, with ticks between; `feed` gets each fact with its wall time, or `None` for a tick.
fn play(history: &History, ticks: &[bool], mut feed: impl FnMut(i64, Option<Fact>)) -> i64 {
    let (mut now, mut shift) = (0, 0);
    for (index, &(pause, happens)) in history.iter().enumerate() {
        for step in 0..pause {
            if ticks.get((index + step as usize) % ticks.len().max(1)) == Some(&true) {
                feed(now + step + shift, None);
            }
        }
        now += pause;
        match happens {
            Happens::Fact(fact) => feed(now + shift, Some(fact)),
            Happens::Step(by) => {
                let to = ms(now + shift + by);
                feed(now + shift, Some(Fact::ClockStepped { to }));
                shift += by;
            }
        }
    }
    let end = now + 15;
    feed(end + shift, None);
    feed(end + shift, Some(Fact::Ended));
    end
}

/// What a bucket has after these events, each of which replaces the last one if that has the same start and the clock was
/// not set between them.
struct Bucket<E> {
    era: usize,
    events: Vec<(usize, E)>,
}

impl<E: Copy> Bucket<E> {
    fn new() -> Self {
        Bucket {
            era: 0,
            events: Vec::new(),
        }
    }

    fn store(&mut self, said: Vec<E>, at: i64, fact: Option<Fact>, start: impl Fn(&E) -> Timestamp) {
        for event in said {
            self.events
                .pop_if(|(era, last)| *era == self.era && start(last) == start(&event));
            self.events.push((self.era, event));
        }
        self.era += usize::from(matches!(fact, Some(Fact::ClockStepped { to }) if to != ms(at)));
    }
}

fn afk_events(history: &History, ticks: &[bool]) -> (Vec<AfkEvent>, i64) {
    let mut afk = Afk::start(ms(0), Duration::from_nanos(TIMEOUT * 1_000_000));
    let mut bucket = Bucket::new();
    let end = play(history, ticks, |at, fact| {
        let said = match fact {
            Some(fact) => afk.observe(ms(at), fact),
            None => afk.tick(ms(at)),
        };
        bucket.store(said, at, fact, |event| event.start);
    });
    (bucket.events.into_iter().map(|(_, event)| event).collect(), end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn afk_events_are_those_of_the_plain_model(history in history(), ticks in prop::collection::vec(any::<bool>(), 1..5)) {
        let (events, end) = afk_events(&history, &ticks);
        let moments = moments(&history, end);
        let expected = runs(&moments, |moment| moment.status);
        let events: Vec<_> = events.iter().map(|event| (millis(event.start), millis(event.end), event.status)).collect();
        prop_assert_eq!(&events, &expected);
        // The events cover all time awake: a gap has a sleep or a clock step as its reason.
        let awake = moments.iter().filter(|moment| moment.state != State::Asleep).count();
        prop_assert_eq!(events.iter().map(|(start, end, _)| end - start).sum::<i64>(), awake as i64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn reasons_are_those_of_the_plain_model(history in history(), ticks in prop::collection::vec(any::<bool>(), 1..5)) {
        let mut presence = Presence::start(ms(0), Duration::from_nanos(TIMEOUT * 1_000_000));
        let mut bucket: Bucket<PresenceEvent> = Bucket::new();
        let end = play(&history, &ticks, |at, fact| {
            let said = match fact {
                Some(fact) => presence.observe(ms(at), fact),
                None => presence.tick(ms(at)),
            };
            bucket.store(said, at, fact, |event| event.start);
        });
        let events: Vec<_> = bucket.events.iter().map(|(_, event)| {
            let reasons = [Reason::Inhibitor, Reason::Audio, Reason::Microphone, Reason::FullScreen];
            let what = (event.state, event.input, reasons.map(|reason| event.holds(reason)));
            (millis(event.start), millis(event.end), what)
        }).collect();
        let moments = moments(&history, end);
        let expected = runs(&moments, |moment| {
            Some((moment.state, moment.status == Some(Status::NotAfk), moment.reasons))
        });
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn inputs_that_are_reported_late_shorten_nothing_and_overlap_nothing(
        facts in prop::collection::vec((0i64..12, 0i64..30, any::<bool>()), 0..40),
    ) {
        let mut afk = Afk::start(ms(0), Duration::from_nanos(TIMEOUT * 1_000_000));
        let (mut now, mut bucket): (i64, Vec<AfkEvent>) = (0, Vec::new());
        for (pause, late, tick) in facts {
            now += pause;
            let said = if tick { afk.tick(ms(now)) } else { afk.observe(ms(now - late), Fact::Input) };
            for event in said {
                prop_assert!(event.end > event.start);
                if let Some(last) = bucket.last().copied() {
                    if last.start == event.start {
                        prop_assert!(event.end >= last.end && event.status == last.status);
                        bucket.pop();
                    } else {
                        prop_assert_eq!((last.end, last.status != event.status), (event.start, true));
                    }
                }
                bucket.push(event);
            }
        }
    }
}
