//! One device through one day: what its watchers record.

use crate::activity::Activity;
use crate::agenda::{self, Meeting};
use crate::buckets::Watcher;
use crate::day::{Day, MINUTE, Millis, Purpose, SECOND};
use crate::plan::Plan;
use crate::random::Random;
use crate::scenes::{Place, Shot};
use crate::schedule::{Mode, Sitting, sittings};
use crate::watchers::{self, Events, Recorder};
use crate::words;

/// A device sleeps if nobody comes for so long.
const SLEEPS_AFTER: Millis = 100 * MINUTE;

/// How long the watcher waits until nobody is there.
const AFK_AFTER: Millis = 3 * MINUTE;

/// What the watchers of a device record on a day.
pub(crate) fn record(plan: &Plan, day: &Day, device: u32) -> Vec<(Watcher, Events)> {
    let sittings = sittings(day, device);
    let meetings = if device == 0 { agenda::of(day) } else { Vec::new() };
    let mut screen = Screen {
        random: day.random(Purpose::Windows, device),
        place: Place::new(plan, day, device),
        meetings: &meetings,
        recorder: Recorder::default(),
        quiet: Vec::new(),
    };
    let mut afk = Events::new();
    let mut rest = sittings.as_slice();
    while let Some(first) = rest.first() {
        let count = awake(rest);
        let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        let to = now.last().map_or(first.to, |last| last.to);
        screen.show(now);
        watchers::afk(&mut afk, first.from, to, &away(now, &mut screen.quiet));
        rest = later;
    }
    let Recorder {
        window, web, editor, ..
    } = screen.recorder;
    vec![
        (Watcher::Window, window),
        (Watcher::Afk, afk),
        (Watcher::Web, web),
        (Watcher::Editor, editor),
        (Watcher::Music, music(day, device, &sittings)),
        (Watcher::Calendar, calendar(&meetings)),
        (Watcher::Stopwatch, stopwatch(day, &sittings)),
    ]
}

/// How many of the sittings happen before the device sleeps.
fn awake(sittings: &[Sitting]) -> usize {
    let pairs = sittings.iter().zip(sittings.iter().skip(1));
    let stays = pairs.take_while(|(before, after)| after.from - before.to < SLEEPS_AFTER);
    stays.count() + 1
}

/// When nobody is there: between sittings, and in those when nobody touches anything.
fn away(sittings: &[Sitting], quiet: &mut Vec<(Millis, Millis)>) -> Vec<(Millis, Millis)> {
    let pairs = sittings.iter().zip(sittings.iter().skip(1));
    quiet.extend(pairs.map(|(before, after)| (before.to, after.from)));
    quiet.sort_unstable();
    let mut away: Vec<(Millis, Millis)> = Vec::new();
    for (from, to) in quiet.drain(..) {
        match away.last_mut() {
            Some(last) if from <= last.1 + SECOND => last.1 = last.1.max(to),
            _ => away.push((from, to)),
        }
    }
    away.retain(|(from, to)| to - from >= AFK_AFTER);
    away
}

/// What is on the screen.
struct Screen<'a> {
    random: Random,
    place: Place,
    meetings: &'a [Meeting],
    recorder: Recorder,
    /// When nobody touches anything although somebody is there.
    quiet: Vec<(Millis, Millis)>,
}

