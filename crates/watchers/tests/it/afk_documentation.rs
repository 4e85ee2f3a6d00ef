//! Runs the examples of `docs/afk.md`: with the facts as they are written, and with clocks that show sleeps and steps while
//! nothing reports them.

use timberline_model::{Duration, Timestamp};
use timberline_watchers::afk::{Afk, AfkEvent, Fact, Status, TIMEOUT};
use timberline_watchers::clock::{Clock, FakeClock, JumpDetector};

const PAGE: &str = include_str!("../../../../docs/afk.md");

/// A time of an example; without a date, it is on 2026-03-01.
fn time(text: &str) -> Timestamp {
    let whole = if text.contains('T') {
        text.to_owned()
    } else {
        format!("2026-03-01T{text}Z")
    };
    Timestamp::parse(&whole).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[derive(Debug)]
struct Example {
    facts: Vec<(Timestamp, Fact)>,
    events: Vec<(Timestamp, Timestamp, Status)>,
}

impl Example {
    fn parse(block: &str) -> Example {
        let (mut facts, mut events) = (Vec::new(), Vec::new());
        for line in block.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["=", start, end, "afk"] => events.push((time(start), time(end), Status::Afk)),
                ["=", start, end, "not-afk"] => events.push((time(start), time(end), Status::NotAfk)),
                [times, "input"] => {
                    let (from, to) = times.split_once("..").unwrap_or((times, times));
                    let (mut at, to) = (time(from), time(to));
                    while at < to {
                        facts.push((at, Fact::Input));
                        at = at.saturating_add(Duration::from_secs(10));
                    }
                    facts.push((to, Fact::Input));
                }
                [at, "clock", to] => facts.push((time(at), Fact::ClockStepped { to: time(to) })),
                [at, what] => facts.push((
                    time(at),
                    match *what {
                        "lock" => Fact::Locked,
                        "unlock" => Fact::Unlocked,
                        "lock-unknown" => Fact::LockUnknown,
                        "switch-away" => Fact::SwitchedAway,
                        "switch-back" => Fact::SwitchedBack,
                        "sleep" => Fact::SleepBegan,
                        "wake" => Fact::SleepEnded,
                        "end" => Fact::Ended,
                        other => panic!("no fact: {other}"),
                    },
                )),
                _ => panic!("not readable: {line}"),
            }
        }
        Example { facts, events }
    }
}

/// What a bucket has after these events.
fn store(bucket: &mut Vec<(Timestamp, Timestamp, Status)>, said: Vec<AfkEvent>) {
    for event in said {
        bucket.pop_if(|(start, ..)| *start == event.start);
        bucket.push((event.start, event.end, event.status));
    }
}

/// With the facts as they are written, and a tick in each second in which the machine is awake.
fn as_written(example: &Example) -> Vec<(Timestamp, Timestamp, Status)> {
    let mut now = example.facts[0].0;
    let (mut afk, mut bucket) = (Afk::start(now, TIMEOUT), Vec::new());
    for (at, fact) in &example.facts {
        while now < *at {
            now = now.saturating_add(Duration::from_secs(1));
            store(&mut bucket, afk.tick(now));
        }
        store(&mut bucket, afk.observe(*at, *fact));
        if let Fact::ClockStepped { to } = fact {
            now = *to;
        }
    }
    bucket
}

/// With clocks: sleeps and steps are only noticed by their differences, when the next fact is reported.
fn by_the_clocks(example: &Example) -> Vec<(Timestamp, Timestamp, Status)> {
    let clock = FakeClock::at(example.facts[0].0);
    let mut jumps = JumpDetector::new(clock.read());
    let (mut afk, mut bucket) = (Afk::start(clock.read().wall, TIMEOUT), Vec::new());
    for (at, fact) in &example.facts {
        let passed = at.since(clock.read().wall);
        match fact {
            Fact::SleepEnded => clock.suspend(passed),
            Fact::ClockStepped { to } => {
                clock.advance(passed);
                clock.step(to.since(*at));
            }
            _ => clock.advance(passed),
        }
        let now = clock.read();
        for (at, fact) in jumps.observe(now).flat_map(|jump| jump.facts()) {
            store(&mut bucket, afk.observe(at, fact));
        }
        match fact {
            Fact::SleepBegan | Fact::SleepEnded | Fact::ClockStepped { .. } => {
                store(&mut bucket, afk.tick(now.wall))
            }
            fact => store(&mut bucket, afk.observe(now.wall, *fact)),
        }
    }
    bucket
}

#[test]
fn the_examples_of_the_page_are_true() {
    let blocks: Vec<&str> = PAGE
        .split("```afk\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("an end"))
        .collect();
    assert_eq!(blocks.len(), 12, "examples were added or removed: say so here");
    for block in blocks {
        let example = Example::parse(block);
        assert_eq!(as_written(&example), example.events, "{block}");
        assert_eq!(by_the_clocks(&example), example.events, "by the clocks: {block}");
    }
}
