//! When the person sits at which device.

use jiff::civil::Weekday;

use crate::day::{Day, DayKind, MINUTE, Millis, Purpose};
use crate::plan::Profile;
use crate::random::Random;

/// What the person is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Work, or study.
    Work,
    /// Everything else.
    Private,
}

/// A time at a device without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sitting {
    pub(crate) from: Millis,
    pub(crate) to: Millis,
    pub(crate) mode: Mode,
}

/// The times at one device on one day, in order. They may go on past midnight, but end before four in the morning, and none begins
/// before six: so the days do not overlap.
pub(crate) fn sittings(day: &Day, device: u32) -> Vec<Sitting> {
    let mut random = day.random(Purpose::Schedule, 0);
    let mut blocks = blocks(day, &mut random);
    // Everything private happens at the second device, if there is one.
    let second = |mode: Mode| u32::from(day.devices > 1 && mode == Mode::Private);
    blocks.retain(|(_, _, mode)| second(*mode) == device);
    if device == 1 {
        blocks.extend(beside_work(day, &mut random));
    }
    blocks.sort_unstable_by_key(|(from, _, _)| *from);
    let mut random = day.random(Purpose::Schedule, device + 1);
    let mut sittings: Vec<Sitting> = Vec::new();
    for (from, to, mode) in blocks {
        let earliest = sittings.last().map_or(Millis::MIN, |last| last.to + 4 * MINUTE);
        split(
            &mut sittings,
            &mut random,
            day.at(from).max(earliest),
            day.at(to),
            mode,
        );
    }
    sittings
}

/// From and to in minutes after midnight.
type Block = (i64, i64, Mode);

fn blocks(day: &Day, random: &mut Random) -> Vec<Block> {
    match (day.kind, day.profile) {
        (DayKind::Work, Profile::Developer) => office_day(random, (8 * 60 + 10, 100), (430, 560), 80),
        (DayKind::Work, Profile::Manager) => {
            let mut blocks = office_day(random, (7 * 60 + 25, 60), (480, 640), 25);
            // Mail in the evening.
            if random.chance(400) {
                let from = random.between(18 * 60 + 50, 19 * 60);
                blocks.push((from, from + random.between(10, 30), Mode::Work));
            }
            blocks
        }
        (DayKind::Work, Profile::Student) => student_day(day, random),
        (DayKind::Weekend | DayKind::Holiday, _) => free_day(day, random, 750),
        (DayKind::Break, _) => free_day(day, random, 850),
        (DayKind::Vacation, _) if random.chance(250) => evening(random, 20, 90),
        (DayKind::Vacation, _) => Vec::new(),
        (DayKind::Sick, _) => sick_day(random),
    }
}

/// A day with a lunch break; `start` is the earliest begin and how much later it may be, `length` how long work takes.
fn office_day(random: &mut Random, start: (i64, i64), length: (i64, i64), late: i64) -> Vec<Block> {
    let begin = start.0 + random.between(0, start.1);
    let lunch = random.between(11 * 60 + 50, 12 * 60 + 50);
    let back = lunch + random.between(28, 65);
    let end = back + random.between(length.0, length.1) - (lunch - begin);
    let mut blocks = vec![(begin, lunch, Mode::Work), (back, end, Mode::Work)];
    if random.chance(620) {
        blocks.extend(evening(random, 30, 200));
    }
    if random.chance(late) {
        // A deadline, or a good film.
        let mode = if random.chance(500) {
            Mode::Work
        } else {
            Mode::Private
        };
        blocks.push((23 * 60, 23 * 60 + random.between(60, 220), mode));
    }
    blocks
}

fn student_day(day: &Day, random: &mut Random) -> Vec<Block> {
    let mut blocks = Vec::new();
    let morning = random.between(8 * 60, 9 * 60 + 50);
    if random.chance(800) {
        blocks.push((morning, 11 * 60 + random.between(20, 60), Mode::Work));
    }
    blocks.push((
        13 * 60 + random.between(0, 70),
        17 * 60 + random.between(-60, 80),
        Mode::Work,
    ));
    if random.chance(700) {
        blocks.extend(evening(random, 40, 190));
    }
    // Exams are in February and July.
    let exams = matches!(day.date.month(), 2 | 7);
    if random.chance(if exams { 450 } else { 250 }) {
        let mode = if exams { Mode::Work } else { Mode::Private };
        blocks.push((23 * 60, 23 * 60 + random.between(50, 230), mode));
    }
    blocks
}

fn free_day(day: &Day, random: &mut Random, likely: i64) -> Vec<Block> {
    let mut blocks = Vec::new();
    if random.chance(likely * 6 / 10) {
        let from = random.between(9 * 60, 11 * 60);
        blocks.push((from, from + random.skewed(15, 120), Mode::Private));
    }
    if random.chance(likely / 2) {
        let from = random.between(14 * 60, 16 * 60);
        // Some work at home, on one weekend in four.
        let mode = if random.chance(250) {
            Mode::Work
        } else {
            Mode::Private
        };
        blocks.push((from, from + random.skewed(20, 150), mode));
    }
    if random.chance(likely) {
        blocks.extend(evening(random, 30, 200));
    }
    if day.weekday() == Weekday::Saturday && random.chance(300) {
        blocks.push((23 * 60 + 10, 23 * 60 + random.between(60, 235), Mode::Private));
    }
    blocks
}

fn sick_day(random: &mut Random) -> Vec<Block> {
    let from = random.between(11 * 60, 15 * 60);
    vec![(from, from + random.between(20, 140), Mode::Private)]
}

fn evening(random: &mut Random, least: i64, most: i64) -> Vec<Block> {
    let from = random.between(19 * 60 + 20, 20 * 60 + 20);
    // Before the late evening begins.
    let to = (from + random.between(least, most)).min(22 * 60 + 50);
    vec![(from, to, Mode::Private)]
}

/// A glance at the other device now and then, on the days at home: both are in use at the same time.
fn beside_work(day: &Day, random: &mut Random) -> Vec<Block> {
    let at_home = matches!(day.weekday(), Weekday::Monday | Weekday::Friday);
    if day.kind != DayKind::Work || !at_home {
        return Vec::new();
    }
    let mut from = 9 * 60;
    let mut blocks = Vec::new();
    for _ in 0..random.between(2, 6) {
        from += random.between(25, 110);
        let to = from + random.between(3, 16);
        blocks.push((from, to, Mode::Private));
        from = to;
    }
    blocks
}

/// Divides a block by short breaks.
fn split(sittings: &mut Vec<Sitting>, random: &mut Random, mut from: Millis, to: Millis, mode: Mode) {
    while to - from >= 2 * MINUTE {
        let stretch = random.between(35 * MINUTE, 115 * MINUTE);
        let end = if to - from - stretch < 20 * MINUTE {
            to
        } else {
            from + stretch
        };
        // People begin and stop at no full minute.
        let begin = from + random.between(0, MINUTE);
        sittings.push(Sitting {
            from: begin,
            to: end,
            mode,
        });
        from = end + random.skewed(3 * MINUTE + MINUTE / 2, 18 * MINUTE);
    }
}
