//! Random inputs and videos, with timers as a compositor runs them, against what really was the case.

use proptest::collection::vec;
use proptest::prelude::*;
use timberline_model::Timestamp;

use super::seats::{Seats, Timer};
use crate::desktop::Activity;

/// Seconds. What happens in one second happens before timers run out in it.
type Second = i64;

const SEAT: u32 = 1;
/// How long the timers run: the one for input, and the one that waits for videos too.
const INPUT: Second = 5;
const UNLESS_INHIBITED: Second = 4;

/// Each happens some seconds after the one before.
#[derive(Clone, Copy, Debug)]
enum Step {
    Input,
    /// A video begins, or ends if there is one.
    Video,
}

/// What really happened: the seconds of inputs, and of beginnings and ends of videos.
#[derive(Default)]
struct Truth {
    inputs: Vec<Second>,
    videos: Vec<Second>,
    end: Second,
}

impl Truth {
    fn of(steps: &[(Second, Step)]) -> Truth {
        let mut truth = Truth {
            inputs: vec![0],
            ..Truth::default()
        };
        for (gap, step) in steps {
            truth.end += gap;
            match step {
                Step::Input => truth.inputs.push(truth.end),
                Step::Video => truth.videos.push(truth.end),
            }
        }
        truth.end += 30;
        truth
    }

    fn is_video(&self, now: Second) -> bool {
        self.videos.iter().filter(|change| **change <= now).count() % 2 == 1
    }

    /// The pauses in which the compositor says that nobody is there.
    fn pauses(&self) -> impl Iterator<Item = (Second, Second)> {
        let ends = self.inputs.iter().skip(1).copied().chain([self.end]);
        let pauses = self.inputs.iter().copied().zip(ends);
        pauses.filter(|(last_input, next)| next - last_input > INPUT)
    }
}

/// Runs the timers second by second, and returns what is reported.
fn reported(truth: &Truth) -> Vec<(Second, Activity)> {
    let at = |second: Second| Timestamp::from_nanos(second * 1_000_000_000);
    let mut seats = Seats::new(at(0), true);
    seats.added(SEAT, at(0));
    let (mut input_since, mut both_since) = (0, 0);
    let (mut input_ran_out, mut both_ran_out) = (false, false);
    let mut reports = Vec::new();
    for now in 0..truth.end {
        let input = truth.inputs.contains(&now) && now > 0;
        let changed = truth.videos.contains(&now);
        if input || changed {
            both_since = now;
            if both_ran_out && (input || truth.is_video(now)) {
                both_ran_out = false;
                seats.resumed(SEAT, Timer::UnlessInhibited, at(now));
            }
        }
        if input {
            input_since = now;
            if std::mem::take(&mut input_ran_out) {
                seats.resumed(SEAT, Timer::Input, at(now));
            }
        }
        if !both_ran_out && !truth.is_video(now) && now - both_since >= UNLESS_INHIBITED {
            both_ran_out = true;
            seats.idled(SEAT, Timer::UnlessInhibited, at(now));
        }
        if !input_ran_out && now - input_since >= INPUT {
            input_ran_out = true;
            seats.idled(SEAT, Timer::Input, at(now));
        }
        let changes = seats.changes();
        reports.extend(changes.map(|change| (change.time.nanos() / 1_000_000_000, change.report)));
    }
    reports
}

/// Whether the timers can show what was the case at this second of a pause: a video must go on until the timers have run out
/// once, and between two videos the second timer must run out.
fn is_visible(truth: &Truth, (last_input, next): (Second, Second), now: Second) -> bool {
    let changes = truth.videos.iter().copied();
    let begin = changes
        .clone()
        .filter(|change| *change <= now)
        .max()
        .unwrap_or(0)
        .max(last_input);
    let end = changes
        .filter(|change| *change > now)
        .min()
        .unwrap_or(next)
        .min(next);
    if truth.is_video(now) {
        end > last_input + INPUT - UNLESS_INHIBITED
    } else {
        end - begin > UNLESS_INHIBITED
    }
}

proptest! {
    #[test]
    fn reports_say_what_was_the_case(
        steps in vec((1..20_i64, prop_oneof![3 => Just(Step::Input), 2 => Just(Step::Video)]), 0..40),
    ) {
        // Two steps never fall into one second, so a video does not begin and end in one.
        let truth = Truth::of(&steps);
        let reports = reported(&truth);

        let input = reports.iter().filter(|(_, report)| !matches!(report, Activity::Inhibited(_)));
        let input: Vec<_> = input.copied().collect();
        let mut expected = vec![(0, Activity::Unknown)];
        for (last_input, next) in truth.pauses() {
            expected.push((last_input, Activity::Idle));
            if next < truth.end {
                expected.push((next, Activity::Active));
            }
        }
        prop_assert_eq!(input, expected);

        let inhibited: Vec<_> = reports
            .iter()
            .filter_map(|(time, report)| match report {
                Activity::Inhibited(inhibited) => Some((*time, *inhibited)),
                _ => None,
            })
            .collect();
        prop_assert!(inhibited.is_sorted_by_key(|(time, _)| *time));
        for pause in truth.pauses() {
            for now in (pause.0..pause.1).filter(|now| is_visible(&truth, pause, *now)) {
                let last = inhibited.iter().rfind(|(time, _)| *time <= now);
                prop_assert_eq!(last.map(|(_, inhibited)| *inhibited), Some(truth.is_video(now)), "at {} s", now);
            }
        }
    }
}
