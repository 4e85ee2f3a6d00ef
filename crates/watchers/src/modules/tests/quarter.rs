//! A quarter of an hour in which everything happens, and what is recorded of it.

use super::desk::{Desk, Hands};
use super::script::play;
use crate::modules::afk::AfkModule;
use crate::modules::board::Board;
use crate::modules::options::{AfkOptions, WindowOptions};
use crate::modules::window::WindowModule;

/// Runs both modules while the script happens.
async fn record(start: &str, script: &str) -> Desk {
    let desk = Desk::at(start);
    let hands = Hands::on(&desk);
    let board = Board::new();
    let window = desk.run(&WindowModule {
        options: WindowOptions::default(),
        sources: hands.sources(),
        board: board.clone(),
    });
    let afk = desk.run(&AfkModule {
        options: AfkOptions::default(),
        sources: hands.sources(),
        board,
    });
    play(&desk, &hands, script).await;
    window.stop().await;
    afk.stop().await;
    desk.finish();
    desk
}

/// Compares events with a table: times of day, and what the data are in short.
fn assert_recorded(desk: &Desk, bucket: &str, short: impl Fn(&serde_json::Value) -> String, expected: &str) {
    let shortened = |line: String| {
        let mut parts = line.splitn(3, ' ');
        let (start, end) = (parts.next().expect("a start"), parts.next().expect("an end"));
        let data = serde_json::from_str(parts.next().expect("data")).expect("JSON");
        format!("{start} {end} {}", short(&data))
    };
    let recorded: Vec<_> = desk.recorded(bucket).into_iter().map(shortened).collect();
    let expected: Vec<_> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected: Vec<_> = expected.into_iter().map(words).collect();
    assert_eq!(recorded, expected, "{bucket}");
}

fn text<'a>(data: &'a serde_json::Value, key: &str) -> &'a str {
    data[key].as_str().expect("text")
}

fn assert_window(desk: &Desk, expected: &str) {
    let short = |data: &serde_json::Value| format!("{} {}", text(data, "app"), text(data, "title"));
    assert_recorded(desk, "aw-watcher-window_desk", short, expected);
}

fn assert_afk(desk: &Desk, expected: &str) {
    assert_recorded(
        desk,
        "aw-watcher-afk_desk",
        |data| text(data, "status").to_owned(),
        expected,
    );
}

/// The state, all that holds, and with a question mark what nobody can tell. No module tells anything of sound.
fn assert_presence(desk: &Desk, expected: &str) {
    let short = |data: &serde_json::Value| {
        let awake = text(data, "state") != "asleep";
        for sound in ["audio", "microphone"] {
            assert_eq!(data[sound].is_null(), awake, "{data}");
        }
        let mut words = vec![text(data, "state").to_owned()];
        for field in ["fullscreen", "inhibitor", "input"] {
            match data[field].as_bool() {
                Some(true) => words.push(field.to_owned()),
                Some(false) => {}
                None => words.push(format!("{field}?")),
            }
        }
        words.join(" ")
    };
    assert_recorded(desk, "timberline-presence_desk", short, expected);
}

#[tokio::test(start_paused = true)]
async fn a_quarter_of_an_hour_is_recorded_exactly() {
    let desk = record(
        "2026-03-01T09:00:00Z",
        "09:00:00   active
         09:00:00   front editor notes.txt
         09:00:30   front editor notes.txt *
         09:00:30.4 front editor notes.txt
         09:01:00   front browser News
         09:01:30   front browser Sport
         09:02:00   none
         09:02:20   front browser Sport
         09:03:00   idle 5
         09:03:10   inhibit
         09:03:10   full browser Film
         09:08:00   release
         09:08:00   front browser Sport
         09:08:30   active
         09:09:00   idle 5
         09:09:10   lock
         09:09:20   front browser News
         09:09:40   unlock
         09:09:40   active
         09:10:00   idle 5
         09:10:05   sleep
         09:10:05   suspend 120
         09:12:05   wake
         09:12:09   active
         09:12:30   front editor notes.txt
         09:12:40   idle 5
         09:12:41   gone
         09:13:00   there
         09:13:50   active
         09:14:00   clock 3600
         10:14:30   front browser News
         10:14:40   clock -3600
         09:14:50   idle 5
         09:15:00   end",
    )
    .await;
    assert_window(
        &desk,
        "09:00:00 09:01:00 editor notes.txt
         09:01:00 09:01:30 browser News
         09:01:30 09:02:00 browser Sport
         09:02:20 09:03:10 browser Sport
         09:03:10 09:08:00 browser Film
         09:08:00 09:09:10 browser Sport
         09:09:40 09:10:05 browser News
         09:12:05 09:12:30 browser News
         09:12:30 09:14:00 editor notes.txt
         10:14:00 10:14:30 editor notes.txt
         10:14:30 10:14:40 browser News
         09:14:40 09:15:00 browser News",
    );
    assert_afk(
        &desk,
        "09:00:00 09:02:55 not-afk
         09:02:55 09:08:30 afk
         09:08:30 09:09:10 not-afk
         09:09:10 09:09:40 afk
         09:09:40 09:10:05 not-afk
         09:12:05 09:12:09 afk
         09:12:09 09:12:35 not-afk
         09:13:50 09:14:00 not-afk
         10:14:00 10:14:40 not-afk
         09:14:40 09:15:00 not-afk",
    );
    assert_presence(
        &desk,
        "09:00:00 09:02:55 unlocked inhibitor? input
         09:02:55 09:03:10 unlocked inhibitor?
         09:03:10 09:08:00 unlocked fullscreen inhibitor
         09:08:00 09:08:30 unlocked
         09:08:30 09:09:10 unlocked input
         09:09:10 09:09:40 locked
         09:09:40 09:10:05 unlocked input
         09:10:05 09:12:05 asleep
         09:12:05 09:12:09 unlocked
         09:12:09 09:12:35 unlocked input
         09:13:50 09:14:00 unlocked inhibitor? input
         10:14:00 10:14:40 unlocked inhibitor? input
         09:14:40 09:15:00 unlocked inhibitor? input",
    );
}