impl Screen<'_> {
    /// Sittings between which the device stays on.
    fn show(&mut self, sittings: &[Sitting]) {
        for (index, sitting) in sittings.iter().enumerate() {
            self.sit(sitting);
            // What is in front stays there until somebody comes back.
            let until = sittings
                .get(index + 1)
                .map_or(sitting.to, |next| next.from - SECOND);
            self.recorder.end_tab(until);
            self.recorder.stay(until);
        }
    }

    fn sit(&mut self, sitting: &Sitting) {
        let mut at = sitting.from;
        while at < sitting.to {
            let meeting = self.meetings.iter().find(|meeting| meeting.left > at);
            let meeting = meeting.filter(|_| sitting.mode == Mode::Work);
            match meeting {
                Some(meeting) if meeting.from <= at => {
                    let end = meeting.left.min(sitting.to);
                    at = self.attend(meeting, at, end);
                }
                _ => {
                    let activity = Activity::next(&mut self.random, self.place.profile(), sitting.mode);
                    let until = meeting.map_or(sitting.to, |meeting| meeting.from.min(sitting.to));
                    let end = (at + activity.length(&mut self.random)).min(until);
                    at = self.act(activity, at, end);
                }
            }
        }
    }

    /// One activity, window after window. Gives back when it ends.
    fn act(&mut self, activity: Activity, from: Millis, end: Millis) -> Millis {
        let mut at = from;
        self.place.begin(&mut self.random);
        while at < end {
            let shot = self.place.shot(&mut self.random, activity);
            let mut to = at + shot.length;
            // No window for less than a second.
            if end - to < SECOND + SECOND / 5 {
                to = end;
            }
            self.window(&shot, at, to);
            at = to;
        }
        end
    }

    /// A meeting: the call, and what one looks at meanwhile.
    fn attend(&mut self, meeting: &Meeting, from: Millis, end: Millis) -> Millis {
        let mut at = from;
        while at < end {
            let aside = self.random.chance(350);
            let shot = if aside {
                let activity = self
                    .random
                    .pick(&[Activity::Chat, Activity::Documents, Activity::Mail]);
                self.place.shot(&mut self.random, activity)
            } else {
                self.place.call(&mut self.random, meeting.title)
            };
            let mut to = at + shot.length;
            if end - to < SECOND + SECOND / 5 {
                to = end;
            }
            self.window(&shot, at, to);
            at = to;
        }
        end
    }

    fn window(&mut self, shot: &Shot, from: Millis, to: Millis) {
        if shot.quiet && to - from > AFK_AFTER {
            // The hand leaves the mouse a moment after the window has come to the front.
            self.quiet.push((from + 2 * SECOND, to));
        }
        self.recorder.window(&mut self.random, shot, from, to);
    }
}

/// Music beside work, and in the evening.
fn music(day: &Day, device: u32, sittings: &[Sitting]) -> Events {
    let mut random = day.random(Purpose::Music, device);
    let mut events = Events::new();
    for sitting in sittings {
        let likely = if sitting.mode == Mode::Work { 450 } else { 200 };
        if !random.chance(likely) {
            continue;
        }
        let (artist, album, titles) = random.pick(words::ALBUMS);
        let mut at = sitting.from + random.between(5 * SECOND, 6 * MINUTE);
        while at < sitting.to {
            let title = random.pick(titles);
            let end = (at + random.between(130 * SECOND, 330 * SECOND)).min(sitting.to);
            let uri = format!("spotify:track:{:022x}", random.between(0, i64::MAX));
            let data = watchers::object(&[
                ("album", album),
                ("artist", artist),
                ("title", title),
                ("uri", &uri),
            ]);
            events.push(watchers::event(at, end, data));
            at = end + random.between(SECOND / 2, 5 * SECOND);
        }
    }
    events
}

fn calendar(meetings: &[Meeting]) -> Events {
    let entry = |meeting: &Meeting| {
        let names = words::PEOPLE
            .iter()
            .cycle()
            .skip(meeting.title.len() % words::PEOPLE.len());
        let count = usize::try_from(meeting.people).unwrap_or(1);
        let attendees: Vec<&str> = names.take(count).copied().collect();
        let data = watchers::object(&[("attendees", &attendees.join(", ")), ("title", meeting.title)]);
        watchers::event(meeting.from, meeting.to, data)
    };
    meetings.iter().map(entry).collect()
}

/// On some days the person starts the stopwatch and stops it again.
fn stopwatch(day: &Day, sittings: &[Sitting]) -> Events {
    let mut random = day.random(Purpose::Stopwatch, 0);
    let mut events = Events::new();
    for sitting in sittings.iter().filter(|sitting| sitting.mode == Mode::Work) {
        if random.chance(120) {
            let length = (sitting.to - sitting.from).max(MINUTE);
            let from = sitting.from + random.between(0, length / 4);
            let to = from + random.between(length / 4, length / 2);
            let label = random.pick(words::TASKS);
            let data = format!("{{\"label\":\"{label}\",\"running\":false}}");
            events.push(watchers::event(from, to, data));
        }
    }
    events
}
