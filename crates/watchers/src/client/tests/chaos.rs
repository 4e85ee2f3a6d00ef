//! Ten minutes in which everything fails at random: every heartbeat is stored once, in order.

use super::fake_server::{FakeServer, Fault, Kind};
use super::*;
use timberline_model::Heartbeat;

/// Random numbers of a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn fault(&mut self) -> Fault {
        match self.below(9) {
            0 => Fault::Refused,
            1 => Fault::LostOnTheWay,
            2 | 3 => Fault::AnswerLost,
            4 => Fault::Status(500),
            5 => Fault::StatusAfterwards(502),
            6 => Fault::RetryAfter(self.below(20)),
            7 => Fault::Status(401),
            _ => Fault::Status(503),
        }
    }
}

/// So many seeds, or as many as the environment asks for.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("CHAOS_SEEDS").ok();
    0..asked.and_then(|asked| asked.parse().ok()).unwrap_or(usual)
}

/// What the watchers send in a second: bucket, start, duration, data, pulsetime.
fn beats_of(second: i64, window: &str) -> Vec<(&'static str, i64, i64, String, i64)> {
    let mut beats = vec![("window", second, 0, window.to_owned(), 2)];
    if second % 5 == 0 {
        let afk = if second / 120 % 2 == 0 { "not-afk" } else { "afk" };
        beats.push(("afk", second / 120 * 120, second % 120, afk.to_owned(), 185));
        // Each is an event of its own.
        beats.push(("input", second - 5, 5, format!("{second} presses"), 0));
    }
    beats
}

fn ten_minutes(kind: Kind, seed: u64, commit_interval: i64) {
    let mut random = Random(seed);
    let mut undisturbed = FakeServer::new(kind);
    let mut options = options(commit_interval);
    // Small files: the disk is copied at each kill.
    options.log.segment_bytes = 96 << 10;
    let mut process = Process::start(kind, options);
    let mut window = 0;
    for second in 0..600 {
        process.now = Duration::from_secs(second);
        if random.one_in(7) {
            window = random.below(5);
        }
        for (bucket, start, duration, data, pulsetime) in beats_of(second, &window.to_string()) {
            let beat = waiting(bucket, start, duration, &data, pulsetime);
            let direct = Heartbeat {
                start: beat.start,
                duration: beat.duration,
                data: beat.data.as_str().into(),
            };
            undisturbed.beat(bucket, &direct, beat.pulsetime);
            process
                .beat_for(bucket, start, duration, &data, pulsetime)
                .expect("taken");
        }
        if random.one_in(4) {
            process.link.next.lock().push_back(random.fault());
        }
        match random.below(40) {
            0 => *process.link.always.lock() = Some(random.fault()),
            1..=4 => *process.link.always.lock() = None,
            5 => process
                .disk
                .set_capacity(process.disk.used() + random.below(4_096)),
            6..=8 => process.disk.set_capacity(u64::MAX),
            // What the full disk could not take would be gone.
            9 | 10 if !process.queue.lock().is_behind() => process = process.kill(random.below(u64::MAX)),
            11 => process.queue.lock().rewrite_now(Duration::from_secs(second)),
            _ => {}
        }
        process.send();
        if random.one_in(30) && !process.queue.lock().is_behind() {
            process = process.kill(random.below(u64::MAX));
        }
    }
    process.disk.set_capacity(u64::MAX);
    *process.link.always.lock() = None;
    process.link.next.lock().clear();
    process.queue.lock().let_go(process.now);
    process.run(120);
    assert_eq!((process.waiting(), process.refused().as_str()), (0, ""));
    for bucket in ["window", "afk", "input"] {
        let (got, expected) = (process.stored(bucket), undisturbed.events(bucket));
        assert_eq!(
            got, expected,
            "{bucket}, {kind:?}, seed {seed}, commit interval {commit_interval}"
        );
    }
}

#[test]
fn every_heartbeat_is_stored_once_and_in_order() {
    for seed in seeds(4) {
        for kind in [Kind::Rust, Kind::Python, Kind::Timberline] {
            ten_minutes(kind, seed, if seed.is_multiple_of(2) { 10 } else { 0 });
        }
    }
}

/// Power cuts take what was not durable; nothing that was, and nothing is stored twice.
fn power_cuts(kind: Kind, seed: u64) {
    let mut random = Random(seed);
    let mut options = options(if seed.is_multiple_of(2) { 10 } else { 0 });
    options.log.segment_bytes = 96 << 10;
    let mut process = Process::start(kind, options);
    let (mut taken, mut durable) = (0, Vec::new());
    for second in 1..=120 {
        process.now = Duration::from_secs(second);
        process.beat("b", second, &second.to_string()).expect("taken");
        if random.one_in(3) {
            process.queue.lock().sync();
            durable.extend(taken + 1..=second);
            taken = second;
        }
        if random.one_in(3) {
            process.link.next.lock().push_back(random.fault());
        }
        process.send();
        if random.one_in(12) {
            process = process.cut_power(random.below(u64::MAX));
            // What was not durable may be there or not.
            taken = second;
        }
    }
    process.link.next.lock().clear();
    process.queue.lock().let_go(process.now);
    process.run(120);
    let stored: Vec<i64> = process.stored("b").into_iter().map(|(start, ..)| start).collect();
    assert!(
        stored.is_sorted_by(|one, other| one < other),
        "in order, and each once: {kind:?}, seed {seed}: {stored:?}"
    );
    let lost: Vec<_> = durable.iter().filter(|second| !stored.contains(second)).collect();
    assert!(lost.is_empty(), "{kind:?}, seed {seed}: {lost:?} are lost");
    assert!(durable.len() > 30);
}

#[test]
fn a_power_cut_takes_what_was_not_durable_and_repeats_nothing() {
    for seed in seeds(6) {
        for kind in [Kind::Rust, Kind::Python, Kind::Timberline] {
            power_cuts(kind, seed);
        }
    }
}