/// Nothing reports the sleep: the clocks show it. In the night local time changes, which nobody notices.
#[tokio::test(start_paused = true)]
async fn a_night_without_logind_is_recorded_exactly() {
    let desk = record(
        "2026-03-28T21:00:00Z",
        "21:00:00 active
         21:00:00 front editor notes.txt
         21:05:00 idle 5
         21:05:07 suspend 28800
         05:05:12 idle 28812
         05:06:00 active
         05:07:00 idle 5
         05:08:00 away
         05:09:00 back
         05:09:30 end",
    )
    .await;
    assert_window(
        &desk,
        "21:00:00 21:05:07 editor notes.txt
         05:05:07 05:08:00 editor notes.txt
         05:09:00 05:09:30 editor notes.txt",
    );
    assert_afk(
        &desk,
        "21:00:00 21:05:07 not-afk
         05:05:07 05:06:00 afk
         05:06:00 05:08:00 not-afk
         05:08:00 05:09:00 afk
         05:09:00 05:09:30 not-afk",
    );
}

#[tokio::test(start_paused = true)]
async fn continuing_input_is_recorded_only_as_far_as_it_is_certain() {
    let desk = record(
        "2026-03-01T09:00:00Z",
        "09:00:00 active
         09:30:00 gone
         09:40:00 there
         09:41:20 idle 3000
         09:42:00 active
         09:43:00 lock
         09:44:00 end",
    )
    .await;
    // The source ends while it says that input goes on: the last input was within six seconds. When it is back, the last input was
    // long ago, and until then nobody has seen anything.
    assert_afk(
        &desk,
        "09:00:00 09:29:54 not-afk
         09:41:20 09:42:00 afk
         09:42:00 09:43:00 not-afk
         09:43:00 09:44:00 afk",
    );
}

/// Where no backend knows windows, and none tells of programs that keep the screen on, "no" would be made up.
#[tokio::test(start_paused = true)]
async fn what_nobody_can_tell_is_null() {
    let desk = record(
        "2026-03-01T09:00:00Z",
        "09:00:00 active
         09:01:00 none
         09:02:00 full browser Film
         09:03:00 release
         09:04:00 blind
         09:05:00 end",
    )
    .await;
    assert_presence(
        &desk,
        "09:00:00 09:01:00 unlocked fullscreen? inhibitor? input
         09:01:00 09:02:00 unlocked inhibitor? input
         09:02:00 09:03:00 unlocked fullscreen inhibitor? input
         09:03:00 09:04:00 unlocked fullscreen input
         09:04:00 09:05:00 unlocked fullscreen? input",
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_begins_to_look_is_no_input() {
    let desk = record(
        "2026-03-01T09:00:00Z",
        "09:00:00 unknown
         09:01:00 idle 5
         09:10:00 gone
         09:10:30 there
         09:11:05 unknown
         09:11:10 idle 5
         09:20:00 gone
         09:20:30 there
         09:21:05 unknown
         09:30:00 gone
         09:40:00 end",
    )
    .await;
    // At the start somebody is there. After 09:10 nobody is, and after 09:20 input goes on, which shows after six seconds.
    assert_afk(
        &desk,
        "09:00:00 09:00:55 not-afk
         09:00:55 09:10:00 afk
         09:11:10 09:20:00 afk
         09:21:05 09:29:54 not-afk",
    );
}
