//! The meetings and lectures of a day, as they stand in the calendar.

use jiff::civil::Weekday;

use crate::day::{Day, DayKind, MINUTE, Millis, Purpose};
use crate::plan::Profile;
use crate::random::Random;
use crate::words;

/// An entry of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meeting {
    pub(crate) from: Millis,
    pub(crate) to: Millis,
    pub(crate) title: &'static str,
    /// How many others are invited.
    pub(crate) people: i64,
    /// When the person really leaves.
    pub(crate) left: Millis,
}

/// In order, and without overlaps.
pub(crate) fn of(day: &Day) -> Vec<Meeting> {
    if day.kind != DayKind::Work {
        return Vec::new();
    }
    let mut random = day.random(Purpose::Agenda, 0);
    let mut planned = match day.profile {
        Profile::Developer => developer(day, &mut random),
        Profile::Student => student(day),
        Profile::Manager => manager(day, &mut random),
    };
    planned.sort_unstable();
    let mut meetings: Vec<Meeting> = Vec::new();
    for (from, length, title) in planned {
        let (from, to) = (day.at(from), day.at(from + length));
        // It ends a little early, or late.
        let left = to + random.between(-6 * MINUTE, 4 * MINUTE);
        if meetings.last().is_none_or(|last| last.to.max(last.left) <= from) {
            let people = random.between(1, 7);
            meetings.push(Meeting {
                from,
                to,
                title,
                people,
                left,
            });
        }
    }
    meetings
}

/// Begin and length in minutes.
type Planned = (i64, i64, &'static str);

fn developer(day: &Day, random: &mut Random) -> Vec<Planned> {
    let mut planned = vec![(9 * 60 + 30, 15, "Daily standup")];
    match day.weekday() {
        Weekday::Monday => planned.push((10 * 60, 60, "Sprint planning")),
        Weekday::Wednesday => planned.push((14 * 60, 30, "1:1 with Lena")),
        Weekday::Friday if day.week() % 2 == 0 => planned.push((15 * 60, 60, "Retrospective")),
        _ => {}
    }
    extra(random, 1, words::MEETINGS, &mut planned);
    planned
}

fn manager(day: &Day, random: &mut Random) -> Vec<Planned> {
    let mut planned = vec![(9 * 60, 30, "Leads sync")];
    match day.weekday() {
        Weekday::Monday => planned.push((9 * 60 + 30, 90, "Weekly business review")),
        Weekday::Tuesday | Weekday::Thursday => planned.push((14 * 60, 45, "Hiring: interview")),
        Weekday::Friday => planned.push((16 * 60, 30, "Numbers of the week")),
        _ => {}
    }
    extra(random, 6, words::MEETINGS, &mut planned);
    planned
}

/// The same lectures each week.
fn student(day: &Day) -> Vec<Planned> {
    match day.weekday() {
        Weekday::Monday => vec![
            (10 * 60 + 15, 90, "Linear Algebra II"),
            (14 * 60 + 15, 90, "Tutorial: Linear Algebra II"),
        ],
        Weekday::Tuesday => vec![
            (8 * 60 + 15, 90, "Operating Systems"),
            (16 * 60 + 15, 45, "Thesis group"),
        ],
        Weekday::Wednesday => vec![
            (10 * 60 + 15, 90, "Statistics"),
            (14 * 60 + 15, 90, "Seminar: History of Computing"),
        ],
        Weekday::Thursday => vec![
            (10 * 60 + 15, 90, "Operating Systems"),
            (16 * 60 + 15, 90, "Tutorial: Statistics"),
        ],
        _ => Vec::new(),
    }
}

fn extra(random: &mut Random, most: i64, titles: &[&'static str], planned: &mut Vec<Planned>) {
    for _ in 0..random.between(most / 2, most + 1) {
        let from = random.between(19, 34) * 30;
        let length = random.weighted(&[(30, 5), (60, 3), (45, 1)]);
        planned.push((from, length, random.pick(titles)));
    }
}
